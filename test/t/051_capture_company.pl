# SPDX-License-Identifier: PostgreSQL
#
# Beside other modules that watch statements, in both orders, and with the processes that run parts of statements or the
# statements of other servers: each statement is counted once, where it was run. Modules that are not installed are skipped.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

chomp(my $libdir = `pg_config --pkglibdir`);
$libdir = "$1/lib" if `which postgres` =~ m{^(/usr/lib/postgresql/\d+)/bin/} && !-e "$libdir/plpgsql.so";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off', 'max_worker_processes = 20',
    'max_parallel_workers = 4', 'steward.capture_save_interval = 0'));
$node->start;
sub sql { my ($query, $db) = @_; return $node->safe_psql($db // 'postgres', $query); }
sql(q{
    CREATE EXTENSION pg_steward;
    CREATE EXTENSION postgres_fdw;
    CREATE ROLE worker LOGIN SUPERUSER;
    CREATE TABLE t (a integer PRIMARY KEY, b integer);
    INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 20000) i;
    ANALYZE t;
    CREATE DATABASE other;
});
sub of_worker { my ($what, $like) = @_; return sql("SELECT $what FROM steward.queries WHERE role = 'worker' AND query LIKE '$like'"); }
sub work { my @statements = @_; return $node->psql('postgres', join(";\n", @statements), extra_params => ['-U', 'worker'], on_error_stop => 0); }
sub forget { sql(q{SELECT steward.reset_queries()}); }

# ---- Parallel workers ------------------------------------------------------------------------------------------------

my @parallel = ('SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0', 'SET min_parallel_table_scan_size = 0', 'SET max_parallel_workers_per_gather = 2');
my $plan = $node->safe_psql('postgres', join(";\n", @parallel, 'EXPLAIN SELECT count(*) FROM t WHERE b = 3'));
like($plan, qr/Workers Planned: 2/, 'a plan with workers');
forget();
for my $mode ('top', 'all') {
    work("SET steward.capture = '$mode'", @parallel, 'SELECT count(*) FROM t WHERE b = 3', 'SELECT a FROM t WHERE b = 3 AND a > 0');
}
is(of_worker(q{string_agg(concat_ws(' ', calls, rows, errors, is_toplevel), ',')}, 'SELECT count(*) FROM t WHERE b%'), '2 2 0 t', 'a parallel query is counted once');
is(of_worker(q{string_agg(concat_ws(' ', calls, rows), ',')}, 'SELECT a FROM t WHERE b%'), '2 5714', 'with all its rows');
cmp_ok(of_worker('shared_blks_hit + shared_blks_read', 'SELECT count(*) FROM t WHERE b%'), '>=', 2 * sql(q{SELECT relpages FROM pg_class WHERE relname = 't'}),
    'and the blocks of its workers');
forget();
work(@parallel, 'SELECT count(1 / (b - 3)) FROM t', 'SELECT 1 AS after_it');
is(sql(q{SELECT string_agg(sqlstate || ' ' || count || ' ' || last_message, ',') FROM steward.query_errors WHERE role = 'worker'}), '22012 1 division by zero', 'an error of a worker is one');
is(of_worker('bool_and(is_toplevel)', 'SELECT $1 AS after_it'), 't', 'and what follows is at top level');

# ---- Foreign tables --------------------------------------------------------------------------------------------------

my ($host, $port) = ($node->host, $node->port);
sql(qq{
    CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'other');
    CREATE USER MAPPING FOR worker SERVER loop OPTIONS (user 'worker', password_required 'false');
    CREATE FOREIGN TABLE far (a integer, b integer) SERVER loop OPTIONS (table_name 'near');
});
sql('CREATE TABLE near (a integer, b integer); INSERT INTO near SELECT i, i FROM generate_series(1, 250) i; CREATE TABLE other_only (a integer)', 'other');
forget();
work('SELECT * FROM far', 'UPDATE far SET b = b + 1 WHERE a <= 10', 'SELECT * FROM far LIMIT 1');
is(of_worker(q{string_agg(database || ' ' || calls || ' ' || rows || ' ' || errors, ', ' ORDER BY database)}, '%SELECT * FROM far'), 'postgres 1 250 0', 'a foreign table is read here');
is(of_worker(q{sum(calls) || ' ' || sum(rows)}, 'FETCH % FROM c%'), '4 251', 'and there, as it is fetched');
is(of_worker(q{string_agg(database || ' ' || rows, ', ' ORDER BY database)}, 'UPDATE%'), 'other 10, postgres 10', 'changed here and there');
work('SELECT b / (b - b) FROM far', 'SELECT 1 AS after_it');
is(of_worker('bool_and(is_toplevel)', 'SELECT $1 AS after_it'), 't', 'also after an error');

# ---- Logical replication ---------------------------------------------------------------------------------------------

sql('CREATE TABLE sent (a integer PRIMARY KEY); INSERT INTO sent SELECT generate_series(1, 50); CREATE PUBLICATION pub FOR TABLE sent');
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off', 'max_worker_processes = 20',
    "steward.capture = 'all'", 'steward.capture_save_interval = 0'));
$subscriber->start;
$subscriber->safe_psql('postgres', qq{
    CREATE EXTENSION pg_steward;
    CREATE TABLE sent (a integer PRIMARY KEY);
    CREATE TABLE noted (a integer);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN INSERT INTO public.noted VALUES (NEW.a); RETURN NEW; END \$\$;
    CREATE TRIGGER note AFTER INSERT ON sent FOR EACH ROW EXECUTE FUNCTION note();
    ALTER TABLE sent ENABLE ALWAYS TRIGGER note;
    CREATE SUBSCRIPTION sub CONNECTION 'host=$host port=$port dbname=postgres' PUBLICATION pub});
wait_for($subscriber, q{NOT EXISTS (SELECT FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's'))}, 'the first copy');
sql('INSERT INTO sent SELECT generate_series(51, 70)');
$node->wait_for_catchup('sub');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM sent'), 70, 'rows arrive');
my $noted = q{SELECT sum(calls) || ' ' || sum(rows) || ' ' || sum(errors) FROM steward.queries WHERE query LIKE 'INSERT INTO public.noted%'};
is($subscriber->safe_psql('postgres', $noted), '70 70 0', 'what a trigger does with them is counted, also while the worker lives');
$subscriber->stop;
wait_for($node, q{NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'sub' AND active)}, 'the end of the sender');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('sub')});

# ---- Other modules ---------------------------------------------------------------------------------------------------

# Each with the version of its library; those that read pg_stat_statements need it before them.
my %needs = (pg_stat_kcache => ['pg_stat_statements'], pg_qualstats => [], pg_wait_sampling => [], auto_explain => [], pg_stat_statements => []);
for my $module (sort keys %needs) {
    SKIP: {
        skip "$module is not installed", 2 unless -e "$libdir/$module.so";
        my @others = (@{ $needs{$module} }, $module);
        for my $libraries (join(', ', 'pg_steward', @others), join(', ', @others, 'pg_steward')) {
            $node->append_conf('postgresql.conf', "shared_preload_libraries = '$libraries'\nauto_explain.log_min_duration = 0\nauto_explain.log_level = debug1\n"
                . "pg_stat_statements.track = all\nsteward.capture = 'all'");
            $node->restart;
            sql("CREATE EXTENSION IF NOT EXISTS $_ CASCADE") for grep { $_ ne 'auto_explain' } @others;
            forget();
            work('SELECT count(*) FROM t WHERE b = 1', 'SELECT count(*) FROM t WHERE b = 2', q{DO $$ BEGIN PERFORM sum(b) FROM t; END $$},
                'SELECT 1 / 0', 'SELECT 1 / b FROM t', 'BEGIN', 'SAVEPOINT s', 'SELECT nothing', 'ROLLBACK TO s', 'UPDATE t SET b = b WHERE a < 10', 'COMMIT',
                'SELECT 1 AS after_it');
            is(sql(q{SELECT string_agg(concat_ws(' ', calls, rows, errors, is_toplevel), ', ' ORDER BY query COLLATE "C") FROM steward.queries
                WHERE role = 'worker' AND query ~ '^(SELECT|UPDATE)'}), '1 0 1 t, 1 0 1 t, 1 1 0 t, 2 2 0 t, 1 1 0 f, 1 9 0 t', "beside $module: $libraries");
        }
    }
}

# All of them at once, and whatever ends a statement before its time: each is counted, and kept as slow, once.
chomp(my $has_prlimit = `command -v prlimit`);
sub end_badly {
    my $gate = session($node, 'gate', 'SELECT pg_advisory_lock(7)', 'SELECT pg_sleep(1000), 1');
    wait_for($node, q{EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted)}, 'the gate');
    my $wait = 'SELECT pg_advisory_lock_shared(7)';
    my @sessions = map { my ($name, @statements) = @$_; session($node, "$name user=worker", @statements) } (
        (map { [ "dead$_", 'BEGIN', "SELECT pg_advisory_xact_lock(10$_)", $wait, 'SELECT pg_advisory_xact_lock(10' . (3 - $_) . ')' ] } 1, 2),
        [ 'late', 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT count(*) FROM t', $wait, 'UPDATE t SET b = b WHERE a = 3' ],
        [ 'poor', $wait, 'SELECT count(array_fill(7, ARRAY[134217727]))' ],
        [ 'cancelled', 'SELECT pg_sleep(100), 2' ], [ 'ended', 'SELECT pg_sleep(100), 2, 3' ],
        [ 'overdue', q{SET statement_timeout = '1s'}, 'SELECT pg_sleep(100), 2, 3, 4' ]);
    wait_for($node, q{(SELECT count(*) FILTER (WHERE wait_event_type = 'Lock') = 4 AND count(*) FILTER (WHERE application_name IN ('cancelled', 'ended') AND wait_event = 'PgSleep') = 2
        FROM pg_stat_activity WHERE usename = 'worker')}, 'all of them');
    my $poor = sql(q{UPDATE t SET b = b WHERE a = 3; SELECT pid FROM pg_stat_activity WHERE application_name = 'poor'});
    if ($has_prlimit && slurp_file("/proc/$poor/status") =~ /^VmSize:\s+(\d+) kB/m) { system('prlimit', '--pid', $poor, '--as=' . ($1 + 65536) * 1024) == 0 or die 'prlimit failed'; }
    sql(q{SELECT CASE application_name WHEN 'cancelled' THEN pg_cancel_backend(pid) ELSE pg_terminate_backend(pid) END FROM pg_stat_activity
        WHERE application_name IN ('gate', 'cancelled', 'ended')});
    return scalar grep { !finish($_) } @sessions, $gate;
}
my $failures = $has_prlimit ? '40001 1, 40P01 1, 53200 1, 57014 2, 57P01 1' : '40001 1, 40P01 1, 57014 2, 57P01 1';
my @all = ('auto_explain', grep { -e "$libdir/$_.so" } qw(pg_stat_statements pg_stat_kcache pg_qualstats pg_wait_sampling));
sql(q{ALTER ROLE worker SET steward.capture_slow_threshold = 0});
for my $libraries (join(', ', 'pg_steward', @all), join(', ', @all, 'pg_steward')) {
    $node->append_conf('postgresql.conf', "shared_preload_libraries = '$libraries'\ndeadlock_timeout = 20ms");
    $node->restart;
    forget();
    is(end_badly(), $has_prlimit ? 7 : 6, "statements end badly beside $libraries");
    wait_for($node, q{EXISTS (SELECT FROM steward.slow_queries WHERE sqlstate = '57P01' AND role = 'worker')}, 'the end of the session');
    is(sql(q{SELECT string_agg(sqlstate || ' ' || count, ', ' ORDER BY sqlstate) FROM (SELECT sqlstate, sum(count) AS count FROM steward.query_errors WHERE role = 'worker' GROUP BY 1) x}),
        $failures, 'each is counted');
    is(sql(q{SELECT string_agg(sqlstate || ' ' || count, ', ' ORDER BY sqlstate) FROM (SELECT sqlstate, count(*) AS count FROM steward.slow_queries
        WHERE role = 'worker' AND sqlstate IS NOT NULL AND query IS NOT NULL GROUP BY 1) x}), $failures, 'and kept');
}

$node->stop;
done_testing();
