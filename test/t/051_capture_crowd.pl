# SPDX-License-Identifier: PostgreSQL
#
# 200 sessions at once with ten times more queries than there is room for: each call is in the sum, at every moment, and the
# sum is what the sessions say they have done.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my ($sessions, $each, $queries) = (200, 100, 2000);
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off', 'max_connections = 230',
    'max_worker_processes = 12', 'shared_buffers = 32MB', 'fsync = off', 'steward.capture_max_queries = 200', 'steward.capture_save_interval = 1',
    'steward.capture_text_memory = 256kB'));
$node->start;
sub sql { return $node->safe_psql('postgres', shift); }
sql(qq{
    CREATE EXTENSION pg_steward;
    CREATE ROLE worker LOGIN;
    DO \$\$ BEGIN FOR i IN 1 .. $queries LOOP EXECUTE format('CREATE FUNCTION f%s() RETURNS integer LANGUAGE plpgsql AS ''BEGIN RETURN 1; END''', i); END LOOP; END \$\$;
    CREATE FUNCTION always() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
    SELECT steward.reset_queries();
});

my $script = $node->basedir . '/crowd.sql';
append_to_file($script, "\\set n random(1, $queries)\nSELECT f:n();\nSELECT always();\n");
my ($out, $err) = ('', '');
my $crowd = IPC::Run::start([ 'pgbench', '-n', '-f', $script, '-c', $sessions, '-j', 2, '-t', $each, '-h', $node->host, '-p', $node->port,
    '-U', 'worker', 'postgres' ], '>', \$out, '2>', \$err);

# What a reader sees never becomes less.
my ($before, $readings, $backwards) = (0, 0, 0);
wait_for($node, q{(SELECT count(*) > 1 FROM pg_stat_activity WHERE usename = 'worker')}, 'the crowd');
my $most = $sessions * $each * 2;
for (my $running = 1; $running;) {
    ($running, my $calls, my $overlong) = split /\|/, sql(q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'worker')::integer,
        (SELECT sum(calls) FROM steward.queries WHERE role = 'worker'), (SELECT count(*) > 260 OR count(*) > count(DISTINCT (queryid, database, role, is_toplevel)) FROM steward.queries)});
    $calls = 0 if $calls eq '';
    ++$backwards if $calls < $before || $calls > $most || $overlong eq 't';
    ++$readings;
    $before = $calls;
}
ok($crowd->finish, 'all sessions have done their work') or diag($err);
like($out, qr{transactions actually processed: 20000/20000}, 'whole');
cmp_ok($readings, '>', 3, 'read meanwhile');
is($backwards, 0, 'a reader sees the sum grow up to what is done');
is(sql(q{SELECT sum(calls) || ' ' || sum(rows) || ' ' || sum(errors) FROM steward.queries WHERE role = 'worker'}), "$most $most 0", 'each call is in the sum');
is(sql(q{SELECT calls || ' ' || rows FROM steward.queries WHERE role = 'worker' AND query = 'SELECT always()'}), $sessions * $each . ' ' . $sessions * $each,
    'the flood does not push out what all run');
cmp_ok(sql(q{SELECT calls FROM steward.queries WHERE role = 'worker' AND query = '(evicted)'}), '>', 10000, 'most others are evicted');
is(sql(q{SELECT total_ms > 0 AND abs(total_ms - (SELECT sum(total_ms) FROM steward.queries WHERE role = 'worker' AND query <> '(evicted)')) > 0
    AND p50_ms BETWEEN min_ms AND max_ms FROM steward.queries WHERE role = 'worker' AND query = '(evicted)'}), 't', 'with their times');
is(sql(q{SELECT untimed_calls || ' ' || (evictions > 0) || ' ' || (queries <= 208) FROM steward.capture_status}), '0 true true', 'in the room there is');
my $sum = sql(q{SELECT sum(calls) || ' ' || sum(rows) FROM steward.queries WHERE role = 'worker'});
$node->restart;
is(sql(q{SELECT sum(calls) || ' ' || sum(rows) FROM steward.queries WHERE role = 'worker'}), $sum, 'and stays so over a restart');

$node->stop;
quiet_log($node);
done_testing();
