# SPDX-License-Identifier: PostgreSQL
#
# Jobs on a real server: what a command may do, how a run ends, and what a crash, a restart and a terminated launcher leave.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_steward'\nmax_worker_processes = 16\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE TABLE done (what text, at timestamptz DEFAULT clock_timestamp());
    CREATE TABLE a (id integer PRIMARY KEY);
    INSERT INTO a SELECT generate_series(1, 1000);
});

sub sql { return $node->safe_psql('postgres', shift); }
sub outcomes {
    my $job = shift;
    return sql("SELECT string_agg(outcome || ' ' || coalesce(sqlstate, '-'), ', ' ORDER BY run_id) FROM steward.job_history WHERE job_name = '$job'");
}
sub runs { my $job = shift; return "(SELECT count(*) FROM steward.job_history WHERE job_name = '$job')"; }

# Every statement at top level, in its own transaction.
sql(q{SELECT steward.schedule_at('mixed', clock_timestamp() + interval '1 second', $$
    SET vacuum_cost_delay = 2; VACUUM a; REINDEX INDEX CONCURRENTLY a_pkey;
    BEGIN; INSERT INTO done VALUES ('one'); INSERT INTO done VALUES ('two'); COMMIT;
    DO 'BEGIN RAISE NOTICE ''said''; END'; SELECT count(*) FROM a$$)});
wait_for($node, runs('mixed') . ' = 1', 'the mixed command');
is(outcomes('mixed'), 'succeeded -', 'VACUUM, REINDEX CONCURRENTLY and a transaction block run in one command');
is(sql(q{SELECT statements || ' ' || tag || ' ' || notices FROM steward.job_history WHERE job_name = 'mixed'}),
    '9 SELECT NOTICE:  said', 'what it did and said is in the history');
is(sql(q{SELECT count(*) FROM done}), '2', 'and has happened');
is(sql(q{SELECT count(*) FROM steward.job_definitions WHERE name = 'mixed'}), '0', 'a job that ran once is gone');

# How runs end.
sql(q{
    SELECT steward.schedule_at('fails', clock_timestamp() + interval '1 second', 'INSERT INTO done VALUES (''kept''); SELECT 1/0; INSERT INTO done VALUES (''never'')');
    SELECT steward.schedule_at('late', clock_timestamp() + interval '1 second', 'SELECT pg_sleep(600)', options => '{"timeout": "500 ms"}');
    SELECT steward.schedule_at('open', clock_timestamp() + interval '1 second', 'BEGIN; INSERT INTO done VALUES (''open'')');
    SELECT steward.schedule_at('whole', clock_timestamp() + interval '1 second', 'INSERT INTO done VALUES (''half''); SELECT 1/0', options => '{"atomic": true}');
});
wait_for($node, '(SELECT count(*) FROM steward.job_history) = 5', 'four more runs');
is(outcomes('fails'), 'failed 22012', 'an error ends the command');
is(outcomes('late'), 'timed_out 57014', 'a timeout cancels it');
is(outcomes('open'), 'failed 25000', 'a transaction left open is an error');
is(outcomes('whole'), 'failed 22012', 'an atomic command fails whole');
is(sql(q{SELECT string_agg(what, ' ' ORDER BY what) FROM done WHERE what NOT IN ('one', 'two')}), 'kept', 'and leaves nothing; others keep what was committed before');

# As the job's role, with no way back.
sql(q{CREATE ROLE clerk LOGIN; CREATE TABLE who (session_name text, current_name text); GRANT INSERT ON who TO clerk});
sql(q{SELECT steward.schedule_at('clerical', clock_timestamp() + interval '1 second',
    'RESET SESSION AUTHORIZATION; RESET ROLE; INSERT INTO who VALUES (session_user, current_user)', role => 'clerk')});
wait_for($node, runs('clerical') . ' = 1', 'the clerk');
is(sql('SELECT * FROM who'), 'clerk|clerk', 'a command is its role and nobody else');

# The launcher is replaced, again and again, and nothing runs twice or stops.
sql(q{SELECT steward.schedule('each', '* * * * * *', 'INSERT INTO done VALUES (''each'')')});
wait_for($node, runs('each') . ' > 1', 'the first runs');
for (1 .. 5) {
    my $pid = pid_of($node, q{backend_type = 'pg_steward launcher'});
    sql("SELECT pg_terminate_backend($pid)");
    wait_for($node, "EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward launcher' AND pid <> $pid)", 'a new launcher');
}
my $seen = sql('SELECT ' . runs('each'));
wait_for($node, runs('each') . " > $seen + 1", 'runs after it');
is(sql(q{SELECT count(*) - count(DISTINCT due_at) FROM steward.job_history WHERE job_name = 'each'}), '0', 'no instant ran twice');
sql(q{SELECT steward.unschedule('each')});

# A crash while a command runs: interrupted, not run again, and seen.
sql(q{SELECT steward.schedule_at('cut', clock_timestamp() + interval '1 second', 'INSERT INTO done VALUES (''cut''); SELECT pg_sleep(600)')});
wait_for($node, q{EXISTS (SELECT FROM done WHERE what = 'cut')}, 'the long command');
$node->stop('immediate');
$node->start;
wait_for($node, runs('cut') . ' = 1', 'the record of the interrupted run');
is(outcomes('cut'), 'interrupted 57P02', 'a crash interrupts a run');
is(sql(q{SELECT count(*) FROM done WHERE what = 'cut'}), '1', 'which is not run again');

# A database with a launcher in the cluster is dropped, renamed and copied like any other.
sql('CREATE DATABASE copy TEMPLATE postgres') if sql(q{SELECT count(*) FROM pg_stat_activity WHERE datname = 'postgres'}) eq '1';
sql('CREATE DATABASE other');
$node->safe_psql('other', q{CREATE EXTENSION pg_steward; SELECT steward.schedule('far', '@yearly', 'SELECT 1')});
wait_for($node, q{(SELECT state = 'idle' FROM steward.jobs)}, 'the job to be loaded', 'other');
sql('ALTER DATABASE other RENAME TO another');
sql('DROP DATABASE another');

# Shutdown does not wait for commands.
sql(q{SELECT steward.schedule_at('rest', clock_timestamp() + interval '1 second', 'SELECT pg_sleep(600)')});
wait_for($node, q{EXISTS (SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND backend_type = 'pg_steward')}, 'a command at rest');
$node->stop('fast');
# A loader that the machine starts only after the database is gone says so.
quiet_log($node, 'terminating (?:background worker|connection)|database (?:\d+|"\w+") does not exist');
done_testing();
