# SPDX-License-Identifier: PostgreSQL
#
# DETACH PARTITION ... CONCURRENTLY that is held up, killed half-way, finalised; and what it detached, restored.
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
$node->append_conf('postgresql.conf', "restart_after_crash = on\nsteward.partition_lock_timeout = '100ms'");
$node->start;
if ($node->safe_psql('postgres', 'SHOW server_version_num') < 140000) {
    plan skip_all => 'DETACH ... CONCURRENTLY came with PostgreSQL 14';
}

$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE TABLE log (at timestamptz NOT NULL, n integer) PARTITION BY RANGE (at);
    SELECT * FROM steward.manage_partitions('log', '1 day', future => 2, timezone => 'UTC',
        options => json_build_object('start', now() - interval '9 days', 'max_drop_percent', 100)::jsonb);
    SELECT create_future_partitions('log');
    INSERT INTO log SELECT now() - i * interval '5 hours', i FROM generate_series(1, 43) i;
});
my $rows = fingerprint($node, 'log');
my $detached = q{SELECT count(*) FROM steward.trash};
my $pending = q{SELECT count(*) FROM pg_inherits WHERE inhdetachpending};
my $reading = q{SELECT FROM pg_stat_activity WHERE application_name = 'reader' AND wait_event = 'PgSleep'};

sub keep { my $days = shift; $node->safe_psql('postgres', "SELECT * FROM steward.manage_partitions('log', keep => '$days days')"); return; }

# Somebody reads the table in a transaction, until the test lets go.
sub reader {
    my $sql = shift;
    my $reader = session($node, 'reader', "BEGIN; $sql; SELECT pg_sleep(600)");
    wait_for($node, "EXISTS ($reading)", 'the reader');
    return $reader;
}

sub let_go {
    my $reader = shift;
    $node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reader'});
    finish($reader);
    wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'reader')}, 'the end of the reader');
    return;
}

sub maintain { return $node->safe_psql('postgres', 'SELECT action, outcome, detail FROM maintain_partitions()'); }

# In peace.
keep(7);
like(maintain(), qr/^detach\|done\|/, 'detaches');
is($node->safe_psql('postgres', q{SELECT sql ~ 'CONCURRENTLY' FROM steward.partition_history WHERE action = 'detach' ORDER BY history_id LIMIT 1}),
    't', 'concurrently');
my $left = $node->safe_psql('postgres', $detached);
cmp_ok($left, '>', 0, 'what left the table is in the trash');
is($node->safe_psql('postgres', 'SELECT count(*) FROM steward.trash WHERE drop_after > now() + interval \'6 days\''), $left,
    'and is dropped after its grace');
is($node->safe_psql('postgres', 'SELECT count(steward.restore_partition(partition::text)) FROM steward.trash'), $left, 'all come back');
is(fingerprint($node, 'log'), $rows, 'with the same rows');
is(maintain(), '', 'and are left alone for a while');
is($node->safe_psql('postgres', q{
    ALTER TABLE log DETACH PARTITION }
    . $node->safe_psql('postgres', q{SELECT partition FROM steward.partition_trash ORDER BY 1 LIMIT 1})
    . q{; UPDATE steward.partition_trash SET retired_at = now() - interval '1 year', held_until = now() - interval '1 day';
    SELECT steward.empty_trash()}), 0, 'one that was restored and is then detached by hand is never dropped');
$node->safe_psql('postgres', 'SELECT steward.restore_partition(partition::text) FROM steward.trash');
is(fingerprint($node, 'log'), $rows, 'the same rows');

# Held up.
keep(6);
$node->safe_psql('postgres', q{UPDATE steward.partition_trash SET held_until = now()});
my $reader = reader('SELECT count(*) FROM log');
my $pid = pid_of($node, q{application_name = 'reader'});
my $said = maintain();
like($said, qr/^detach\|postponed\|.*process $pid /, 'behind a reader it is postponed, and says who reads');
unlike($said, qr/failed/, 'and what comes after it does not fail for it');
is($node->safe_psql('postgres', $pending), 1, 'the detach has begun');
let_go($reader);

# A reader that holds a snapshot only, so that finalising waits in the background.
$reader = reader('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1');
like(maintain(), qr/^finalize detach\|postponed\|finalised in the background.*partition_history$/,
    'an interrupted one is finalised behind the caller, who would be in its way');
let_go($reader);
wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward')}, 'the background');
maintain();
wait_for($node, "($pending) = 0", 'the end of the detach');
wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward')}, 'the background');
is($node->safe_psql('postgres', q{SELECT outcome FROM steward.partition_history WHERE action = 'finalize detach' ORDER BY history_id DESC LIMIT 1}),
    'done', 'which the history tells');
is(maintain(), '', 'what came after it was done in the background too');
is($node->safe_psql('postgres', 'SELECT count(*) FROM steward.trash WHERE drop_after > now() + interval \'6 days\''), $left + 1,
    'all lie in the trash for their grace');
is($node->safe_psql('postgres', 'SELECT count(steward.restore_partition(partition::text)) FROM steward.trash'), $left + 1, 'all come back');
is(fingerprint($node, 'log'), $rows, 'with the same rows');

# Killed in phase two.
for my $victim ('worker', 'server') {
    $node->safe_psql('postgres', q{UPDATE steward.partition_trash SET held_until = now()});
    $reader = reader('SELECT count(*) FROM log');
    my $run = session($node, 'caller', q{SET steward.partition_lock_timeout = '5s'}, 'SELECT * FROM maintain_partitions()');
    wait_for($node, "($pending) = 1", 'phase two');
    my $worker = pid_of($node, q{backend_type = 'pg_steward'});
    if ($victim eq 'worker') { kill 'KILL', $worker; } else { $node->kill9; }
    finish($run);
    finish($reader);
    if ($victim eq 'server') {
        my $tries = 600;
        while (kill(0, $worker) && $tries-- > 0) { select undef, undef, undef, 0.1; }
        $node->start;
    }
    wait_for($node, 'true', 'the server to come back');
    is($node->safe_psql('postgres', $pending), 1, "kill -9 of the $victim leaves the detach half done");
    is($node->safe_psql('postgres', "SELECT count(*) FROM partition_info WHERE state = 'detaching'"), 1, 'which partition_info shows');
    like(maintain(), qr/^finalize detach\|postponed\|finalised in the background/, 'the next run goes on');
    wait_for($node, "($pending) = 0", 'the end of the detach');
    wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward')}, 'the background');
    is(maintain(), '', 'and completes it');
    is($node->safe_psql('postgres', $detached), $left + 1, 'all partitions are in the trash');
    is($node->safe_psql('postgres', 'SELECT count(steward.restore_partition(partition::text)) FROM steward.trash'), $left + 1, 'all come back');
    is(fingerprint($node, 'log'), $rows, 'with the same rows');
    whole($node, 'log');
}

# In a transaction of the caller it is finalised at once.
$node->safe_psql('postgres', q{UPDATE steward.partition_trash SET held_until = now()});
$reader = reader('SELECT count(*) FROM log');
maintain();
is($node->safe_psql('postgres', $pending), 1, 'again half done');
let_go($reader);
like($node->safe_psql('postgres', 'BEGIN; SELECT action, outcome FROM maintain_partitions(); COMMIT'),
    qr/^finalize detach\|done\n(detach\|done\n?)+$/, 'inside a transaction block all is done at once');
is($node->safe_psql('postgres', $pending), 0, 'nothing is left half done');
is($node->safe_psql('postgres', 'SELECT count(*) FROM steward.trash WHERE drop_after > now() + interval \'6 days\''), $left + 1,
    'all lie in the trash for their grace');

quiet_log($node, qr/reader FATAL|recovery mode|crash of another server process/);
$node->stop;
done_testing();
