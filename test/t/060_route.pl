# SPDX-License-Identifier: PostgreSQL
#
# The cluster as each of its servers sees it: a primary, two standbys and a cascaded one. Lag in seconds is that of the rows a
# standby does not show yet; a node that is frozen, killed, silent or not to be had delays what is known of the others by nothing.
use strict;
use warnings;
use File::Basename;
use IO::Socket::INET;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my @settings = ("shared_preload_libraries = 'pg_steward'", 'max_worker_processes = 16', 'autovacuum = off',
    'steward.route_probe_interval = 200ms', 'steward.route_probe_timeout = 1s', 'wal_receiver_status_interval = 1');
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', join("\n", @settings));
$primary->start;
$primary->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE TABLE beat (at timestamptz);
    SELECT pg_create_physical_replication_slot('first');
    SET password_encryption = 'scram-sha-256';
    CREATE ROLE watcher LOGIN PASSWORD 'right';
    GRANT pg_monitor TO watcher});
sub sql { return $primary->safe_psql('postgres', shift); }

is(sql(q{SELECT node_name, role, state, verdict FROM replication_status WHERE role = 'primary'}), 'primary|primary|up|ok', 'without nodes there is this server');
is(sql(q{SELECT verdict, detail FROM replication_status WHERE slot_name = 'first'}), 'warning|nobody uses slot "first", which keeps WAL', 'and a slot that keeps WAL for nobody');
is(sql(q{SELECT count(*) FROM replica_lag_status}), '0', 'and nobody behind it');

my %standby;
sub standby_of {
    my ($upstream, $name, %more) = @_;
    $upstream->backup("for_$name");
    my $node = $standby{$name} = PostgreSQL::Test::Cluster->new($name);
    $node->init_from_backup($upstream, "for_$name", has_streaming => 1);
    $node->append_conf('postgresql.conf', join("\n", "primary_slot_name = '" . ($more{slot} // '') . "'"));
    $node->start;
    return $node;
}
my $first = standby_of($primary, 'first', slot => 'first');
my $second = standby_of($primary, 'second');
my $third = standby_of($first, 'third');
# Asked by TCP, under a name, as a role that may do no more than it must, with a password.
$third->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'");
open(my $hba, '>', $third->data_dir . '/pg_hba.conf') or die $!;
print $hba "local all all trust\nlocal replication all trust\nhost all watcher 127.0.0.1/32 scram-sha-256\n";
close $hba;
$third->restart;
my $passfile = $primary->basedir . '/passfile';
sub write_passfile {
    my $password = shift;
    open(my $file, '>', $passfile) or die $!;
    print $file "*:*:*:watcher:$password\n";
    close $file;
    chmod 0600, $passfile or die $!;
}

# ---- Before anything is registered -------------------------------------------------------------------------------------

is(sql(q{SELECT string_agg(node_name || ' ' || sync_state || ' ' || coalesce(slot_wal_status, '-'), ', ' ORDER BY node_name) FROM replication_status WHERE role = 'standby'}),
    'first async reserved, second async -', 'a primary shows the standbys that stream from it');
wait_for($primary, q{(SELECT count(*) FROM replica_lag_status WHERE lag_bytes = 0) = 2}, 'standbys that have caught up');
wait_for($third, q{EXISTS (SELECT FROM replication_status WHERE receiver_state = 'streaming')}, 'the restarted one to stream');
like($third->safe_psql('postgres', q{SELECT role, upstream, receiver_state, is_replay_paused FROM replication_status}),
    qr{^standby\|.*:\d+\|streaming\|f$}, 'a standby shows itself');

# ---- Nodes -------------------------------------------------------------------------------------------------------------

my %node = (primary => $primary, %standby);
sql(sprintf q{SELECT steward.register_node('%s', '%s', %d)}, $_, $node{$_}->host, $node{$_}->port) for qw(primary first second);
my $third_call = sprintf q{SELECT steward.register_node('third', 'localhost', %d, '{"user": "watcher", "passfile": "%s"}')}, $third->port, $passfile;
write_passfile('wrong');
my (undef, undef, $said) = $primary->psql('postgres', $third_call);
like($said, qr/could not ask node "third" at localhost:\d+\nDETAIL:  .*password authentication failed/, 'a wrong password is told');
write_passfile('right');
sql($third_call);
is(sql('SELECT count(*) FROM steward.nodes'), '4', 'nodes are asked, and registered');
(undef, undef, $said) = $second->psql('postgres', q{SELECT steward.register_node('x', 'localhost', 1)});
like($said, qr/cannot register nodes during recovery\nHINT:  Do so on the primary/, 'not on a standby');

$primary->wait_for_catchup($_, 'replay', $primary->lsn('insert')) for $first, $second;
$first->wait_for_catchup($third, 'replay', $primary->lsn('insert'));
restart_probers(values %standby);
for my $name (sort keys %node) {
    wait_for($node{$name}, q{(SELECT string_agg(node_name || ' ' || role || ' ' || state || ' ' || verdict, ', ' ORDER BY node_name) =
        'first standby up ok, primary primary up ok, second standby up ok, third standby up ok' FROM replication_status)}, "$name to know all");
    wait_for($node{$name}, q{(SELECT bool_and(lag_bytes = 0 AND lag_seconds = 0 AND lag_kind = 'exact') AND count(*) = 3 FROM replica_lag_status)}, "$name to see that nobody is behind");
}
pass('each server knows all of them');
is(sql(q{SELECT count(DISTINCT timeline) FROM replication_status}), '1', 'of one timeline');
is($third->safe_psql('postgres', q{SELECT upstream FROM replication_status WHERE node_name = 'third'}), $first->host . ':' . $first->port, 'the cascaded one streams from a standby');
is($second->safe_psql('postgres', q{SELECT upstream FROM replication_status WHERE node_name = 'third'}), $first->host . ':' . $first->port, 'which others know as well');
is(sql(q{SELECT slot_name, slot_wal_status, sync_state FROM replication_status WHERE node_name = 'first'}), 'first|reserved|async', 'the slot a standby uses');

# ---- Lag ---------------------------------------------------------------------------------------------------------------

# What a standby misses of the rows that the primary commits, by the primary's clock: the truth that its lag is measured by.
sub beat { sql(q{INSERT INTO beat VALUES (clock_timestamp())}); }
sub missing_seconds {
    my $node = shift;
    my $shown = $node->safe_psql('postgres', q{SELECT coalesce(max(at), '-infinity') FROM beat});
    return sql(qq{SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0) FROM beat WHERE at > '$shown'});
}
beat();
sql(q{SELECT pg_switch_wal()});
for my $name (qw(first second third)) {
    wait_for($node{$name}, "EXISTS (SELECT FROM replica_lag_status WHERE node_name = '$name' AND lag_bytes = 0)", "$name to have caught up");
}
pass('all catch up');

$_->safe_psql('postgres', 'SELECT pg_wal_replay_pause()') for $first, $third;
wait_for($_, q{pg_is_wal_replay_paused()}, 'a pause') for $first, $third;
my $writer = session($primary, 'writer', q{DO 'BEGIN FOR i IN 1 .. 100000 LOOP INSERT INTO beat VALUES (clock_timestamp()); COMMIT; PERFORM pg_sleep(0.02); END LOOP; END'});
for my $asked ($primary, $second, $first, $third) {
    for my $behind ('first', 'third') {
        wait_for($asked, "EXISTS (SELECT FROM replica_lag_status WHERE node_name = '$behind' AND lag_seconds > 2 AND lag_bytes > 0 AND status = 'behind')", $asked->name . " to see $behind behind");
        # The truth before and after stands on either side of what is said, but for the intervals of sampling and asking; on a
        # machine that stood still meanwhile, the next time.
        my $is_true = 0;
        for (1 .. 20) {
            my $before = missing_seconds($node{$behind});
            my $lag = $asked->safe_psql('postgres', "SELECT lag_seconds FROM replica_lag_status WHERE node_name = '$behind'");
            my $after = missing_seconds($node{$behind});
            last if $is_true = $lag > $before - 0.5 && $lag < $after + 0.5;
            select(undef, undef, undef, 0.1);
        }
        ok($is_true, $asked->name . " knows by how many seconds $behind is behind");
    }
}
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'writer'});
finish($writer);
is(sql(q{SELECT string_agg(node_name || ': ' || detail, ', ' ORDER BY node_name) FROM replication_status WHERE verdict = 'warning'}),
    'first: replay is paused: pg_wal_replay_resume() ends that, third: replay is paused: pg_wal_replay_resume() ends that', 'the pause is named');
# As soon as they have been asked once more.
wait_for($primary, q{EXISTS (SELECT FROM replica_lag_status WHERE node_name = 'first' AND receive_lag_bytes = 0 AND replay_lag_bytes > 0)}, 'what is received to be told from what is replayed');
wait_for($primary, q{EXISTS (SELECT FROM replica_lag_status WHERE node_name = 'second' AND lag_bytes = 0)}, 'the other one not to be behind');
pass('what is received is told from what is replayed');
$_->safe_psql('postgres', 'SELECT pg_wal_replay_resume()') for $first, $third;
for my $asked (values %node) {
    wait_for($asked, q{(SELECT bool_and(lag_bytes = 0 AND lag_seconds = 0 AND lag_kind = 'exact') FROM replica_lag_status)}, 'nobody to be behind any more');
}
pass('no lag is left when replay has gone on, with an idle primary');

# ---- Nodes that do not answer ------------------------------------------------------------------------------------------

# One that accepts connections and says nothing, one that is not there, and a name that does not exist.
my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
my $gone = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
my $gone_port = $gone->sockport;
close $gone;
(undef, undef, $said) = $primary->psql('postgres', sprintf q{SELECT steward.register_node('silent', '127.0.0.1', %d)}, $silent->sockport);
like($said, qr/could not ask node "silent" at 127\.0\.0\.1:\d+\nDETAIL:  It took longer than 1000 ms\.\nHINT:  Mend that, or register it without a look/, 'a node that says nothing is not registered');
(undef, undef, $said) = $primary->psql('postgres', qq{SELECT steward.register_node('gone', '127.0.0.1', $gone_port)});
like($said, qr/could not ask node "gone".*\nDETAIL:  .*Connection refused/, 'nor one that is not there');
(undef, undef, $said) = $primary->psql('postgres', q{SELECT steward.register_node('nameless', 'no-such-host.invalid', 5432)});
like($said, qr/could not ask node "nameless".*\nDETAIL:  (could not translate its host name|It took longer)/, 'nor one whose name nobody knows');
my $check = q{'{"check": false}'};
sql(sprintf q{SELECT steward.register_node('silent', '127.0.0.1', %d, %s), steward.register_node('gone', '127.0.0.1', %d, %s),
    steward.register_node('nameless', 'no-such-host.invalid', 5432, %s)}, $silent->sockport, $check, $gone_port, $check, $check);
wait_for($primary, q{(SELECT count(*) = 3 FROM replication_status WHERE state = 'down' AND verdict = 'critical' AND node_name IN ('silent', 'gone', 'nameless'))}, 'nodes that are down');
like(sql(q{SELECT detail FROM replication_status WHERE node_name = 'silent'}), qr/in time$/, 'a node that accepts and says nothing is down');
like(sql(q{SELECT detail FROM replication_status WHERE node_name = 'gone'}), qr/Connection refused/, 'one that is not there is');

# The others are asked all the same: no answer of theirs is ever old while three others are waited for.
is(sql(q{SELECT count(*) FROM replication_status WHERE state = 'up' AND node_name IN ('first', 'second', 'third', 'primary')}), '4', 'the others are up');

# Frozen, with its postmaster and all, while the primary writes.
sub processes_of {
    my $root = shift;
    my %parent;
    for my $dir (glob '/proc/[0-9]*') {
        open(my $stat, '<', "$dir/stat") or next;
        my $line = <$stat> // next;
        $parent{$1} = $2 if $line =~ /^(\d+) \(.*\) \S (\d+)/s;
    }
    return ($root, grep { ($parent{$_} // 0) == $root } keys %parent);
}
my @frozen = processes_of($second->{_pid});
kill 'STOP', @frozen;
beat();
wait_for($primary, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'second' AND state = 'down')}, 'the frozen one to be lost');
wait_for($primary, q{EXISTS (SELECT FROM replica_lag_status WHERE node_name = 'second' AND lag_kind = 'upper_bound' AND lag_seconds > 1 AND lag_bytes > 0)}, 'its lag to grow');
wait_for($third, q{EXISTS (SELECT FROM replica_lag_status WHERE node_name = 'second' AND lag_kind = 'upper_bound' AND lag_seconds > 1 AND lag_bytes > 0)}, 'and on a standby');
wait_for($primary, q{EXISTS (SELECT FROM replica_lag_status WHERE node_name = 'third' AND lag_kind = 'exact' AND lag_seconds = 0)}, 'the others to be known exactly');
kill 'CONT', @frozen;
wait_for($primary, q{EXISTS (SELECT FROM replica_lag_status l JOIN replication_status r USING (node_name) WHERE node_name = 'second' AND lag_kind = 'exact' AND lag_bytes = 0 AND state = 'up')}, 'the thawed one');
pass('a frozen node is lost, its lag is bounded, and it comes back');

# Killed.
$second->stop('immediate');
wait_for($primary, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'second' AND state = 'down')}, 'the stopped one to be lost');
$second->start;
wait_for($primary, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'second' AND state = 'up')}, 'the started one');
kill 'KILL', processes_of($second->{_pid});
$second->{_pid} = undef;
wait_for($primary, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'second' AND state = 'down')}, 'the killed one to be lost');
wait_for($third, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'second' AND state = 'down')}, 'by all');
pass('a killed node is lost');

# ---- The primary goes --------------------------------------------------------------------------------------------------

# What a standby knows of its lag is then a bound that grows, though all that was received is replayed.
$primary->stop('immediate');
wait_for($first, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'primary' AND state = 'down')}, 'the primary to be lost');
wait_for($first, q{EXISTS (SELECT FROM replica_lag_status WHERE node_name = 'first' AND lag_kind = 'upper_bound' AND lag_seconds > 3)}, 'a lag that is only bounded');
pass('without a primary lag is a bound that grows');
$first->promote;
wait_for($first, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'first' AND role = 'primary' AND timeline = 2)}, 'the promoted one to see itself');
wait_for($third, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'first' AND role = 'primary' AND timeline = 2)}, 'others to see the new primary');
wait_for($third, q{EXISTS (SELECT FROM replica_lag_status WHERE node_name = 'third' AND lag_kind = 'exact' AND lag_bytes = 0)}, 'the lag behind the new primary');
$first->safe_psql('postgres', q{SELECT steward.remove_node(name) FROM steward.nodes WHERE name IN ('silent', 'gone', 'nameless')});
wait_for($first, q{(SELECT count(*) FROM replication_status) = 4}, 'removed nodes to be forgotten');

# The old primary comes back as if nothing had happened.
$primary->start;
wait_for($first, q{(SELECT count(*) = 2 FROM replication_status WHERE role = 'primary' AND verdict = 'critical' AND detail = 'more than one server of this cluster is a primary')}, 'two primaries to be seen');
pass('two primaries are seen');
$primary->stop;

$third->stop;
$first->stop;
my $expected = 'is lost|could not|terminating|the database system|because of crash|unexpected EOF|connection to client lost|canceling statement due to statement timeout';
quiet_log($third, "$expected|password authentication failed");
quiet_log($first, $expected);
quiet_log($primary, "$expected|cannot register|password authentication failed");
done_testing();
