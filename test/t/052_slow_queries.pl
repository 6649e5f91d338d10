# SPDX-License-Identifier: PostgreSQL
#
# Slow statements on a real server: each that takes too long is kept in full, however it was sent and however it ended, nothing
# that looks at it fails it, and one bad query does not push out the others.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use WireClient;
use Test::More;

wait_past_midnight();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off', 'restart_after_crash = on',
    'steward.capture_slow_threshold = -1', 'steward.capture_critical_threshold = -1', 'steward.capture_slow_memory = 1MB', 'log_lock_waits = on'));
$node->start;
sub sql { my ($query, $db) = @_; return $node->safe_psql($db // 'postgres', $query); }
sql(q{
    CREATE EXTENSION pg_steward;
    CREATE TABLE t (a integer PRIMARY KEY, b text);
    INSERT INTO t SELECT i, 'x' FROM generate_series(1, 1000) i;
    ANALYZE t;
    CREATE ROLE worker LOGIN SUPERUSER;
    ALTER ROLE worker SET steward.capture_slow_threshold = '20ms';
    CREATE ROLE patient LOGIN;
    ALTER ROLE patient SET steward.capture_slow_threshold = '1h';
    CREATE ROLE hasty LOGIN;
    ALTER ROLE hasty SET steward.capture_slow_threshold = 0;
    CREATE FUNCTION nap(a integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.03); RETURN a; END $$;
});

sub kept { my ($what, $where, $db) = @_; return sql("SELECT $what FROM steward.slow_queries WHERE $where", $db); }
sub of_worker { my ($what, $like) = @_; return kept($what, "role = 'worker' AND query LIKE '$like'"); }
# Statements of the worker, one after the other; what fails does not keep the others from running.
sub work { my @statements = @_; return $node->psql('postgres', join(";\n", @statements), extra_params => ['-U', 'worker'], on_error_stop => 0); }
# Before statements that are not slow, however long the machine keeps them waiting.
my $patiently = q{SET steward.capture_slow_threshold = '1h'};
sub worker_session { my ($name, @statements) = @_; return session($node, "$name user=worker", @statements); }
sub pgbench { my ($mode, $script) = @_;
    my $file = $node->basedir . '/script';
    unlink $file;
    append_to_file($file, $script);
    return IPC::Run::run([ 'pgbench', '-n', '-t', '1', '-M', $mode, '-f', $file, '-U', 'worker', '-h', $node->host, '-p', $node->port, 'postgres' ], '>', '/dev/null', '2>', '/dev/null'); }

# ---- Thresholds of roles and databases -------------------------------------------------------------------------------

sql('CREATE DATABASE other');
sql('ALTER DATABASE other SET steward.capture_critical_threshold = 0');
$node->psql('postgres', "SELECT 'long', pg_sleep(0.03)", extra_params => [ '-U', $_ ]) for qw(worker patient hasty);
$node->psql('postgres', "SELECT 'short'", extra_params => [ '-U', $_ ]) for qw(patient hasty);
$node->psql('other', "SELECT 'elsewhere'", extra_params => [ '-U', 'patient' ]);
is(kept(q{string_agg(role || ' ' || query || ' ' || severity, ', ' ORDER BY at)}, q{role <> 'postgres'}), "worker SELECT 'long', pg_sleep(0.03) slow, "
    . "hasty SELECT 'long', pg_sleep(0.03) slow, hasty SELECT 'short' slow, patient SELECT 'elsewhere' critical", 'who is slow depends on who asks, and where');
is(kept('string_agg(database, \',\')', q{role = 'patient'}), 'other', 'with its database');
# Workers of ours come by in each database.
sql('ALTER DATABASE other RESET steward.capture_critical_threshold');

# Of applications and queries, by a table: a row takes effect when it is committed.
sub heeded { my ($count, $on) = @_; wait_for($on // $node, "(SELECT slow_thresholds = $count FROM steward.capture_status)", "$count thresholds"); }
sub as_application { my ($name, @statements) = @_; ok(finish(worker_session($name, @statements)), "$name: runs"); }
work($patiently, 'SELECT 4 AS special');
sql(q{INSERT INTO steward.slow_thresholds (application, slow_ms, critical_ms) VALUES ('batch', 3600000, -1), ('probe', 0, 0);
    INSERT INTO steward.slow_thresholds (queryid, slow_ms) SELECT DISTINCT queryid, 0 FROM steward.queries WHERE query = 'SELECT $1 AS special'});
heeded(3);
as_application('batch', q{SELECT 'of batch', pg_sleep(0.03)}, 'SELECT 5 AS special');
as_application('probe', q{SELECT 'of probe'});
as_application('calm', $patiently, q{SELECT 'of calm'}, 'SELECT 6 AS special', q{SET application_name = 'probe'}, q{SELECT 'of calm as probe', 1});
is(of_worker(q{string_agg(application || ': ' || query || ' ' || severity, ', ' ORDER BY at)}, '%of %') . ', ' . of_worker(q{string_agg(application || ': ' || query || ' ' || severity, ', ' ORDER BY at)}, '%special'),
    q{probe: SELECT 'of probe' critical, probe: SELECT 'of calm as probe', 1 critical, batch: SELECT 5 AS special slow, calm: SELECT 6 AS special slow},
    'applications and queries have thresholds of their own');
is($node->psql('postgres', q{BEGIN; DELETE FROM steward.slow_thresholds; INSERT INTO steward.slow_thresholds (application, slow_ms, critical_ms) VALUES (NULL, 1, 1)}), 3, 'a row is of one of both');
sql(q{DELETE FROM steward.slow_thresholds WHERE application IS DISTINCT FROM 'batch'});
heeded(1);
work($patiently, 'SELECT 9 AS special');
is(of_worker('count(*)', '%9 AS special'), 0, 'until the row is gone');

# ---- However it is sent ----------------------------------------------------------------------------------------------

for my $mode (qw(simple extended prepared)) {
    ok(pgbench($mode, "\\set x 7\nSELECT '$mode', a, pg_sleep(0.03) FROM t WHERE a = :x AND b <> :x::text;\n"), "$mode: runs");
    my $values = $mode eq 'simple' ? '' : q{$1 = '7', $2 = '7'};
    is(of_worker(q{concat_ws(' ', count(*), min(parameters), bool_and(plan LIKE '%Index Scan%'))}, "SELECT ''$mode''%"),
        join(' ', grep { $_ ne '' } 1, $values, 't'), "$mode: is kept with values and plan");
}
# Values in binary, of a statement that ends and of one that fails.
my $wire = WireClient->connect_to($node->host, $node->port, user => 'worker', TimeZone => 'UTC');
my @binary = ([ 23, pack('N', 42) ], [ 1184, pack('q>', 0) ], [ 25, "O'Hara" ], [ 17, "\x00\xff" ], [ 1700, pack('n*', 3, 1, 0, 4, 1, 2345, 6789) ]);
is($wire->bind_binary('SELECT $1 AS bound, $2, $3, $4, $5, pg_sleep(0.03)', @binary), '', 'binary values');
$wire->query(q{SET statement_timeout = '60ms'});
like($wire->bind_binary('SELECT $1 AS cut, $2, $3, $4, $5, pg_sleep(60)', @binary), qr/57014/, 'of a statement that is cancelled too');
is(of_worker(q{string_agg(DISTINCT parameters, '; ')}, '%$5, pg_sleep%'), q{$1 = '42', $2 = '2000-01-01 00:00:00+00', $3 = 'O''Hara', $4 = '\x00ff', $5 = '12345.6789'}, 'are readable');
work('BEGIN', 'DECLARE c CURSOR WITH HOLD FOR SELECT nap(a) FROM t WHERE a < 3', 'FETCH 1 FROM c', 'COMMIT', $patiently, 'FETCH 1 FROM c', 'CLOSE c');
is(of_worker(q{query || ' ' || rows}, '%c'), 'FETCH $1 FROM c 1', 'a cursor, and one that is held does not stand in the way');
work(q{SET steward.capture = 'all'}, q{DO $$ BEGIN FOR i IN 1 .. 2 LOOP PERFORM nap(i) FROM t WHERE a = i; COMMIT; END LOOP; END $$},
    q{DO $$ DECLARE r record; BEGIN FOR r IN SELECT nap(a) AS n FROM t WHERE a < 4 LOOP EXIT WHEN r.n = 2; COMMIT; END LOOP; END $$});
is(of_worker(q{count(*) || ' ' || bool_and(plan LIKE 'Index%') || ' ' || min(parameters)}, '%nap(i)%'), q{2 true $2 = '1'}, 'within a procedure that commits');
is(of_worker(q{count(*)}, '%nap(a) AS n%'), 1, 'a cursor in it');
work(q{SET steward.capture = 'all'}, 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0', 'SET min_parallel_table_scan_size = 0',
    q{CREATE FUNCTION slow_in_parallel(integer) RETURNS boolean PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN IF $1 < 3 THEN PERFORM count(*), pg_sleep(0.03) FROM t WHERE a = $1; END IF; RETURN true; END $$},
    'SELECT count(*) AS parallel FROM t WHERE slow_in_parallel(a % 200)');
is(of_worker(q{bool_and(plan LIKE '%Gather%')}, '%AS parallel%'), 't', 'a parallel query has its plan');
work('CREATE TABLE copied AS SELECT nap(a) FROM t WHERE a = 1', 'COPY (SELECT nap(1)) TO STDOUT');
is(of_worker(q{string_agg(query, ', ' ORDER BY at)}, 'C%copied%'), 'CREATE TABLE copied AS SELECT nap(a) FROM t WHERE a = $1', 'a utility statement');
is(of_worker('count(*)', 'COPY%'), 1, 'and COPY');
work(q{COPY (SELECT nap(1)) TO STDOUT /*route='%2Fnap'*/}, q{SET statement_timeout = '1s'}, q{COPY (SELECT pg_sleep(60)) TO STDOUT /*route='%2Flong'*/});
is(of_worker(q{string_agg(concat_ws(' ', sqlstate, tags), ', ' ORDER BY at) FILTER (WHERE tags IS NOT NULL)}, 'COPY%'), q{{"route": "/nap"}, 57014 {"route": "/long"}},
    'with its tags, also when it fails');

# ---- However it ends -------------------------------------------------------------------------------------------------

work(q{PREPARE p (text) AS SELECT b, pg_sleep(60) FROM t WHERE b = $1}, q{SET statement_timeout = '1s'}, q{EXECUTE p('x')}, 'RESET statement_timeout', 'SELECT 1');
is(of_worker(q{concat_ws(' ', sqlstate, parameters, rows)}, '%SELECT b, pg_sleep(60)%'), q{57014 $1 = 'x' 0}, 'a timeout is kept with its values');
my $sleeper = worker_session('sleeper', 'SELECT pg_sleep(100), 2');
my $pid = pid_of($node, q{query LIKE 'SELECT pg_sleep(100), 2' AND wait_event = 'PgSleep' AND now() > query_start + interval '30 ms'});
sql("SELECT pg_cancel_backend($pid)");
ok(!finish($sleeper), 'a statement is cancelled');
is(of_worker(q{sqlstate || ' ' || application}, 'SELECT pg_sleep(100), 2'), '57014 sleeper', 'and kept');
$sleeper = worker_session('sleeper', 'SELECT pg_sleep(100), 3');
$pid = pid_of($node, q{query LIKE 'SELECT pg_sleep(100), 3' AND wait_event = 'PgSleep' AND now() > query_start + interval '30 ms'});
sql("SELECT pg_terminate_backend($pid)");
ok(!finish($sleeper), 'a session is terminated');
wait_for($node, q{EXISTS (SELECT FROM steward.slow_queries WHERE query = 'SELECT pg_sleep(100), 3' AND sqlstate = '57P01')}, 'what it ran');
pass('what it ran is kept');
my $holder = session($node, 'holder', 'BEGIN', 'SELECT a FROM t WHERE a = 5 FOR UPDATE', 'SELECT pg_sleep(600)');
my $held_by = pid_of($node, q{application_name = 'holder' AND wait_event = 'PgSleep'});
work(q{SET lock_timeout = '60ms'}, q{UPDATE t SET b = 'z' WHERE a = 5});
is(of_worker('sqlstate', 'UPDATE t%'), '55P03', 'one that waited for a lock in vain');
sql("SELECT pg_terminate_backend($held_by)");
finish($holder);
work(q{SET steward.capture = 'all'}, q{DO $$ BEGIN PERFORM nap(a), 1 / (a - 1) FROM t WHERE a = 1; EXCEPTION WHEN division_by_zero THEN NULL; END $$});
is(of_worker('sqlstate', '%nap(a), 1 / (a - 1)%'), '22012', 'an error that was swallowed');
is(of_worker(q{coalesce(min(sqlstate), 'none')}, 'DO%'), 'none', 'what swallowed it has not failed');
work(q{SET steward.capture = 'all'}, q{DO $$ BEGIN PERFORM nap(a), 2, 1 / (a - 1) FROM t WHERE a = 1; END $$ /*route='%2Fouter'*/});
is(of_worker(q{concat_ws(' ', sqlstate, tags)}, '%nap(a), 2, 1 / (a - 1)%') . ', ' . of_worker(q{concat_ws(' ', sqlstate, tags)}, 'DO $1 /*%'), '22012, 22012 {"route": "/outer"}',
    'an error that was not is known of both, in full');

# A value whose output takes for ever: the timeout comes while it is printed.
sql(q{
    CREATE TYPE endless;
    CREATE FUNCTION endless_in(cstring) RETURNS endless LANGUAGE internal IMMUTABLE STRICT AS 'float8in';
    CREATE FUNCTION endless_out(endless) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'pg_sleep';
    CREATE TYPE endless (INPUT = endless_in, OUTPUT = endless_out, LIKE = double precision);
});
work(q{SET statement_timeout = '300ms'}, q{PREPARE e (endless, text) AS SELECT count($1), $2, pg_sleep(0.03)}, q{EXECUTE e('1000', 'seen')}, 'RESET statement_timeout',
    q{SELECT 'after it', pg_sleep(0.03)});
is(of_worker(q{count(*) || ' ' || min(parameters)}, '%SELECT count($1), $2, pg_sleep(0.03)'), q{1 $1 = ?, $2 = 'seen'}, 'a value whose output takes for ever');
is(of_worker('count(*)', '%after it%'), 1, 'the session goes on');

# ---- By what is usual ------------------------------------------------------------------------------------------------

sql(q{ALTER ROLE worker SET steward.capture_slow_threshold = '1h'; ALTER ROLE worker SET steward.capture_slow_floor = '200ms'});
work(('SELECT 17 AS usual, pg_sleep(0.0)') x 600);
work('SELECT 18 AS usual, pg_sleep(0.5)', q{SELECT 19, 'not usual', pg_sleep(0.5)});
is(of_worker(q{string_agg(query, ',')}, '%usual%'), 'SELECT 18 AS usual, pg_sleep(0.5)', 'a query that takes far longer than it used to is slow');
work('SET steward.capture_slow_factor = 0', 'SELECT 20 AS usual, pg_sleep(0.5)');
work('SET steward.capture_slow_threshold = -1', 'SELECT 21 AS usual, pg_sleep(0.5)');
is(of_worker('count(*)', '%usual%'), 1, 'unless nobody wants to know');
sql(q{ALTER ROLE worker RESET steward.capture_slow_floor; ALTER ROLE worker SET steward.capture_slow_threshold = '20ms'});

# ---- Many ------------------------------------------------------------------------------------------------------------

sql(q{SELECT steward.reset_queries()});
sql(q{ALTER ROLE worker SET steward.capture_slow_threshold = 0});
work(map { "SELECT 'bad', generate_series(1, $_)" } 1 .. 400);
is(of_worker(q{count(*) FILTER (WHERE is_first) || ' ' || count(*) FILTER (WHERE is_worst) || ' ' || count(*) FILTER (WHERE is_latest)}, '%bad%'), '1 1 1',
    'first, worst and latest are kept of a query');
cmp_ok(of_worker('count(*)', '%bad%'), '<', 60, 'and not many more');
cmp_ok(sql('SELECT slow_lost FROM steward.capture_status'), '>=', 340, 'the others are counted');
is(of_worker('min(rows)', '%bad%'), 1, 'the first is the first');
work((map { my $n = $_; 'SELECT 1' . join('', map { $n >> $_ & 1 ? '+1' : '-1' } 0 .. 9) . ' AS flood' } 0 .. 899));
is(sql(q{SELECT slow_events > 100 AND slow_dropped > 0 AND slow_bytes_used < slow_bytes FROM steward.capture_status}), 't', 'many queries find room, the latest of them');
sql(q{SELECT steward.reset_queries()});
is(sql('SELECT slow_events || \' \' || slow_bytes_used FROM steward.capture_status'), '0 0', 'a reset takes all of them');
sql(q{ALTER ROLE worker SET steward.capture_slow_threshold = '20ms'});

# A database of another encoding: what cannot be read here is not shown.
sql(q{CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'});
$node->psql('latin', "SET client_encoding = 'UTF8'; SELECT 'grün', pg_sleep(0.03)", extra_params => ['-U', 'worker']);
is(kept('query', q{database = 'latin'}), q{SELECT 'gr?n', pg_sleep(0.03)}, 'a text of another encoding');

# ---- The log ---------------------------------------------------------------------------------------------------------

sub logged_of { my $like = shift; return "(SELECT count(*) FROM steward.slow_query_log WHERE query LIKE '$like')"; }
sub wait_for_rows { my ($count, $like) = @_; wait_for($node, logged_of($like) . " >= $count", "$count rows of $like in the log"); }
work(q{PREPARE l (text) AS SELECT b, pg_sleep(0.03) FROM t WHERE b = $1 LIMIT 1 /*app='shop'*/}, q{EXECUTE l('x')});
wait_for_rows(1, q{%LIMIT 1 /*app=%});
is(sql(q{SELECT concat_ws(' ', role, severity, parameters, tags, rows, duration_ms >= 30, plan LIKE 'Limit%', application <> '') FROM steward.slow_query_log
    WHERE query LIKE '%LIMIT 1 /*app=%'}), q{worker slow $1 = 'x' {"app": "shop"} 1 t t t}, 'they are written down, whole');
is(sql('SELECT count(*) FROM steward.slow_query_log l WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = l.role)'), 0, 'with their roles');
is(whole($node, 'steward.slow_query_log'), 3, 'into partitions of our own');
# Databases keep theirs apart, and one without the extension has none.
sql('CREATE DATABASE second');
sql('CREATE EXTENSION pg_steward', 'second');
$node->psql($_, "SELECT 'in $_', pg_sleep(0.03)", extra_params => [ '-U', 'worker' ]) for qw(second latin);
wait_for($node, q{(SELECT count(*) = 1 FROM steward.slow_query_log WHERE query LIKE '%in second%')}, 'the log in the second database', 'second');
is(sql(q{SELECT count(*) FROM steward.slow_query_log WHERE query LIKE '%in second%' OR query LIKE '%in latin%'}), 0, 'each database has its own');
is(kept('count(*)', q{query LIKE '%in latin%'}), 1, 'one without the extension has them in memory');
# Somebody is in the way, and then not; each is written once.
my $locker = session($node, 'locker', 'BEGIN', 'LOCK TABLE steward.slow_query_log', 'SELECT pg_sleep(600)');
$held_by = pid_of($node, q{application_name = 'locker' AND wait_event = 'PgSleep'});
work(q{SELECT 'late', pg_sleep(0.03)});
wait_for($node, q{EXISTS (SELECT FROM pg_stat_activity a JOIN pg_locks l USING (pid) WHERE a.application_name = 'pg_steward slow query log' AND NOT l.granted)}, 'the worker at the lock');
sql("SELECT pg_terminate_backend($held_by)");
finish($locker);
wait_for_rows(1, '%late%');
work(q{SELECT 'next', pg_sleep(0.03)});
wait_for_rows(1, '%next%');
is(sql('SELECT ' . logged_of('%late%')), 1, 'each is written once');
# Retention is that of any managed table.
sql(q{DO $$ BEGIN EXECUTE format('CREATE TABLE steward.slow_query_log_old PARTITION OF steward.slow_query_log FOR VALUES FROM (%L) TO (%L)',
    date_trunc('day', now() AT TIME ZONE 'UTC') - interval '60 days', date_trunc('day', now() AT TIME ZONE 'UTC') - interval '59 days'); END $$});
work(q{SELECT 'after retention', pg_sleep(0.03)});
wait_for_rows(1, '%after retention%');
is(sql(q{SELECT count(*) FROM pg_class WHERE relname = 'slow_query_log_old' AND relispartition}), 0, 'the old partition has gone');
whole($node, 'steward.slow_query_log');
# Who may read it.
isnt($node->psql('postgres', 'SELECT count(*) > 0 FROM steward.slow_query_log', extra_params => [ '-U', 'patient' ]), 0, 'not everybody reads the log');
sql('GRANT pg_read_all_stats TO patient');
is($node->safe_psql('postgres', 'SELECT count(*) > 0 FROM steward.slow_query_log', extra_params => [ '-U', 'patient' ]), 't', 'who may read all statistics does');
# A dump of it can be restored, and goes on.
my $rows = fingerprint($node, 'steward.slow_query_log');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'a dump');
sql('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'is restored');
is(fingerprint($node, 'steward.slow_query_log', 'restored'), $rows, 'with all rows');
$node->psql('restored', "SELECT 'in restored', pg_sleep(0.03)", extra_params => [ '-U', 'worker' ]);
wait_for($node, q{(SELECT count(*) = 1 FROM steward.slow_query_log WHERE query LIKE '%in restored%')}, 'the log after the restore', 'restored');
sql('DROP EXTENSION pg_steward', 'restored');
is(sql(q{SELECT count(*) FROM pg_class WHERE relname LIKE 'slow_query_log%'}, 'restored'), 0, 'and goes with the extension');
$node->psql('restored', "SELECT 'without', pg_sleep(0.03)", extra_params => [ '-U', 'worker' ]);

# ---- Standbys and crashes --------------------------------------------------------------------------------------------

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
$standby->psql('postgres', q{SELECT 'on the standby', pg_sleep(0.03)}, extra_params => ['-U', 'worker']);
heeded(1, $standby);
{
    local $ENV{PGAPPNAME} = 'batch';
    $standby->psql('postgres', q{SELECT 'on the standby by batch', pg_sleep(0.03)}, extra_params => ['-U', 'worker']);
}
my $written = sql(q{SELECT count(*) FROM steward.slow_query_log});
is($standby->safe_psql('postgres', q{SELECT string_agg(query || ' ' || (plan LIKE 'Result%'), ', ') FROM steward.slow_queries}), q{SELECT 'on the standby', pg_sleep(0.03) true}, 'a standby has its own');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM steward.slow_query_log'), $written, 'and the log of its primary');
$standby->stop;

$sleeper = worker_session('victim', 'SELECT pg_sleep(100), 4');
$pid = pid_of($node, q{application_name = 'victim' AND wait_event = 'PgSleep'});
kill 'KILL', $pid;
finish($sleeper);
wait_for($node, 'true', 'the server to come back');
is(kept('count(*)', 'true'), 0, 'a crash takes those in memory');
work(q{SELECT 'after the crash', pg_sleep(0.03)});
is(of_worker('count(*)', '%after the crash%'), 1, 'and goes on');
wait_for_rows(1, '%after the crash%');
heeded(1);

quiet_log($node, 'canceling statement|terminating connection|division by zero|terminated by signal|in recovery mode|because of crash|server process|permission denied for table slow_query_log|violates check constraint');
done_testing();
