# SPDX-License-Identifier: PostgreSQL
#
# Processes of the scheduler that die in each state: what ran, waited or had just begun is neither lost nor run twice.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use ScheduleTest;
use StewardTest;
use Test::More;

my $node = scheduler_node('main');
sub sql { return ask($node, shift); }
sub count_of { my $what = shift; return sql("SELECT count(*) FROM done WHERE what = '$what'"); }

# Long the first time, short when it is tried again.
my $once_long = q{INSERT INTO done VALUES ('%s'); SELECT pg_sleep(600) FROM done WHERE what = '%s' HAVING count(*) = 1};
sub long { my $job = shift; return sprintf($once_long, $job, $job); }
sub at_work {
    my $job = shift;
    await($node, "EXISTS (SELECT FROM done WHERE what = '$job')", "the command of $job");
    return running_pid($node, $job);
}

# A worker that the kernel kills takes the server down: both runs are interrupted, and only the one that may is tried again.
soon($node, 'cut', long('cut'));
soon($node, 'cut_again', long('cut_again'), '{"retries": 2, "retry_delay": "100 ms"}');
at_work('cut_again');
crash_by($node, at_work('cut'));
ended($node, 'cut', 1);
ended($node, 'cut_again', 2);
is(outcomes($node, 'cut'), 'interrupted 57P02', 'kill -9 of a worker interrupts its run');
is(count_of('cut'), '1', 'which is not run again');
is(outcomes($node, 'cut_again'), 'interrupted 57P02, succeeded', 'the run of its neighbour is tried again, as it asks');
is(sql(q{SELECT string_agg(kind || ' ' || attempt, ', ' ORDER BY run_id) FROM steward.job_history WHERE job_name = 'cut_again'}),
    'scheduled 1, retry 2', 'as a second attempt');

# The launcher is killed likewise.
soon($node, 'headless', long('headless'));
at_work('headless');
crash_by($node, launcher_pid($node));
ended($node, 'headless', 1);
is(outcomes($node, 'headless'), 'interrupted 57P02', 'kill -9 of the launcher interrupts a run');
is(count_of('headless'), '1', 'which is not run again');

# Somebody ends or cancels the session of a run.
soon($node, 'ended', long('ended'));
soon($node, 'ended_again', long('ended_again'), '{"retries": 1, "retry_delay": "100 ms"}');
soon($node, 'stopped', long('stopped'), '{"retries": 1, "retry_delay": "100 ms"}');
sql('SELECT pg_terminate_backend(' . at_work('ended') . ')');
sql('SELECT pg_terminate_backend(' . at_work('ended_again') . ')');
sql('SELECT pg_cancel_backend(' . at_work('stopped') . ')');
ended($node, 'ended', 1);
ended($node, 'ended_again', 2);
ended($node, 'stopped', 1);
is(outcomes($node, 'ended'), 'terminated 57P01', 'pg_terminate_backend() of a worker is in the history');
is(outcomes($node, 'ended_again'), 'terminated 57P01, succeeded', 'and tried again when asked');
is(outcomes($node, 'stopped'), 'cancelled 57014', 'pg_cancel_backend() cancels a run, and somebody who cancels wants no retry');

# The row of a run is refused: it is tried again ever more seldom, said once, and recorded when it is not refused any more.
sql(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE LOG ''tried''; RAISE EXCEPTION ''no room''; END';
    CREATE TRIGGER refuse BEFORE INSERT ON steward.job_history FOR EACH ROW WHEN (NEW.job_name = 'refused') EXECUTE FUNCTION refuse()});
soon($node, 'refused', long('refused'));
sql('SELECT pg_terminate_backend(' . at_work('refused') . ')');
wait_for_log($node, 'LOG:  tried', 4);
my @tried = map { /^\S+ (\d+):(\d+):([\d.]+) .*LOG:  tried/ ? $1 * 3600 + $2 * 60 + $3 : () } split /\n/, slurp_file($node->logfile);
cmp_ok(($tried[3] - $tried[2]) % 86400, '>=', 3, 'a run that is refused is tried ever more seldom');
is(logged($node, 'LOG:  could not record a run in the database with OID \d+: run \d+ of job \d+: no room'), 1, 'and the log says so once');
sql('DROP TRIGGER refuse ON steward.job_history');
ended($node, 'refused', 1);
is(outcomes($node, 'refused'), 'terminated 57P01', 'it is recorded when it can be');

# A crash while a run waits: it comes after the crash.
sql(q{SELECT steward.limit_job_group('single', 1)});
soon($node, 'holder', long('holder'), '{"group": "single"}');
at_work('holder');
soon($node, 'waiter', long('waiter'), '{"group": "single", "retries": 1, "retry_delay": "100 ms"}');
my $by_hand = sql(q{SELECT steward.run_job('stopped')});
ended($node, 'stopped', 2);
await($node, q{(SELECT waiting_reason LIKE '%group%' FROM steward.jobs WHERE name = 'waiter')}, 'a run that waits for its group');
crash_by($node, at_work('holder'));
at_work('waiter');
is(count_of('waiter'), '1', 'a run that waited when the server crashed begins after it');
is(outcomes($node, 'holder'), 'interrupted 57P02', 'in the place of the one that was cut');

# A crash while a worker starts and has not yet noted so: it has not begun, and does after the crash.
my $locker = session($node, 'locker', q{BEGIN; LOCK TABLE steward.job_progress IN SHARE MODE; SELECT pg_sleep(600)});
pid_of($node, q{application_name = 'locker' AND query LIKE '%pg_sleep%'});
soon($node, 'beginner', q{INSERT INTO done VALUES ('beginner')});
await($node, q{(SELECT state = 'queued' AND waiting_reason LIKE '%job_progress%locked%' FROM steward.jobs WHERE name = 'beginner')}, 'a run that gives way');
is(count_of('beginner'), '0', 'a worker that cannot note its start has not begun');
crash_by($node, launcher_pid($node));
finish($locker);
ended($node, 'beginner', 1);
is(outcomes($node, 'beginner'), 'succeeded', 'a run that was starting when the server crashed is run after it');
is(count_of('beginner'), '1', 'once');
ended($node, 'waiter', 2);
is(outcomes($node, 'waiter'), 'interrupted 57P02, succeeded', 'and the other one of this crash is tried again');

# The launcher ends after it has asked for a worker, and the postmaster cannot start one.
my $stopped;
END { kill 'CONT', $stopped if $stopped; }
SKIP: {
    my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
    my $limit = sub { return system('prlimit', "--pid=$postmaster", "--nproc=$_[0]:") == 0; };
    my $allowed = `prlimit --pid=$postmaster --nproc --noheadings --output=SOFT 2>&1` // '';
    skip 'processes cannot be limited here', 2 unless $allowed =~ s/^\s*(\d+|unlimited)\s*\z/$1/ && $limit->($allowed);
    my $launcher = launcher_pid($node);
    # No worker that has run something else stays for these roles.
    sql(q{CREATE ROLE orphan LOGIN; CREATE ROLE hand LOGIN; GRANT INSERT ON done TO orphan, hand});
    sql(q{SELECT steward.schedule('hand', NULL, 'INSERT INTO done VALUES (''hand'')', role => 'hand'),
        steward.schedule('orphan', '* * * * * *', 'INSERT INTO done VALUES (''orphan'')', role => 'orphan', options => jsonb_build_object('valid_from', clock_timestamp() + interval '20 s'))});
    await($node, q{(SELECT count(next_run) + count(*) = 3 FROM steward.jobs WHERE name IN ('orphan', 'hand') AND state = 'idle')}, 'the jobs to be read');
    kill 'STOP', $stopped = $postmaster;
    sql(q{SELECT steward.run_job('hand')});
    await($node, q{(SELECT count(*) = 2 FROM steward.job_runs WHERE outcome = 'starting')}, 'runs whose workers do not come');
    my $due = sql(q{SELECT due_at FROM steward.job_runs WHERE job = 'orphan' AND outcome = 'starting'});
    kill 'TERM', $launcher;
    await($node, q{steward.scheduler_problem() = 'the launcher is not running'}, 'the end of the launcher');
    my $said = -s $node->logfile;
    $limit->(0);
    kill 'CONT', $postmaster;
    my $end = time + 60;
    Time::HiRes::sleep(0.05) while slurp_file($node->logfile, $said) !~ /could not fork/ && time < $end;
    $limit->($allowed);
    ended($node, 'hand', 1);
    await($node, "EXISTS (SELECT FROM steward.job_history WHERE job_name = 'orphan' AND due_at > '$due')", 'the runs after it');
    is(outcomes($node, 'hand') . ' ' . count_of('hand'), 'succeeded 1', 'a run whose worker never came is started by the next launcher, once');
    is(sql("SELECT string_agg(outcome, ', ') FROM steward.job_history WHERE job_name = 'orphan' AND due_at = '$due'"), 'succeeded', 'also one by the schedule');
    sql(q{SELECT steward.unschedule('orphan'), steward.unschedule('hand')});
}

# The launcher ends twenty times. What runs goes on, what waits waits on, and what is due every second comes every second.
sql(q{SELECT steward.schedule('each', '* * * * * *', 'INSERT INTO done VALUES (''each'')',
    options => '{"missed": "all", "overlap": "parallel", "max_parallel": 100}')});
soon($node, 'at_work', long('at_work'), '{"group": "single"}');
my $worker = at_work('at_work');
soon($node, 'next', q{INSERT INTO done VALUES ('next')}, '{"group": "single"}');
sql(q{SELECT steward.schedule('asked_for', NULL, 'INSERT INTO done VALUES (''asked_for'')', options => '{"group": "single"}')});
await($node, q{(SELECT state = 'idle' FROM steward.jobs WHERE name = 'asked_for')}, 'the job to be read');
my $asked = sql(q{SELECT steward.run_job('asked_for')});
await($node, q{(SELECT sum(queued) = 2 FROM steward.jobs WHERE name IN ('next', 'asked_for'))}, 'two runs that wait');
for (1 .. 20) {
    my $pid = launcher_pid($node);
    my $before = sql(q{SELECT count(*) FROM done WHERE what = 'each'});
    sql("SELECT pg_terminate_backend($pid)");
    await($node, "(SELECT count(*) > $before FROM done WHERE what = 'each') AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)", 'a run after the launcher ended');
}
is(at_work('at_work'), $worker, 'a run under way does not notice that the launcher was ended twenty times');
is(count_of('next') + count_of('asked_for'), 0, 'what waits for its group waits on');
sql(q{SELECT steward.cancel_run(run_id) FROM steward.job_runs WHERE job = 'at_work' AND outcome = 'running'});
ended($node, 'at_work', 1);
ended($node, 'next', 1);
ended($node, 'asked_for', 1);
sql(q{SELECT steward.pause_jobs('enough', name => 'each')});
await($node, q{NOT EXISTS (SELECT FROM steward.job_runs WHERE job = 'each' AND outcome IN ('waiting', 'starting', 'running'))}, 'the end of the last');
is(outcomes($node, 'at_work'), 'cancelled 57014', 'and can be cancelled after it');
is(count_of('next') . ' ' . count_of('asked_for'), '1 1', 'then what waited runs, once each');
is(sql(q{SELECT min(run_id) FROM steward.job_history WHERE job_name = 'asked_for'}), $asked, 'under the number that was given out');
is(sql(q{SELECT count(*) - count(DISTINCT due_at) FROM steward.job_history WHERE job_name = 'each'}), '0', 'no instant has run twice');
is(sql(q{SELECT date_part('epoch', max(due_at) - min(due_at)) + 1 - count(*) FROM steward.job_history WHERE job_name = 'each'}), '0',
    'and none is lost where all are to be made up for');
is(sql(q{SELECT count(DISTINCT outcome) || ' ' || min(outcome) FROM steward.job_history WHERE job_name = 'each'}), '1 succeeded', 'all have succeeded');

$node->stop('fast');
quiet_log($node, join('|', 'terminating (?:background worker|connection|any other)', 'because of crash of another server process'));
done_testing();
