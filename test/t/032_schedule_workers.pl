# SPDX-License-Identifier: PostgreSQL
#
# A worker stays for the next run of the same database and role: it saves a process a run, and nobody can tell but by the pid.
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
sub sql { return ask($node, @_); }

# Runs commands one after the other, each as a job of its own, and gives the pids of their workers.
sub pids_of {
    my @commands = @_;
    my $i = 0;
    sql(q{SELECT count(steward.unschedule(name)) FROM steward.jobs});
    sql('SELECT steward.schedule(' . join(', ', "'run_" . $i++ . "'", 'NULL', "\$c\$$_\$c\$") . ')') for @commands;
    await($node, q{NOT EXISTS (SELECT FROM steward.jobs WHERE state = 'loading')}, 'the jobs to be read');
    my $before = sql('SELECT coalesce(max(run_id), 0) FROM steward.job_history');
    for my $n (0 .. $#commands) {
        my $run = sql("SELECT steward.run_job('run_$n')");
        await($node, "EXISTS (SELECT FROM steward.job_history WHERE run_id = $run)", "run $n");
    }
    return split /,/, sql("SELECT string_agg(pid::text, ',' ORDER BY run_id) FROM steward.job_history WHERE run_id > $before");
}

# The same commands where a machine is too slow for the second to find the first's worker.
sub pids_in_time {
    my ($is_wanted, @commands) = @_;
    my @pids;
    for (1 .. 20) {
        @pids = pids_of(@commands);
        last if $is_wanted->(@pids);
    }
    return @pids;
}

# ---- What a run leaves behind -----------------------------------------------------------------------------------------

sql(q{
    CREATE ROLE other; CREATE SEQUENCE counted;
    CREATE TABLE seen (setting text, placeholder text, who text, prepared bigint, cursors bigint, temporary regclass, locks bigint, listens bigint, application text);
    CREATE FUNCTION look() RETURNS void LANGUAGE sql AS $$
        INSERT INTO seen SELECT current_setting('work_mem'), nullif(current_setting('my.own', true), ''), session_user || ' ' || current_user,
            (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors WHERE is_holdable), to_regclass('pg_temp.mine'),
            (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
            (SELECT count(*) FROM pg_listening_channels()), current_setting('application_name') $$});
my $untidy = q{SELECT nextval('counted'); SET work_mem = '77MB'; SET my.own = 'left'; SET application_name = 'mine'; PREPARE p AS SELECT 1;
    CREATE TEMPORARY TABLE mine (i int); SELECT pg_advisory_lock(1); LISTEN channel; DECLARE c CURSOR WITH HOLD FOR SELECT 1;
    SET SESSION AUTHORIZATION other; SET default_transaction_read_only = on};
my $same = sub { my %pids = map { $_ => 1 } @_; return keys %pids == 1; };
my @pids = pids_in_time($same, $untidy, 'SELECT public.look()', q{SELECT currval('counted')});
ok($same->(@pids), 'three runs, one process');
my ($work_mem) = sql('SHOW work_mem');
is(sql(q{SELECT concat_ws('|', setting, coalesce(placeholder, 'none'), who, prepared, cursors, coalesce(temporary::text, 'none'), locks, listens, application)
    FROM seen LIMIT 1}), "$work_mem|none|postgres postgres|0|0|none|0|0|pg_steward job run_1", 'the second finds nothing of the first');
is(sql(q{SELECT outcome || ' ' || sqlstate FROM steward.job_history WHERE job_name = 'run_2' ORDER BY run_id DESC LIMIT 1}), 'failed 55000', 'nor the third');

@pids = pids_in_time($same, 'SELECT 1/0', 'SELECT 2', 'DO $$BEGIN PERFORM 1; END$$', 'SELECT 3');
ok($same->(@pids), 'a failed run is followed by others in its process, and so is one in PL/pgSQL');
is(sql(q{SELECT string_agg(outcome, ' ' ORDER BY run_id) FROM (SELECT * FROM steward.job_history ORDER BY run_id DESC LIMIT 4) h}),
    'failed succeeded succeeded succeeded', 'each with its own end');

# ---- Who does not stay ------------------------------------------------------------------------------------------------

my $library = sql(q{SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR'}) . '/pg_prewarm';
SKIP: {
    skip 'there is no library to load', 1 unless -e "$library.so";
    @pids = pids_of("LOAD '$library'", 'SELECT 1');
    isnt($pids[0], $pids[1], 'a library that may keep something of its own ends with its run');
}
sql(q{CREATE ROLE worker LOGIN; GRANT USAGE ON SCHEMA steward TO worker});
sql(q{SELECT steward.schedule('theirs', NULL, 'SELECT 1', role => 'worker')});
my ($pid) = pids_of('SELECT 1');
sql(q{SELECT steward.schedule('theirs', NULL, 'SELECT 1', role => 'worker')});
ended($node, 'run_0', 1);
sql(q{SELECT steward.run_job('theirs')});
ended($node, 'theirs', 1);
isnt(sql(q{SELECT pid FROM steward.job_history WHERE job_name = 'theirs'}), $pid, 'another role has another process');
await($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward')}, 'the workers to go');
pass('who is not needed goes');

# ---- Those who wait for everybody to be gone --------------------------------------------------------------------------

# No session of the test's stays in it.
sub wait_for_runs {
    my ($db, $more) = @_;
    my $runs = $node->safe_psql($db, 'SELECT count(*) FROM steward.job_history');
    wait_for($node, "(SELECT count(*) >= $runs + $more FROM steward.job_history)", "$more runs in $db", $db);
}
sql('CREATE DATABASE busy');
$node->safe_psql('busy', 'CREATE EXTENSION pg_steward');
$node->safe_psql('busy', q{SELECT count(steward.schedule('second_' || i, '* * * * * *', 'SELECT 1')) FROM generate_series(1, 3) i});
wait_for_runs('busy', 6);
is(sql('CREATE DATABASE copied TEMPLATE busy'), '', 'a database is copied while it has jobs every second');
sql('DROP DATABASE copied');
is(sql('ALTER DATABASE busy RENAME TO renamed'), '', 'and renamed');
wait_for_runs('renamed', 3);
pass('after which its jobs go on');
is(sql('DROP DATABASE renamed'), '', 'and dropped');

# ---- Faults -----------------------------------------------------------------------------------------------------------

($pid) = pids_of('SELECT 1');
kill 'TERM', $pid;
@pids = pids_of('SELECT 1');
isnt($pids[0], $pid, 'a terminated worker that waited is missed by nobody');
is(sql(q{SELECT string_agg(DISTINCT outcome, ' ') FROM (SELECT * FROM steward.job_history ORDER BY run_id DESC LIMIT 2) h}), 'succeeded', 'no run is lost with it');
my $launcher = launcher_pid($node);
kill 'TERM', $launcher;
await($node, "(SELECT min(pid) <> $launcher FROM pg_stat_activity WHERE backend_type = 'pg_steward launcher') AND steward.scheduler_problem() IS NULL", 'another launcher');
pids_of('SELECT 1');
is(sql(q{SELECT outcome FROM steward.job_history ORDER BY run_id DESC LIMIT 1}), 'succeeded', 'another launcher starts its own');
await($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward')}, 'the workers to go');
pass('and those of the first go');

$node->stop('fast');
# A run that was due just then found its database dropped.
quiet_log($node, join('|', 'terminating (?:background worker|connection)', 'FATAL:  database (?:\d+|"\w+") does not exist', 'job "run_\d" failed: (?:division by zero|currval)', 'WARNING:  you don.t own'));
done_testing();
