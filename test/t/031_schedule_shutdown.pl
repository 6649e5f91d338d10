# SPDX-License-Identifier: PostgreSQL
#
# A synchronous standby that is gone holds up what writes, but neither the launcher, nor its loaders, nor what is noted of runs; and a
# fast shutdown waits for none of them.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;
use Time::HiRes qw(time);

my $node = scheduling('main');
# What commits here must not wait, or the test would.
sub sql { return $node->safe_psql('postgres', 'SET synchronous_commit = local; ' . shift); }
sub running { my $job = shift; return "EXISTS (SELECT FROM steward.job_runs WHERE job = '$job' AND outcome = 'running')"; }

sql(q{CREATE TABLE done (what text);
    SELECT steward.schedule('ends', '* * * * * *', 'SELECT 1');
    SELECT steward.schedule('writes', NULL, 'INSERT INTO done VALUES (''writes'')', options => '{"retries": 0}');
    SELECT steward.schedule('rests', NULL, 'SELECT pg_sleep(600)')});
$node->append_conf('postgresql.conf', "synchronous_standby_names = 'gone'");
$node->reload;
wait_for($node, q{current_setting('synchronous_standby_names') = 'gone'}, 'the setting');

# Runs that write nothing begin, end and are recorded.
my $runs = sql(q{SELECT count(*) FROM steward.job_history WHERE job_name = 'ends'});
wait_for($node, "(SELECT count(*) FROM steward.job_history WHERE job_name = 'ends') > $runs + 2", 'runs while the standby is gone');
pass('runs are begun, ended and recorded');
sql(q{SELECT steward.run_job('rests')});
wait_for($node, running('rests'), 'a run that rests');

# One that writes waits for the standby, as any session would, and can be cancelled.
my $run = sql(q{SELECT steward.run_job('writes')});
my $waits = q{EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'pg_steward job writes')};
wait_for($node, $waits, 'a command that waits for the standby');
is(sql("SELECT steward.cancel_run($run)"), 't', 'a run that waits for the standby is cancelled');
wait_for($node, "EXISTS (SELECT FROM steward.job_history WHERE run_id = $run)", 'its end');
like(sql("SELECT notices FROM steward.job_history WHERE run_id = $run"), qr/synchronous replication/, 'and says what may not have been replicated');

# The loader writes what a terminated worker could not, and the launcher reads new jobs behind it.
$run = sql(q{SELECT run_id FROM steward.job_runs WHERE job = 'rests'});
sql("SELECT pg_terminate_backend(pid) FROM steward.job_runs WHERE run_id = $run");
wait_for($node, "EXISTS (SELECT FROM steward.job_history WHERE run_id = $run AND outcome = 'terminated')", 'the record of a terminated run');
pass('a run whose worker was terminated is recorded');
sql(q{SELECT steward.schedule('new', '* * * * * *', 'SELECT 1')});
wait_for($node, q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'new')}, 'a new job');
pass('and new jobs are read');

# Shutdown with one run at rest and one that waits for the standby.
sql(q{SELECT steward.run_job('rests'); SELECT steward.run_job('writes')});
wait_for($node, running('rests'), 'a run that rests');
wait_for($node, $waits, 'a command that waits for the standby');
my $began = time;
$node->stop('fast');
my $took = time - $began;
note(sprintf 'fast shutdown took %.2f s', $took);
cmp_ok($took, '<', 30, 'a fast shutdown waits neither for commands nor for the standby');

# What was interrupted is recorded at the next start, standby or not.
$node->start;
wait_for($node, q{(SELECT count(*) FROM steward.job_history WHERE outcome = 'interrupted') = 2}, 'the interrupted runs');
is(runs_of($node, 'rests'), 'manual 1 terminated, manual 1 interrupted', 'the next launcher records what the shutdown has interrupted');
$node->stop('fast');
quiet_log($node, qr/terminating (?:background worker|connection)|canceling the wait for synchronous replication|canceling wait for synchronous/);
done_testing();
