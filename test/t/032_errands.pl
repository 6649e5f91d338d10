# SPDX-License-Identifier: PostgreSQL
#
# Errands, beside the partitions they make: what fails is tried again and not for ever, a database that is dropped takes its
# own with it, and jobs and errands leave each other and everybody else workers.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

# Two workers for jobs and errands: of five, three are left to others.
my $node = scheduling('main', 'max_worker_processes = 7', 'max_parallel_workers = 0');
sub sql { return $node->safe_psql('postgres', shift); }

sub on_demand {
    my ($table, $db) = @_;
    $node->safe_psql($db // 'postgres', qq{
        CREATE TABLE $table (id int, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE ${table}_rest PARTITION OF $table DEFAULT;
        SELECT FROM steward.manage_partitions('$table', '1 day', future => 0, timezone => 'UTC', options => '{"on_demand": true}');
        SELECT create_future_partitions('$table')});
}
sub hit { my ($table, $days) = @_; return "INSERT INTO $table SELECT 1, now() + interval '$days days'"; }
sub served { my $table = shift; return "NOT EXISTS (SELECT FROM ${table}_rest)"; }
my $worker = q{application_name = 'pg_steward partitions on demand'};

sql(q{
    CREATE FUNCTION hook(regclass, text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'not today'; END$$;
    CREATE PROCEDURE hook_does(what text) LANGUAGE plpgsql AS $$BEGIN
        EXECUTE format('CREATE OR REPLACE FUNCTION hook(regclass, text, text) RETURNS boolean LANGUAGE plpgsql AS %L', what);
    END$$});
my $goes_on = q{CALL hook_does('BEGIN RETURN true; END')};
my $is_stuck = q{CALL hook_does('BEGIN PERFORM pg_sleep(600); RETURN true; END')};

# Fails, and comes again by itself.
on_demand('shop');
sql(q{SELECT FROM steward.manage_partitions('shop', options => '{"before_create": "public.hook"}')});
sql(hit('shop', 5));
my $failures = q{SELECT count(*) FROM steward.partition_history WHERE outcome = 'failed' AND detail = 'not today'};
wait_for($node, "($failures) >= 2", 'the second failure');
is(sql('SELECT count(*) FROM shop_rest'), '1', 'the row stays while its partition cannot be made');
sql($goes_on);
wait_for($node, served('shop'), 'the partition after the failures');
pass('and has it once nothing fails any more');

# Its process is ended: likewise.
sql($is_stuck);
sql(hit('shop', 6));
my $pid = pid_of($node, "$worker AND wait_event = 'PgSleep'");
sql($goes_on);
sql("SELECT pg_terminate_backend($pid)");
wait_for($node, served('shop'), 'the partition after its worker was ended');
pass('a worker that was ended is followed by another one');

# The managed table is itself a partition.
sql(q{
    CREATE TABLE whole (region text, id int, at date NOT NULL) PARTITION BY LIST (region);
    CREATE TABLE part PARTITION OF whole FOR VALUES IN ('eu') PARTITION BY RANGE (at);
    CREATE TABLE part_rest PARTITION OF part DEFAULT;
    SELECT FROM steward.manage_partitions('part', '1 day', future => 0, timezone => 'UTC', options => '{"on_demand": true}');
    SELECT create_future_partitions('part');
    INSERT INTO whole SELECT 'eu', 1, now() + interval '5 days'});
wait_for($node, served('part'), 'the partition of a partition');
is(sql('SELECT count(*) FROM whole'), '1', 'a partition with partitions of its own gets them on demand');

# A database with an errand that waits is dropped at once, and the others go on.
$node->safe_psql('postgres', 'CREATE DATABASE doomed');
$node->safe_psql('doomed', 'CREATE EXTENSION pg_steward');
on_demand('shop', 'doomed');
$node->safe_psql('doomed', q{BEGIN; SELECT count(*) FROM shop; PREPARE TRANSACTION 'blocker'});
$node->safe_psql('doomed', hit('shop', 5));
wait_for($node, q{EXISTS (SELECT FROM steward.partition_history WHERE outcome = 'postponed')}, 'a postponed step', 'doomed');
$node->safe_psql('doomed', q{ROLLBACK PREPARED 'blocker'});
sql('DROP DATABASE doomed WITH (FORCE)');
sql(hit('shop', 7));
wait_for($node, served('shop'), 'the partition beside the dropped database');
pass('a database with an errand is dropped, and errands elsewhere go on');

# A job and a stuck errand are as many as may be: another job waits, and says for what.
sql(q{
    SELECT steward.schedule('long', '@yearly', 'SELECT pg_sleep(600)');
    SELECT steward.schedule('short', '@yearly', 'SELECT 1')});
sql($is_stuck);
sql(hit('shop', 8));
pid_of($node, "$worker AND wait_event = 'PgSleep'");
on_demand('stall');
sql(q{SELECT FROM steward.manage_partitions('stall', options => '{"before_create": "public.hook"}')});
sql(hit('stall', 8));
sql(q{SELECT steward.run_job('long')});
my $long = pid_of($node, q{query = 'SELECT pg_sleep(600)'});
is(sql("SELECT count(*) FROM pg_stat_activity WHERE $worker"), '1', 'a second errand leaves a worker to jobs');
sql(q{SELECT steward.run_job('short')});
wait_for($node, q{(SELECT waiting_reason FROM steward.jobs WHERE name = 'short') IS NOT NULL}, 'the job that waits');
like(sql(q{SELECT waiting_reason FROM steward.jobs WHERE name = 'short'}), qr/^1 job runs already/, 'a job waits while an errand has its worker');
sql($goes_on);
sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $worker");
wait_for($node, q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'short' AND outcome = 'succeeded')}, 'the job after the errand');
wait_for($node, served('shop') . ' AND ' . served('stall'), 'the errands after that');
pass('and both come to their end');

# The other way round: two jobs, and the errand waits for a worker.
sql(q{SELECT steward.schedule('other', '@yearly', 'SELECT pg_sleep(601)'); SELECT steward.run_job('other')});
pid_of($node, q{query = 'SELECT pg_sleep(601)'});
on_demand('fresh');
sql(hit('fresh', 9));
sql(q{SELECT steward.schedule('later', '@yearly', 'SELECT 1')});
wait_for($node, q{(SELECT next_run FROM steward.jobs WHERE name = 'later') IS NOT NULL}, 'a round of the launcher');
is(sql("SELECT (SELECT count(*) FROM pg_stat_activity WHERE $worker), (SELECT count(*) FROM fresh_rest)"), '0|1',
    'an errand waits while jobs have all the workers');
sql("SELECT pg_terminate_backend($long)");
wait_for($node, served('fresh'), 'the partition after the job');
pass('and is done when one of them has ended');

sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(601)'});
# A worker that is asked for when its database has just gone cannot connect.
quiet_log($node, qr/terminating (?:connection|background worker)|lock timeout|not today|FATAL:  database .* does not exist/);

done_testing();
