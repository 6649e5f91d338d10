# SPDX-License-Identifier: PostgreSQL
#
# Too much of everything: a thousand failing jobs beside a good one, and no free worker slot. The launcher stays small, idle and silent.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use ScheduleTest;
use StewardTest;
use Test::More;

my $node = scheduler_node('main', 'log_statement = none', 'max_worker_processes = 10');
sub sql { return ask($node, shift); }
sub messages { return grep { /\[\d+\].* (?:LOG|WARNING|ERROR|FATAL):/ && !/checkpoint/ } split /\n/, slurp_file($node->logfile); }
# Of a process, in kB and in clock ticks.
sub memory_of { my ($rss) = slurp_file('/proc/' . shift() . '/status') =~ /^VmRSS:\s+(\d+) kB/m; return $rss; }
sub ticks_of { my @fields = split / /, (split /\) /, slurp_file('/proc/' . shift() . '/stat'))[1]; return $fields[11] + $fields[12]; }
my $has_proc = -r "/proc/$$/status";

# ---- A thousand failing jobs -----------------------------------------------------------------------------------------

sql(q{SELECT count(steward.schedule('bad_' || i, '@yearly', 'SELECT 1/0')) FROM generate_series(1, 1000) i});
sql(q{SELECT steward.schedule('good', '* * * * * *', 'SELECT 1', options => '{"priority": 100, "missed": "all", "overlap": "parallel", "max_parallel": 100}')});
await($node, q{(SELECT count(*) > 0 FROM steward.job_history WHERE job_name = 'good')}, 'the good job');
my $launcher = launcher_pid($node);
my $said = messages();
sql(q{SELECT count(steward.run_job('bad_' || i)) FROM generate_series(1, 1000) i});
my $failed = q{(SELECT count(*) FROM steward.job_history WHERE outcome = 'failed')};
await($node, "$failed >= 100", 'the first hundred');
my $begun = sql(q{SELECT clock_timestamp()});
my $memory = $has_proc && memory_of($launcher);
await($node, "$failed >= $_", "$_ of them") for (250, 500, 750, 1000);
my $over = sql(q{SELECT max(ended_at) FROM steward.job_history WHERE outcome = 'failed'});
my $growth = $has_proc ? memory_of($launcher) - $memory : 0;
is(sql("SELECT $failed"), '1000', 'a thousand jobs fail, each once');
is(launcher_pid($node), $launcher, 'the launcher lives on');
SKIP: {
    skip 'there is no /proc', 1 unless $has_proc;
    cmp_ok($growth, '<', 4096, "and does not grow ($growth kB while 900 runs failed)");
}
my @lines = grep { /job "bad_\d+" failed: division by zero/ } messages();
is(scalar @lines, 1000, 'the log has a line for each');
is(messages() - $said, 1000, 'and no other');
await($node, "EXISTS (SELECT FROM steward.job_history WHERE job_name = 'good' AND due_at > '$over')", 'the good job after all');
my $good = qq{FROM steward.job_history WHERE job_name = 'good' AND due_at BETWEEN '$begun' AND '$over'};
await($node, "(SELECT floor(date_part('epoch', timestamptz '$over')) - floor(date_part('epoch', timestamptz '$begun')) = count(*) $good)", 'a run for every second');
pass('the good job has run every second of it');
is(sql("SELECT count(*) $good AND outcome <> 'succeeded'"), '0', 'each time with success');
note('ran late by at most ' . sql("SELECT coalesce(max(date_part('epoch', started_at - due_at)), 0) $good") . ' s');
sql(q{SELECT steward.pause_jobs('enough', name => 'good')});
await($node, q{(SELECT state = 'paused' FROM steward.jobs WHERE name = 'good')}, 'the end of its last run');
sql(q{SELECT count(steward.unschedule(name)) FROM steward.jobs});

# ---- No worker slot --------------------------------------------------------------------------------------------------

# Parallel queries take all that are left.
sql(q{CREATE TABLE pages AS SELECT i, repeat('x', 1000) FROM generate_series(1, 200) i; ALTER TABLE pages SET (parallel_workers = 8)});
sql(q{SELECT steward.schedule('waits', NULL, 'INSERT INTO done VALUES (''waited'')')});
await($node, q{(SELECT state = 'idle' FROM steward.jobs WHERE name = 'waits') AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward')}, 'the launcher at rest');
my $all_taken = q{SELECT count(*) = 6 FROM pg_stat_activity WHERE backend_type = 'parallel worker'};
my @parallel;
# A worker that ends just then leaves its slot to the next.
while (sql($all_taken) ne 't') {
    push @parallel, session($node, 'crowd', q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
        SET max_parallel_workers_per_gather = 8; SET parallel_leader_participation = off; SELECT count(pg_sleep(i)) FROM pages});
    my $query = q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crowd' AND backend_type = 'client backend' AND wait_event IN ('ExecuteGather', 'PgSleep')};
    await($node, "($query) = " . @parallel, 'a parallel query at work');
}
my $run = sql(q{SELECT steward.run_job('waits')});
await($node, q{(SELECT waiting_reason = 'no background worker is free (max_worker_processes)' FROM steward.jobs WHERE name = 'waits')}, 'a run without a worker');
is(sql("SELECT outcome FROM steward.job_runs WHERE run_id = $run"), 'waiting', 'a run waits for a worker, and says so');
$launcher = launcher_pid($node);
my $quiet = messages();
my $ticks = $has_proc && ticks_of($launcher);
sleep 5;
SKIP: {
    skip 'there is no /proc', 1 unless $has_proc;
    cmp_ok(ticks_of($launcher) - $ticks, '<', 30, 'the launcher does not spin meanwhile (' . (ticks_of($launcher) - $ticks) . ' ticks in 5 s)');
}
is(messages() - $quiet, 0, 'nor talk');
is(sql(q{SELECT count(*) FROM done}), '0', 'nothing has begun');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'crowd' AND backend_type = 'client backend'});
finish($_) for @parallel;
ended($node, 'waits', 1);
is(outcomes($node, 'waits'), 'succeeded', 'what waited runs when a worker is free');
is(sql(q{SELECT count(*) FROM done}), '1', 'once');

$node->stop('fast');
quiet_log($node, join('|', 'terminating (?:background worker|connection)', 'canceling statement due to user request', 'parallel worker'));
done_testing();
