# SPDX-License-Identifier: PostgreSQL
#
# An error in every part of a statement's life is counted once, with its SQLSTATE and message, and what comes after it is at
# top level again; so are the ends of sessions in the middle of a statement.
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
$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off', 'restart_after_crash = on',
    'steward.capture_save_interval = 0'));
$node->start;
sub sql { return $node->safe_psql('postgres', shift); }
sql(q{
    CREATE EXTENSION pg_steward;
    CREATE EXTENSION file_fdw;
    CREATE ROLE worker LOGIN;
    GRANT CREATE ON SCHEMA public TO worker;
    CREATE TABLE t (a integer PRIMARY KEY, b integer);
    INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i;
    GRANT ALL ON t TO worker;
    CREATE TABLE secret (a integer);
    CREATE TABLE checked (a integer);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused by the trigger' USING ERRCODE = 'P0042'; END $$;
    CREATE TRIGGER refuse AFTER INSERT ON checked FOR EACH ROW EXECUTE FUNCTION refuse();
    GRANT ALL ON checked TO worker;
    CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE broken (a integer) SERVER files OPTIONS (program 'echo 1; exit 3');
    GRANT ALL ON broken TO worker;
});

sub of_worker { my ($what, $like) = @_; return sql("SELECT $what FROM steward.queries WHERE role = 'worker' AND query LIKE '$like'"); }
sub errors_of { my $like = shift; return sql(qq{
    SELECT coalesce(string_agg(concat_ws(' ', e.sqlstate, e.count, e.last_message), ', ' ORDER BY e.sqlstate, e.is_toplevel), '') FROM steward.query_errors e
    JOIN steward.queries q USING (queryid, database, role, is_toplevel) WHERE role = 'worker' AND q.query LIKE '$like'}); }
# Which statements are counted of the worker, who may not set that.
sub counting { my $mode = shift; sql("ALTER ROLE worker SET steward.capture = '$mode'"); }
sub work { my @statements = @_; return $node->psql('postgres', join(";\n", @statements), extra_params => ['-U', 'worker'], on_error_stop => 0); }

# ---- Each part of a statement ----------------------------------------------------------------------------------------

# The statement, how its text begins, and what is known of it. In both modes: alone, and within a function whose error is caught.
my @parts = (
    [ 'the planner', 'SELECT 1 / 0', 'SELECT $1 / $2', '22012 %d division by zero' ],
    [ 'start', 'SELECT a FROM secret', 'SELECT a FROM secret', '42501 %d permission denied for table secret' ],
    [ 'run', 'SELECT a / (b - b) FROM t', 'SELECT a / (b - b) FROM t', '22012 %d division by zero' ],
    [ 'finish', 'INSERT INTO checked VALUES (1)', 'INSERT INTO checked VALUES ($1)', 'P0042 %d refused by the trigger' ],
    [ 'a utility statement', 'DROP TABLE nowhere', 'DROP TABLE nowhere', '42P01 %d table "nowhere" does not exist' ],
);
for my $part (@parts) {
    my ($name, $statement, $text, $failure) = @$part;
    work($statement, 'SELECT 17 AS after_it');
    is(errors_of($text), sprintf($failure, 1), "an error in $name");
    is(of_worker(q{string_agg(calls || ' ' || errors, ',')}, $text), '1 1', "$name: is one call");
    is(of_worker('bool_and(is_toplevel)', 'SELECT $1 AS after_it'), 't', "$name: what follows is at top level");
    work('BEGIN', 'SAVEPOINT s', $statement, 'ROLLBACK TO s', 'SELECT 18 AS after_it', 'COMMIT');
    is(errors_of($text), sprintf($failure, 2), "an error in $name within a savepoint");
    is(of_worker('count(*)', 'SELECT $1 AS after_it'), '1', "$name: what follows the savepoint is at top level");
    # Within functions nobody has seen the message.
    counting('all');
    work("DO \$\$ BEGIN FOR i IN 1 .. 3 LOOP BEGIN EXECUTE '$statement'; EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END \$\$",
        'SELECT 19 AS after_it');
    counting('top');
    is(of_worker(q{string_agg(calls || ' ' || errors, ',' ORDER BY is_toplevel)}, $text), '3 3,2 2', "$name: errors that are caught are counted");
    is(of_worker('count(*)', 'SELECT $1 AS after_it'), '1', "$name: what follows them is at top level");
    sql(q{SELECT steward.reset_queries(role => 'worker')});
}

# What fails when it has run and is put away: as a statement, and caught within others.
counting('all');
work('SELECT a FROM broken', 'SELECT 20 AS after_it',
    q{DO $$ BEGIN FOR i IN 1 .. 2 LOOP BEGIN PERFORM a FROM broken; EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$}, 'SELECT 20 AS after_it');
counting('top');
is(errors_of('SELECT a FROM broken'), q{38000 2, 38000 1 program "echo 1; exit 3" failed}, 'an error at the end');
is(of_worker(q{string_agg(calls || ' ' || errors || ' ' || rows || ' ' || is_toplevel, ',' ORDER BY is_toplevel)}, 'SELECT a FROM broken'), '2 2 2 false,1 1 1 true',
    'is one call, with its rows');
is(of_worker(q{string_agg(calls || ' ' || errors, ',')}, 'DO $%'), '1 0', 'what catches it has not failed');
is(of_worker(q{string_agg(calls || ' ' || is_toplevel, ',')}, 'SELECT $1 AS after_it'), '2 true', 'and what follows is at top level');

# An error deep within others, caught in the middle.
sql(q{
    CREATE FUNCTION inner_one(i integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT 100 / i); END $$;
    CREATE FUNCTION outer_one(i integer) RETURNS integer LANGUAGE plpgsql AS $$
        BEGIN RETURN (SELECT inner_one(i)); EXCEPTION WHEN division_by_zero THEN RETURN (SELECT inner_one(1) + 1000); END $$;
});
counting('all');
sql(q{SELECT steward.reset_queries(role => 'worker')});
work('SELECT outer_one(0)', 'SELECT outer_one(2)', 'SELECT outer_one(0)');
is(of_worker(q{string_agg(calls || ' ' || errors || ' ' || is_toplevel, ',')}, 'SELECT outer_one%'), '3 0 true', 'what catches an error has not failed');
# Of an expression 13 makes a statement.
is(of_worker(q{string_agg(calls || ' ' || errors || ' ' || is_toplevel, ',')}, '%(SELECT inner_one(i))'), '3 2 false', 'what it has caught has');
is(of_worker(q{string_agg(calls || ' ' || errors || ' ' || is_toplevel, ',')}, '%(SELECT $1 / i)'), '5 2 false', 'and what that was in');

# ---- Messages --------------------------------------------------------------------------------------------------------

sql(q{SELECT steward.reset_queries(role => 'worker')});
work(q{SELECT 'one'::text::integer FROM t LIMIT 1}, q{SELECT 'two'::text::integer FROM t LIMIT 1});
is(errors_of('SELECT $1::text::integer FROM t%'), '22P02 2 invalid input syntax for type integer: "two"', 'the message is that of the latest failure');
work(q{SELECT ('x' || repeat('ä', 1000000))::integer FROM t LIMIT 1});
is(sql(q{SELECT octet_length(last_message) || ' ' || replace(last_message, 'ä', '') FROM steward.query_errors
    JOIN steward.queries q USING (queryid, role) WHERE role = 'worker' AND q.query LIKE 'SELECT ($1 || repeat%'}),
    '249 invalid input syntax for type integer: "x', 'a long one is cut between two characters');
sql('CREATE ROLE stranger LOGIN');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT last_message, ',') FROM steward.query_errors WHERE role = 'worker'}, extra_params => ['-U', 'stranger']),
    '<insufficient privilege>', 'and hidden from others');
$node->restart;
is(errors_of('SELECT $1::text::integer FROM t%'), '22P02 2 invalid input syntax for type integer: "two"', 'it outlives a restart');

# ---- Out of memory ---------------------------------------------------------------------------------------------------

SKIP: {
    skip 'prlimit is not installed', 2 if system('command -v prlimit >/dev/null') != 0;
    my $gate = session($node, 'gate', 'SELECT pg_advisory_lock(7)', 'SELECT pg_sleep(100)');
    wait_for($node, q{EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted)}, 'the gate');
    my $poor = session($node, 'poor user=worker', 'SELECT pg_advisory_lock_shared(7)', 'SELECT count(array_fill(7, ARRAY[134217727]))');
    my $pid = pid_of($node, q{application_name = 'poor' AND wait_event_type = 'Lock'});
    slurp_file("/proc/$pid/status") =~ /^VmSize:\s+(\d+) kB/m or die 'no size';
    system('prlimit', '--pid', $pid, '--as=' . ($1 + 65536) * 1024) == 0 or die 'prlimit failed';
    sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate'});
    finish($gate);
    ok(!finish($poor), 'a statement finds no memory');
    is(errors_of('SELECT count(array_fill%'), '53200 1 out of memory', 'and is counted');
}

# ---- The end of sessions ---------------------------------------------------------------------------------------------

# In the middle of statements within others.
my $sleeper = session($node, 'sleeper user=worker', 'DO $$ BEGIN PERFORM pg_sleep(100), 2; END $$');
my $pid = pid_of($node, q{wait_event = 'PgSleep'});
sql("SELECT pg_terminate_backend($pid)");
ok(!finish($sleeper), 'a session is terminated');
wait_for($node, q{(SELECT count(*) FROM steward.query_errors WHERE sqlstate = '57P01' AND role = 'worker') = 2}, 'the end of the session');
is(errors_of('DO $%'), '57P01 1 terminating connection due to administrator command', 'both statements are counted');
is(errors_of('SELECT pg_sleep%'), '57P01 1 terminating connection due to administrator command', 'also the inner one');

# The whole server starts anew, and counts.
$sleeper = session($node, 'sleeper user=worker', 'BEGIN', 'INSERT INTO t VALUES (1000, 1)', 'SELECT pg_sleep(100), 3, 4');
$pid = pid_of($node, q{wait_event = 'PgSleep'});
kill 'KILL', $pid;
finish($sleeper);
wait_for($node, '(SELECT loaded > 0 FROM steward.capture_status)', 'the statistics after the crash');
work('SELECT 21 AS after_it') for 1 .. 2;
is(of_worker(q{string_agg(calls || ' ' || errors, ',')}, 'SELECT $1 AS after_it'), '2 0', 'after a crash counting goes on');

$node->stop;
done_testing();
