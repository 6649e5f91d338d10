# SPDX-License-Identifier: PostgreSQL
#
# The policies of jobs on a real server: retries, chains, groups, overlap, missed runs, validity, pauses, and who sees what.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use ScheduleTest;
use StewardTest;
use Test::More;

wait_past_midnight();
my $node = scheduler_node('main');
sub sql { return ask($node, shift); }
sub state_of { my ($job, $columns) = @_; return sql("SELECT concat_ws('|', $columns) FROM steward.jobs WHERE name = '$job'"); }
sub loaded { await($node, q{NOT EXISTS (SELECT FROM steward.jobs WHERE state = 'loading')}, 'the jobs to be read'); }
sub cancel { my $job = shift; return sql("SELECT steward.cancel_run(run_id) FROM steward.job_runs WHERE job = '$job' AND outcome = 'running'"); }

# ---- Retries ---------------------------------------------------------------------------------------------------------

my %transient = map { $_ => 1 } qw(08006 40001 40P01 53100 58030 55P03 55006 57P03);
my @states = (sort keys %transient, qw(22012 23505 42P01 42501 25001 P0001 XX000));
my $retry = '"retries": 1, "retry_delay": "100 ms"';
sub raises { my $state = shift; return "DO \$\$BEGIN RAISE EXCEPTION 'no luck' USING ERRCODE = '$state'; END\$\$"; }
soon($node, "state_$_", raises($_), "{$retry}") for @states;
soon($node, 'listed', raises('23505'), qq({$retry, "retry_on": ["23505"]}));
soon($node, 'classed', raises('23505'), qq({$retry, "retry_on": ["23"]}));
soon($node, 'unlisted', raises('40001'), qq({$retry, "retry_on": ["23"]}));
soon($node, 'patient', raises('40001'), '{"retries": 3, "retry_delay": "1 hour"}');
soon($node, 'lucky', q{INSERT INTO done VALUES ('lucky'); DO $$BEGIN IF (SELECT count(*) < 3 FROM done WHERE what = 'lucky') THEN
    RAISE EXCEPTION USING ERRCODE = '40001'; END IF; END$$}, '{"retries": 9, "retry_delay": "50 ms"}');
ended($node, "state_$_", $transient{$_} ? 2 : 1) for @states;
ended($node, 'lucky', 3);
ended($node, 'listed', 2);
ended($node, 'classed', 2);
ended($node, $_, 1) for ('unlisted', 'patient');
is(outcomes($node, "state_$_"), join(', ', ("failed $_") x ($transient{$_} ? 2 : 1)), "$_ is " . ($transient{$_} ? 'tried again' : 'final')) for @states;
is(outcomes($node, 'listed'), 'failed 23505, failed 23505', 'retry_on lists a SQLSTATE');
is(outcomes($node, 'classed'), 'failed 23505, failed 23505', 'or a class');
is(outcomes($node, 'unlisted'), 'failed 40001', 'and nothing else is tried again then');
is(outcomes($node, 'lucky'), 'failed 40001, failed 40001, succeeded', 'a retry may succeed');
is(sql(q{SELECT string_agg(kind || ' ' || attempt, ', ' ORDER BY run_id) FROM steward.job_history WHERE job_name = 'lucky'}),
    'scheduled 1, retry 2, retry 3', 'attempts are counted');
is(sql(q{SELECT count(DISTINCT due_at) FROM steward.job_history WHERE job_name = 'lucky'}), '1', 'of the same due instant');
like(state_of('patient', 'state, waiting_reason'), qr/^queued\|retry 1 of 3 begins at 2/, 'a retry that waits says when it begins');
sql(q{SELECT steward.unschedule('patient')});

# ---- Chains ----------------------------------------------------------------------------------------------------------

sql(q{
    SELECT steward.schedule('good', NULL, 'SELECT 1'), steward.schedule('bad', NULL, 'SELECT 1/0');
    SELECT steward.schedule('after_both', NULL, 'SELECT 1', options => '{"after": ["good", "bad"]}');
    SELECT steward.schedule('on_both', NULL, 'SELECT 1', options => '{"on_success": ["good", "bad"]}');
    SELECT steward.schedule('on_good', NULL, 'SELECT 1', options => '{"on_success": "good"}');
    SELECT steward.schedule('on_bad', NULL, 'SELECT 1', options => '{"on_failure": ["good", "bad"]}');
    SELECT steward.schedule('third', NULL, 'SELECT 1', options => '{"after": "on_bad"}');
});
loaded();
sql(q{SELECT steward.run_job('good')});
ended($node, 'on_good', 1);
is(sql(q{SELECT string_agg(job_name, ', ') FROM steward.job_history WHERE kind = 'chained'}), 'on_good', 'after a success runs what waits for it alone');
sql(q{SELECT steward.run_job('bad')});
ended($node, $_, 1) for ('after_both', 'third');
is(sql(q{SELECT string_agg(job_name || ' ' || outcome, ', ' ORDER BY job_name) FROM steward.job_history WHERE kind = 'chained'}),
    'after_both succeeded, on_bad succeeded, on_good succeeded, third succeeded', 'after a failure what waits for ends, or for failures, and what follows that');
is(outcomes($node, 'on_both'), '', 'but not what waits for both to succeed');

# ---- Groups ----------------------------------------------------------------------------------------------------------

sql(q{SELECT steward.limit_job_group('pair', 2)});
sql(qq{SELECT steward.schedule('in_pair_$_', NULL, 'SELECT pg_sleep(600)', options => '{"group": "pair"}')}) for (1 .. 4);
loaded();
sql(q{SELECT steward.run_job('in_pair_' || i) FROM generate_series(1, 4) i});
my $running = q{SELECT count(*) FILTER (WHERE outcome = 'running') || ' ' || count(*) FILTER (WHERE outcome = 'waiting') FROM steward.job_runs WHERE job LIKE 'in\_pair%'};
await($node, "($running) = '2 2'", 'two of four');
await($node, q{(SELECT count(*) = 2 AND bool_and(waiting_reason ~ 'group "?pair') FROM steward.jobs WHERE group_name = 'pair' AND state = 'queued')}, 'the reason');
pass('two of a group run, and two wait for it');
sql(q{SELECT steward.limit_job_group('pair', 3)});
await($node, "($running) = '3 1'", 'three of four');
pass('a higher limit lets the third in');
# All at once: the fourth begins at the end of the first.
sql(q{SELECT count(steward.cancel_run(run_id)) FROM steward.job_runs WHERE job LIKE 'in\_pair%' AND outcome = 'running'});
await($node, "($running) = '1 0'", 'the last');
cancel('in_pair_' . $_) for (1 .. 4);

# ---- Overlap ---------------------------------------------------------------------------------------------------------

sql(q{
    SELECT steward.schedule('skips', '* * * * * *', 'SELECT pg_sleep(600)');
    SELECT steward.schedule('queues', '* * * * * *', 'SELECT pg_sleep(600)', options => '{"overlap": "queue"}');
    SELECT steward.schedule('gives_way', '* * * * * *', 'SELECT pg_sleep(600)', options => '{"overlap": "replace"}');
    SELECT steward.schedule('doubles', '* * * * * *', 'SELECT pg_sleep(600)', options => '{"overlap": "parallel", "max_parallel": 2}');
});
ended($node, 'gives_way', 2);
await($node, q{(SELECT skipped >= 2 FROM steward.jobs WHERE name = 'skips') AND (SELECT skipped >= 2 FROM steward.jobs WHERE name = 'queues')
    AND (SELECT skipped >= 1 AND running = 2 FROM steward.jobs WHERE name = 'doubles')}, 'runs that meet earlier ones');
is(state_of('skips', 'running, queued'), '1|0', 'skip: one runs, and the others are given up');
is(state_of('queues', 'running, queued, waiting_reason'), '1|1|an earlier run is still running', 'queue: one runs and one waits');
is(sql(q{SELECT run_id IS NULL, kind, attempt, due_at < clock_timestamp(), started_at IS NULL, message FROM steward.job_runs WHERE job = 'queues' AND outcome = 'waiting'}),
    't|scheduled|1|t|t|an earlier run is still running', 'which is among the runs');
is(state_of('doubles', 'running'), '2', 'parallel: as many as may run at once');
is(sql(q{SELECT string_agg(DISTINCT outcome, ', ') FROM steward.job_history WHERE job_name = 'gives_way'}), 'cancelled', 'replace: the earlier one gives way');
is(sql(q{SELECT count(*) FROM steward.job_history WHERE job_name IN ('skips', 'queues', 'doubles')}), '0', 'and of the others none has ended');
sql(q{SELECT steward.unschedule(name) FROM steward.jobs WHERE name IN ('skips', 'queues', 'gives_way', 'doubles')});
sql(q{SELECT pg_terminate_backend(pid) FROM steward.job_runs WHERE outcome = 'running'});

# ---- Validity and excluded dates -------------------------------------------------------------------------------------

sql(q{
    SELECT steward.schedule('later', '@daily', 'SELECT 1', 'UTC', options => '{"valid_from": "2090-05-05 12:00:00"}');
    SELECT steward.schedule('over', '* * * * * *', 'SELECT 1', 'UTC', options => jsonb_build_object('valid_until', clock_timestamp() - interval '1 second'));
    SELECT steward.schedule('today', '* * * * * *', 'SELECT 1', 'UTC', options => jsonb_build_object('exclude_dates', jsonb_build_array(
        (now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + 1)));
});
loaded();
is(state_of('later', q{state, waiting_reason, to_char(next_run AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')}), 'idle|valid from 2090-05-05 12:00:00+00|2090-05-06 00:00', 'a job that is not valid yet waits for its first run');
is(state_of('over', 'state, next_run'), 'finished', 'one that is no longer valid has finished');
is(state_of('today', q{state, next_run::date - now()::date}), 'idle|2', 'and excluded dates are passed over')
    or diag(state_of('today', 'next_run'));

# ---- Pauses ----------------------------------------------------------------------------------------------------------

sql(q{SELECT steward.schedule('each', '* * * * * *', 'SELECT 1', options => '{"missed": "all"}')});
ended($node, 'each', 1);
sql(q{SELECT steward.pause_jobs('release 7', name => 'each')});
await($node, q{(SELECT state = 'paused' AND running = 0 FROM steward.jobs WHERE name = 'each')}, 'the pause');
is(state_of('each', 'waiting_reason, paused_reason'), 'paused: release 7|release 7', 'a pause says why');
my $by_hand = sql(q{SELECT steward.run_job('each')});
await($node, "EXISTS (SELECT FROM steward.job_history WHERE run_id = $by_hand)", 'a run by hand in a pause');
is(sql("SELECT kind || ' ' || outcome FROM steward.job_history WHERE run_id = $by_hand"), 'manual succeeded', 'which holds no run by hand back');
my $last = sql(q{SELECT max(due_at) FROM steward.job_history WHERE job_name = 'each'});
$node->restart;
sql(q{SELECT steward.pause_jobs('all of it', clock_timestamp() + interval '3 seconds'), steward.resume_jobs('each')});
is(state_of('each', 'paused_reason'), 'all of it', 'so does the pause of all');
my $ended = sql(q{SELECT until FROM steward.job_pause});
await($node, "EXISTS (SELECT FROM steward.job_history WHERE job_name = 'each' AND due_at > '$ended')", 'the end of the pause');
is(sql("SELECT count(*) FROM steward.job_history WHERE job_name = 'each' AND due_at > '$last' AND due_at <= '$ended'"), '0', 'what was due in a pause is not made up for');
sql(q{SELECT steward.unschedule('each'), steward.resume_jobs()});

# ---- Who sees what ---------------------------------------------------------------------------------------------------

sql(q{CREATE ROLE clerk LOGIN; CREATE ROLE spy LOGIN});
sub try_as { my ($role, $sql) = @_; local $ENV{PGUSER} = $role; return $node->psql('postgres', $sql); }
sub sql_as { my ($role, $sql) = @_; local $ENV{PGUSER} = $role; return $node->safe_psql('postgres', $sql); }
sql_as('clerk', q{SELECT steward.schedule('secret', NULL, 'SELECT ''hush''; SELECT ''hush''::integer'), steward.schedule('endless', NULL, 'SELECT pg_sleep(600)')});
loaded();
my $endless = sql_as('clerk', q{SELECT steward.run_job('endless')});
sql_as('clerk', q{SELECT steward.run_job('secret')});
ended($node, 'secret', 1);
running_pid($node, 'endless');
my $of_clerk = q{SELECT (SELECT count(*) FROM steward.jobs) || ' ' || (SELECT count(*) FROM steward.job_runs)};
is(sql_as('clerk', $of_clerk), '2 2', 'a role sees its own jobs and runs, and no others');
like(sql_as('clerk', q{SELECT command || message FROM steward.jobs JOIN steward.job_runs ON job = name WHERE name = 'secret'}), qr/hush.*invalid input syntax/, 'with their commands and errors');
is(sql_as('spy', $of_clerk), '0 0', 'another role sees nothing of them');
for my $try ('SELECT * FROM steward.job_definitions', 'SELECT * FROM steward.job_history', 'SELECT * FROM steward.job_progress', q{SELECT steward.run_job('secret')},
    q{SELECT steward.unschedule('secret')}, q{SELECT steward.alter_job('secret', command => 'SELECT 1')}, q{SELECT steward.pause_jobs('no', name => 'secret')}, q{SELECT steward.pause_jobs('no')},
    "SELECT steward.cancel_run($endless)", q{SELECT steward.schedule('secret', NULL, 'SELECT 1')}, q{SELECT steward.schedule('mine', NULL, 'SELECT 1', role => 'clerk')}) {
    my ($status, $out, $err) = try_as('spy', $try);
    isnt($status, 0, "another role may not $try") or diag($out);
    unlike($err, qr/hush/, 'and learns nothing by trying');
}
is(sql_as('spy', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%'}), '0', 'nor is a command seen in pg_stat_activity');
is(sql_as('clerk', "SELECT steward.cancel_run($endless)"), 't', 'the role itself cancels its run');
ended($node, 'endless', 1);
is(outcomes($node, 'endless'), 'cancelled 57014', 'which ends');

# ---- Missed runs, over a restart -------------------------------------------------------------------------------------

sql(q{SELECT steward.unschedule(name) FROM (SELECT name FROM steward.jobs ORDER BY coalesce(after, on_success, on_failure) IS NULL, name = 'on_bad') j});
sql(qq{SELECT steward.schedule('missed_$_->[0]', '*/2 * * * * *', 'SELECT 1', options => '{"missed": "$_->[1]"}')})
    for (['skip', 'skip'], ['once', 'once'], ['all', 'all'], ['recent', 'all", "missed_within": "5 seconds']);
ended($node, "missed_$_", 1) for qw(skip once all recent);
$node->stop;
my $last_due = time;
sleep 1 while time < $last_due + 9;
$node->start;
my $up = sql(q{SELECT pg_postmaster_start_time()});
await($node, "(SELECT count(DISTINCT job_name) = 4 FROM steward.job_history WHERE job_name LIKE 'missed%' AND kind = 'scheduled' AND due_at > '$up')", 'scheduled runs after the restart');
my %missed = map { my $job = $_; $job => sql("SELECT count(*) FROM steward.job_history WHERE job_name = 'missed_$job' AND kind = 'missed' AND due_at < '$up'") } qw(skip once all recent);
is($missed{skip}, '0', 'skip: nothing is made up for');
is($missed{once}, '1', 'once: one run makes up for all');
cmp_ok($missed{all}, '>=', 4, 'all: all are made up for');
ok($missed{recent} >= 1 && $missed{recent} < $missed{all}, "missed_within: those that are not too old ($missed{recent} of $missed{all})");
is(sql(q{SELECT count(*) - count(DISTINCT (job_name, due_at)) FROM steward.job_history WHERE job_name LIKE 'missed%'}), '0', 'and none twice');

$node->stop('fast');
quiet_log($node, join('|', 'terminating (?:background worker|connection)', 'permission denied', 'must be', 'does not exist', 'may not', 'already'));
done_testing();
