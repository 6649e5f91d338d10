# SPDX-License-Identifier: PostgreSQL
#
# The worker, or the whole server, is killed in the middle of a maintenance run; the next run completes the work.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

wait_past_midnight();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    -- Slow enough to be killed in time.
    CREATE FUNCTION slowly(regclass, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(0.03) IS NOT NULL';
});

# Each with a month of rows in the past, in partitions that are there already, and one of them with a default partition.
my @tables = ('a', 'b', '"C d"');
for my $table (@tables) {
    $node->safe_psql('postgres', qq{
        CREATE TABLE $table (at timestamptz NOT NULL, n integer, PRIMARY KEY (at, n)) PARTITION BY RANGE (at);
        SELECT * FROM steward.manage_partitions('$table', '1 day', future => 30, timezone => 'UTC',
            options => json_build_object('start', now() - interval '30 days')::jsonb);
        SELECT create_future_partitions('$table');
        INSERT INTO $table SELECT now() - i * interval '7 hours', i FROM generate_series(1, 90) i;
    });
}
$node->safe_psql('postgres', q{
    CREATE TABLE a_default PARTITION OF a DEFAULT;
    INSERT INTO a SELECT '2019-01-01 00:00+00', i FROM generate_series(1, 10) i;
});
my %rows = map { $_ => fingerprint($node, $_) } @tables;
my $attached = 'SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind = \'r\'';

for my $victim ('worker', 'server') {
    my $future = $victim eq 'worker' ? 150 : 300;
    $node->safe_psql('postgres', qq{
        SELECT count(m) FROM steward.partition_sets s, steward.manage_partitions(s.parent, future => $future,
            options => '{"after_create": "public.slowly"}') m});
    my $before = $node->safe_psql('postgres', $attached);
    my $run = session($node, 'caller', 'SELECT * FROM maintain_partitions()');
    my $goal = $before + ($future - 30) * 3 / 4;
    wait_for($node, "($attached) > $goal", 'a good part of the partitions');
    my $worker = pid_of($node, q{backend_type = 'pg_steward'});
    if ($victim eq 'worker') {
        kill 'KILL', $worker;
    } else {
        $node->kill9;
    }
    ok(!finish($run), "kill -9 of the $victim: the caller gets an error");
    if ($victim eq 'server') {
        # What outlived the postmaster keeps its shared memory; it has to end by itself.
        my $left = 600;
        while (kill(0, $worker) && $left-- > 0) { select undef, undef, undef, 0.1; }
        ok($left > 0, 'the worker ends without its postmaster');
        $node->start;
    }
    wait_for($node, 'true', 'the server to come back');
    my $after = $node->safe_psql('postgres', $attached);
    cmp_ok($after, '<', $before + 3 * 110, "the $victim was killed in the middle ($before, then $after)");
    $node->safe_psql('postgres', q{
        UPDATE steward.partition_sets SET after_create = NULL;
        SELECT * FROM maintain_partitions()});
    is($node->safe_psql('postgres', q{SELECT count(*) FROM steward.partition_plan()}), 0, 'one more run completes the work');
    for my $table (@tables) {
        is(whole($node, $table), 31 + $future, 'every partition is there');
        is(fingerprint($node, $table), $rows{$table}, "$table: the same rows");
    }
    is($node->safe_psql('postgres', q{
        SELECT string_agg(c.relname, ' ') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND NOT c.relispartition AND nspname = 'public'}), '', 'no half-made table is left');
    is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_constraint WHERE conname ~ 'steward'}), 0,
        'no guard is left on the default partition');
}

quiet_log($node, qr/recovery mode|crash of another server process/);
$node->stop;
done_testing();
