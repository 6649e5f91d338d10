# SPDX-License-Identifier: PostgreSQL
#
# A fenced primary takes no commit when most others have lost sight of it or one of them has been promoted, neither of a session nor
# of a subscription; it still reads, and goes on by itself when they are back.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off',
    'steward.route_probe_interval = 200ms', 'steward.route_probe_timeout = 1s', 'steward.fence = on', 'steward.capture_slow_threshold = -1', 'max_prepared_transactions = 4', 'wal_retrieve_retry_interval = 200ms'));
$primary->start;

sub says {
    my ($sql, $node) = @_;
    my ($out, $err);
    ($node // $primary)->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err, on_error_stop => 1);
    return $out . $err;
}
sub until_says {
    my ($what, $expected, $sql, $node) = @_;
    my $said = '';
    for (1 .. 600) {
        $said = says($sql // 'INSERT INTO t VALUES (0)', $node);
        return pass($what) if $said =~ $expected;
        select(undef, undef, undef, 0.1);
    }
    return is($said, $expected, $what);
}
sub takes_commits { return until_says(shift, qr/^$/); }
sub takes_none { return until_says(shift, qr/25006: cannot commit: this server is fenced/); }

until_says('the extension is made once the prober has looked', qr/^$/, 'CREATE EXTENSION pg_steward');
is(says('CREATE TABLE t (a integer); SELECT count(*) FROM t'), '0', 'without nodes there is no fence');

# What its publisher prepares before the fence is committed in it.
my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $prepares = $publisher->safe_psql('postgres', q{CREATE TABLE u (a integer); CREATE PUBLICATION p FOR TABLE u; SELECT current_setting('server_version_num')::integer >= 150000}) eq 't';
$primary->safe_psql('postgres', 'CREATE TABLE u (a integer)');
$primary->safe_psql('postgres', sprintf(q{CREATE SUBSCRIPTION s CONNECTION '%s' PUBLICATION p%s}, $publisher->connstr('postgres') =~ s/'/''/gr, $prepares ? ' WITH (two_phase, disable_on_error)' : ''));
wait_for($primary, $prepares ? q{(SELECT subtwophasestate = 'e' FROM pg_subscription)} : q{(SELECT srsubstate = 'r' FROM pg_subscription_rel)}, 'the subscription to be ready');

my %standby;
for my $name ('first', 'second') {
    $primary->backup($name) if $name eq 'first';
    $standby{$name} = PostgreSQL::Test::Cluster->new($name);
    $standby{$name}->init_from_backup($primary, 'first', has_streaming => 1);
    $standby{$name}->start;
}
says(join ';', 'BEGIN', (map { sprintf(q{SELECT steward.register_node('%s', '%s', %d)}, $_->name, $_->host, $_->port) } $primary, values %standby), 'COMMIT');
wait_for($primary, q{(SELECT count(*) = 3 FROM replication_status WHERE state = 'up')}, 'all nodes');
takes_commits('with all nodes there it takes commits');

$standby{first}->stop('immediate');
wait_for($primary, q{(SELECT count(*) = 1 FROM replication_status WHERE state = 'down')}, 'a node to be down');
sleep 3;
until_says('and with two of three', qr/^$/, 'INSERT INTO t VALUES (1)');

is(says(q{BEGIN; INSERT INTO t VALUES (7); PREPARE TRANSACTION 'before'; BEGIN; INSERT INTO t VALUES (8); PREPARE TRANSACTION 'undone'}), '', 'also prepared ones');
my ($prepare, $commit) = $prepares ? (q{PREPARE TRANSACTION 'x'}, q{COMMIT PREPARED 'x'}) : ('ROLLBACK', 'INSERT INTO u VALUES (1)');
$publisher->safe_psql('postgres', "BEGIN; INSERT INTO u VALUES (1); $prepare");
wait_for($primary, q{(SELECT count(*) = 1 FROM pg_prepared_xacts WHERE gid LIKE 'pg\_gid%')}, 'what the publisher prepares') if $prepares;

$standby{second}->stop('immediate');
takes_none('alone it takes none');
like(says(q{COMMIT PREPARED 'before'}), qr/25006: cannot commit: this server is fenced\nDETAIL:  .*\nHINT:  The transaction stays prepared/, 'nor one that was prepared before');
is(says(q{ROLLBACK PREPARED 'undone'; SELECT gid FROM pg_prepared_xacts WHERE gid NOT LIKE 'pg\_gid%'}), 'before', 'which stays prepared, and can be rolled back');
my $refused = says('BEGIN; INSERT INTO t VALUES (2); COMMIT; SELECT 1');
like($refused, qr/25006: cannot commit: this server is fenced\nDETAIL:  For [0-9.]+ s no more than half of the nodes of steward\.nodes have answered it\.\nHINT:  The transaction is rolled back/, 'and says why');
is(says('SELECT count(*) FROM t WHERE a = 2'), '0', 'nothing of it is there');
like(says(q{BEGIN; INSERT INTO t VALUES (3); PREPARE TRANSACTION 'p'}), qr/25006/, 'nor does it prepare a transaction');
$publisher->safe_psql('postgres', $commit);
wait_for_log($primary, 'background worker "logical replication (apply )?worker" .* exited with exit code 1', 1);
is(says('BEGIN; SELECT count(*) FROM t WHERE a = 1; COMMIT; SELECT count(*) FROM u'), "1\n0", 'it reads, and what a publisher commits is not there');
is(logged($primary, '\\] ERROR:  cannot commit'), 0, 'its worker ends, with no error by which the subscription would be disabled');
ok(logged($primary, 'The transaction stays prepared, and the subscription tries again') >= 1, 'but stays prepared') if $prepares;

$primary->restart;
like(says('INSERT INTO t VALUES (4)'), qr/25006: cannot commit.*\nDETAIL:  No more than half of the nodes/s, 'a restart makes no difference');
$standby{first}->start;
takes_commits('with one of the others back it goes on');
until_says('so does what it subscribes to', qr/^1$/, 'SELECT count(*) FROM u');
wait_for($standby{first}, '(SELECT count(*) = 1 FROM u)', 'the standby to have it');

$standby{first}->promote;
takes_none('after the promotion of another it takes none');
$publisher->safe_psql('postgres', 'INSERT INTO u VALUES (2)');
$standby{second}->start;
sleep 2;
like(says('INSERT INTO t VALUES (5)'), qr/25006/, 'whoever else is still with it');
until_says('the new one does, by the votes of itself and of whoever sees it', qr/^$/, 'INSERT INTO t VALUES (6)', $standby{first});
until_says('also what it subscribes to', qr/^2$/, 'SELECT count(*) FROM u', $standby{first});
is(says('SELECT count(*) FROM u'), '1', 'which the old one has not taken');

$primary->append_conf('postgresql.conf', 'steward.fence = off');
$primary->reload;
takes_commits('without the fence it takes them again');
is(says(q{COMMIT PREPARED 'before'; SELECT count(*) FROM t WHERE a IN (7, 8)}), '1', 'and the one that stayed prepared');

# Standbys look for nodes each minute: one that is promoted meanwhile does so at once.
$standby{second}->stop;
says('DELETE FROM steward.nodes');
$primary->backup('fresh');
my $fresh = PostgreSQL::Test::Cluster->new('fresh');
$fresh->init_from_backup($primary, 'fresh', has_streaming => 1);
$fresh->append_conf('postgresql.conf', 'steward.fence = on');
$fresh->start;
wait_for($fresh, q{EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward prober' AND wait_event = 'Extension')}, 'its prober');
sleep 1;
says(sprintf q{SELECT steward.register_node('fresh', '%s', %d), steward.register_node('x', '127.0.0.1', 1, '{"check": false}'), steward.register_node('y', '127.0.0.1', 2, '{"check": false}')}, $fresh->host, $fresh->port);
$primary->wait_for_catchup($fresh, 'replay', $primary->lsn('insert'));
$fresh->promote;
is(scalar(grep { says('INSERT INTO t VALUES (9)', $fresh) !~ /25006/ } 1 .. 20), 0, 'promoted before it knew of nodes it takes no commit');
is($fresh->safe_psql('postgres', q{SELECT count(*) FROM replication_status WHERE node_name IN ('x', 'y')}), '2', 'and soon knows of them');
quiet_log($primary, qr/cannot commit: this server is fenced|already exists|replication slot "s" is active|replication origin with O?ID \d+ is already active|connection to client lost|canceling statement due to statement timeout|terminating logical replication worker/);
done_testing();
