# SPDX-License-Identifier: PostgreSQL
#
# Statistics of queries on a real server: sums are what was done whatever is evicted, failures of every kind are counted, and
# all of it outlives restarts, crashes and other modules of its kind.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off', 'restart_after_crash = on',
    'steward.capture_max_queries = 200', 'steward.capture_save_interval = 0', 'deadlock_timeout = 20ms', 'log_min_messages = log'));
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE TABLE t (a integer PRIMARY KEY, b integer);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i;
    CREATE ROLE worker LOGIN SUPERUSER;
    CREATE ROLE other LOGIN SUPERUSER;
});

# Asked as somebody else, so that asking is not what is counted.
sub sql { return $node->safe_psql('postgres', shift); }
sub of_worker { my $what = shift; return sql("SELECT $what FROM steward.queries WHERE role = 'worker'"); }
sub errors_of { my $query = shift; return sql(qq{
    SELECT coalesce(string_agg(e.sqlstate || ' ' || e.count, ', ' ORDER BY e.sqlstate), '') FROM steward.query_errors e
    JOIN steward.queries q USING (queryid, database, role, is_toplevel) WHERE role = 'worker' AND q.query LIKE '$query'}); }
# Statements of the worker, one after the other; what fails does not keep the others from running.
sub work { my @statements = @_; return $node->psql('postgres', join(";\n", @statements), extra_params => ['-U', 'worker'], on_error_stop => 0); }
sub worker_session { my ($name, @statements) = @_; return session($node, "$name user=worker", @statements); }

# ---- Sums under eviction ---------------------------------------------------------------------------------------------

# 3,000 different queries from three sessions, of which 200 fit.
my @sessions;
for my $from (0 .. 2) {
    my $file = $node->basedir . "/flood$from.sql";
    append_to_file($file, join("\n", map { my $n = $from * 1000 + $_; 'SELECT 1' . join('', map { $n >> $_ & 1 ? '+1' : '-1' } 0 .. 11) . ' AS flood;' } 0 .. 999) . "\n");
    push @sessions, IPC::Run::start([ 'psql', '-XAtq', '-o', '/dev/null', '-d', $node->connstr('postgres') . ' user=worker', '-f', $file ]);
}
$_->finish for @sessions;
is(of_worker('sum(calls)'), 3000, 'each call is in the sum');
cmp_ok(of_worker(q{sum(calls) FILTER (WHERE query = '(evicted)')}), '>', 2500, 'most of them as evicted');
is(of_worker('sum(rows)'), 3000, 'with their rows');
cmp_ok(sql('SELECT queries FROM steward.capture_status'), '<=', 208, 'in the room there is');
sql(q{SELECT steward.reset_queries(role => 'worker')});
is(of_worker('coalesce(sum(calls), 0)'), 0, 'and a reset takes all of them');

# ---- Failures --------------------------------------------------------------------------------------------------------

work(q{SET statement_timeout = '1s'}, 'SELECT pg_sleep(60)', 'RESET statement_timeout', 'SELECT a / 0 FROM t', 'SELECT b FROM t WHERE a = 5');
is(errors_of('SELECT pg_sleep(%'), '57014 1', 'a timeout');
is(errors_of('SELECT a / %'), '22012 1', 'an error');
cmp_ok(sql(q{SELECT max_ms FROM steward.queries WHERE query LIKE 'SELECT pg_sleep(%' AND role = 'worker'}), '>=', 50, 'with its time');
is(of_worker(q{max(calls) FILTER (WHERE query LIKE 'SELECT b FROM%' AND is_toplevel)}), 1, 'and the statement after it is at top level');

my $sleeper = worker_session('sleeper', 'SELECT pg_sleep(100), 2');
my $pid = pid_of($node, q{query LIKE 'SELECT pg_sleep(100), 2' AND wait_event = 'PgSleep'});
sql("SELECT pg_cancel_backend($pid)");
ok(!finish($sleeper), 'a statement is cancelled');
$sleeper = worker_session('sleeper', 'SELECT pg_sleep(100), 3, 4');
$pid = pid_of($node, q{query LIKE 'SELECT pg_sleep(100), 3, 4' AND wait_event = 'PgSleep'});
sql("SELECT pg_terminate_backend($pid)");
ok(!finish($sleeper), 'a session is terminated');
is(errors_of('SELECT pg_sleep($1), $2'), '57014 1', 'a cancellation');
wait_for($node, q{(SELECT count(*) FROM steward.query_errors WHERE sqlstate = '57P01') = 1}, 'the end of the session');
is(errors_of('SELECT pg_sleep($1), $2, $3'), '57P01 1', 'a termination');

# Sessions that wait at a gate until it is opened.
sub gate { my $number = shift; my $gate = session($node, "gate$number", "SELECT pg_advisory_lock($number)", 'SELECT pg_sleep(100)');
    wait_for($node, "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $number AND granted)", 'the gate'); return $gate; }
sub wait_at { my ($number, $count) = @_;
    wait_for($node, "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $number AND NOT granted) = $count", 'those at the gate'); }
sub open_gate { my ($gate, $number) = @_; sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate$number'"); finish($gate); }

my $gate = gate(7);
my @deadlock = map { worker_session("deadlock$_", 'BEGIN', "UPDATE t SET b = 1 WHERE a = $_", 'SELECT pg_advisory_lock_shared(7)',
    'UPDATE t SET b = b + 1 WHERE a = ' . (3 - $_)) } 1, 2;
wait_at(7, 2);
open_gate($gate, 7);
is(scalar(grep { !finish($_) } @deadlock), 1, 'two wait for each other');
is(errors_of('UPDATE t SET b = b + %'), '40P01 1', 'a deadlock');

$gate = gate(8);
my $late = worker_session('late', 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT sum(b) FROM t', 'SELECT pg_advisory_lock_shared(8)',
    'UPDATE t SET b = b - 1 WHERE a = 3');
wait_at(8, 1);
sql('UPDATE t SET b = 5 WHERE a = 3');
open_gate($gate, 8);
ok(!finish($late), 'one is too late');
is(errors_of('UPDATE t SET b = b - %'), '40001 1', 'a serialization failure');

# Errors that are swallowed, one of them by a rollback within a procedure.
work(q{SET steward.capture = 'all'}, q{DO $$ BEGIN FOR i IN 1 .. 3 LOOP BEGIN INSERT INTO t VALUES (1, i); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$},
    q{DO $$ BEGIN FOR i IN 1 .. 3 LOOP INSERT INTO t VALUES (2000 + i, 0); ROLLBACK; END LOOP; END $$},
    q{DO $$ BEGIN FOR i IN 1 .. 3 LOOP BEGIN INSERT INTO t VALUES (1, i), (1, i); EXCEPTION WHEN OTHERS THEN NULL; END; ROLLBACK; END LOOP; END $$},
    'SELECT count(*) FROM t WHERE a = 77');
is(errors_of('INSERT INTO t VALUES ($1, i)'), '23505 3', 'errors that PL/pgSQL has swallowed');
is(errors_of('DO%'), '', 'a block that rolls back has not failed');
is(of_worker(q{sum(calls) FILTER (WHERE query LIKE 'DO%')}), 3, 'and is counted');
is(of_worker(q{max(calls) FILTER (WHERE query LIKE 'SELECT count(*) FROM t WHERE a = $1' AND is_toplevel)}), 1, 'what comes after is at top level');

# ---- Restarts --------------------------------------------------------------------------------------------------------

my $calls = of_worker('sum(calls)');
my $failed = sql(q{SELECT sum(count) FROM steward.query_errors WHERE role = 'worker'});
$node->restart;
is(of_worker('sum(calls)'), $calls, 'a restart loses nothing');
is(sql(q{SELECT sum(count) FROM steward.query_errors WHERE role = 'worker'}), $failed, 'of errors neither');
is(of_worker(q{count(*) FILTER (WHERE query LIKE 'SELECT pg_sleep($1)')}), 1, 'nor of texts');
is(sql(q{SELECT loaded > 5 FROM steward.capture_status}), 't', 'it says what it has read');

# A crash loses what came after the last file.
$node->append_conf('postgresql.conf', 'steward.capture_save_interval = 1');
$node->reload;
work('SELECT 1 AS saved') for 1 .. 2;
my $now = sql('SELECT clock_timestamp()');
wait_for($node, "(SELECT saved_at > '$now' FROM steward.capture_status)", 'a file');
$sleeper = worker_session('sleeper', 'SELECT pg_sleep(100), 5, 6, 7');
$pid = pid_of($node, q{query LIKE 'SELECT pg_sleep(100), 5, 6, 7' AND wait_event = 'PgSleep'});
kill 'KILL', $pid;
finish($sleeper);
wait_for($node, '(SELECT loaded > 0 FROM steward.capture_status)', 'the statistics after the crash');
cmp_ok(of_worker('sum(calls)'), '>=', $calls + 2, 'a crash keeps what was saved before it');

$node->append_conf('postgresql.conf', 'steward.capture_save_interval = 0');
$node->reload;
work('SELECT 1 AS after_the_crash') for 1 .. 3;
$calls = of_worker('sum(calls)');
$node->restart;
is(of_worker('sum(calls)'), $calls, 'the restart after it loses nothing');

# A file that is not ours any more is ignored.
$node->stop;
my $file = $node->data_dir . '/pg_stat/pg_steward_queries.stat';
is((stat $file)[2] & 0777, 0600, 'the file is nobody else\'s to read');
append_to_file($file, 'x');
$node->start;
is(sql('SELECT loaded FROM steward.capture_status'), 0, 'a damaged file is not taken');
like(slurp_file($node->logfile), qr/ignoring file "pg_stat\/pg_steward_queries.stat"/, 'and the log says so');

# ---- A standby -------------------------------------------------------------------------------------------------------

work('SELECT 1 AS on_primary');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
$standby->safe_psql('postgres', 'SELECT 1 AS on_standby');
is($standby->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE query LIKE '%on_standby') || ' ' || count(*) FILTER (WHERE query LIKE '%on_primary')
    FROM steward.queries WHERE query NOT LIKE '%steward.queries%'}), '1 0', 'a standby counts its own');
$standby->restart;
is($standby->safe_psql('postgres', q{SELECT count(*) FROM steward.queries WHERE query LIKE '%on_standby' AND query NOT LIKE '%steward%'}), 1,
    'and keeps it over a restart');
$standby->stop;

# ---- Beside others of its kind ---------------------------------------------------------------------------------------

for my $libraries ('pg_stat_statements, auto_explain, pg_steward', 'pg_steward, auto_explain, pg_stat_statements') {
    $node->append_conf('postgresql.conf', "shared_preload_libraries = '$libraries'\npg_stat_statements.track = all\nsteward.capture = all\n"
        . "pg_stat_statements.save = off\nauto_explain.log_min_duration = 0\nauto_explain.log_level = debug1");
    $node->restart;
    sql(q{DROP EXTENSION IF EXISTS pg_stat_statements; CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset(); SELECT steward.reset_queries()});
    work(q{SELECT count(*) FROM t WHERE a < 5}, q{SELECT count(*) FROM t WHERE a < 6}, q{DO $$ BEGIN PERFORM sum(b) FROM t; END $$},
        q{PREPARE p AS SELECT b FROM t WHERE a = $1}, 'EXECUTE p(1)', 'EXECUTE p(2)', 'SELECT 1 / 0', 'BEGIN', 'UPDATE t SET b = 1 WHERE a = 1', 'COMMIT');
    is(sql(q{SELECT count(*) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid AND r.rolname = 'worker'
        LEFT JOIN (SELECT queryid, sum(calls - errors) AS calls, sum(rows) AS rows FROM steward.queries WHERE role = 'worker' GROUP BY queryid) q USING (queryid)
        WHERE s.query ~* '^(select|update|prepare)' AND (q.calls IS DISTINCT FROM s.calls OR q.rows IS DISTINCT FROM s.rows)}), 0,
        "both count the same: $libraries");
    is(of_worker(q{string_agg(calls::text, ' ' ORDER BY query COLLATE "C") FILTER (WHERE query IN ('BEGIN', 'COMMIT', 'DO $1', 'SELECT $1 / $2'))}),
        '1 1 1 1', "and what the other does not: $libraries");
}

$node->stop;
done_testing();
