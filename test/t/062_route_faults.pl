# SPDX-License-Identifier: PostgreSQL
#
# What happens to a cluster, and what each of its servers says of it: nodes lost and back, a standby promoted by hand while the
# primary lives.
use strict;
use warnings;
use File::Basename;
use IO::Socket::INET;
use POSIX ();
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'max_worker_processes = 16', 'autovacuum = off',
    'steward.route_probe_interval = 200ms', 'steward.route_probe_timeout = 3s', 'wal_receiver_status_interval = 1'));
$primary->start;
$primary->safe_psql('postgres', 'CREATE EXTENSION pg_steward');
$primary->backup('base');
my %node = (primary => $primary);
for my $name ('a', 'b') {
    $node{$name} = PostgreSQL::Test::Cluster->new($name);
    $node{$name}->init_from_backup($primary, 'base', has_streaming => 1);
    $node{$name}->start;
}
my ($first, $second) = @node{'a', 'b'};

# ---- Nodes from elsewhere ----------------------------------------------------------------------------------------------

# Patroni's REST interface, as far as it is asked; another one accepts connections and says nothing.
sub patroni {
    my ($identifier, @members) = @_;
    my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
    my $pid = fork() // die $!;
    return ($listener->sockport, $pid) if $pid != 0;
    local $SIG{TERM} = sub { POSIX::_exit(0) };
    while (my $client = $listener->accept) {
        my $asked = <$client> // next;
        while (<$client>) { last if /^\r?$/ }
        my $body = $asked =~ m{ /cluster } ? '{"scope": "main", "members": [' . join(', ', @members) . ']}' : qq{{"database_system_identifier": "$identifier", "role": "primary"}};
        print $client "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n$body";
        close $client;
    }
    POSIX::_exit(0);
}
my $identifier = $primary->safe_psql('postgres', 'SELECT system_identifier FROM pg_control_system()');
sub member { my ($name, $role) = @_; return sprintf '{"name": "%s", "role": "%s", "state": "running", "host": "%s", "port": %d, "lag": 0}', $name, $role, $node{$name}->host, $node{$name}->port; }
my ($port, $pid) = patroni($identifier, member('primary', 'leader'), member('a', 'replica'));
my ($other_port, $other_pid) = patroni('4711', member('primary', 'leader'));
my $import = "FROM steward.import_nodes('patroni', 'http://127.0.0.1:%d'";
is($primary->safe_psql('postgres', sprintf "SELECT action, node_name, detail $import)", $port), "register|a|replica, running\nregister|primary|leader, running", 'what Patroni knows is shown first');
is($primary->safe_psql('postgres', sprintf "SELECT count(*) $import, dry_run => false); SELECT count(*) FROM steward.nodes; SELECT string_agg(action, ' ') $import, dry_run => false)", $port, $port),
    "2\n2\nkeep keep", 'then registered, and once');
my (undef, undef, $said) = $primary->psql('postgres', sprintf "SELECT * $import)", $other_port);
like($said, qr/ERROR:  the patroni at that address keeps another cluster\nDETAIL:  Its system identifier is 4711/, 'nothing is taken from another cluster');
my $mute = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
(undef, undef, $said) = $primary->psql('postgres', sprintf "SELECT * $import)", $mute->sockport);
like($said, qr/ERROR:  could not ask patroni\nDETAIL:  It took longer than 6000 ms/, 'one that says nothing is given up');
(undef, undef, $said) = $primary->psql('postgres', sprintf "SET statement_timeout = '100ms'; SELECT * $import)", $mute->sockport);
like($said, qr/canceling statement due to statement timeout/, 'or before');
kill 'TERM', $pid, $other_pid;
waitpid($_, 0) for $pid, $other_pid;

# A standby has itself registered.
my $call = sprintf q{SELECT steward.register_standby('b', '%s', %d)}, $second->host, $second->port;
$primary->wait_for_catchup($second, 'replay', $primary->lsn('insert'));
$second->safe_psql('postgres', $call);
(undef, undef, $said) = $second->psql('postgres', $call);
like($said, qr/ERROR:  could not register "b" at the primary\nDETAIL:  node "b" is registered already/, 'what the primary says is told');
(undef, undef, $said) = $second->psql('postgres', q{SELECT steward.register_standby('b', 'h', 1, '{}', 'host=127.0.0.1 port=1 password=secret')});
like($said, qr/ERROR:  a password is not taken in a connection string/, 'a password is not taken');
$primary->wait_for_catchup($_, 'replay', $primary->lsn('insert')) for $first, $second;
restart_probers($first, $second);
wait_for($_, q{(SELECT count(*) = 3 AND bool_and(verdict = 'ok') FROM replication_status)}, $_->name . ' to know all') for values %node;
is($primary->safe_psql('postgres', q{SELECT count(*) FROM steward.topology_events}), '0', 'nothing has happened');

# ---- Before anything happens -------------------------------------------------------------------------------------------

my $readiness = q{SELECT string_agg("check" || ' ' || verdict, ', ') FROM steward.failover_readiness() WHERE "check" <> 'rewind'};
for my $asked ($primary, $second) {
    like($asked->safe_psql('postgres', $readiness), qr/^nodes ok, primary ok, candidate ok, loss ok, settings of "[ab]" ok, "[ab]" as a primary ok, synchronous_standby_names ok, slots ok, settings of "[ab]" ok$/,
        $asked->name . ' finds the cluster ready for a failover');
}
$primary->safe_psql('postgres', q{SELECT pg_create_physical_replication_slot('for_b')});
$first->safe_psql('postgres', q{ALTER SYSTEM SET synchronous_standby_names = 'gone'});
$first->reload;
wait_for($first, q{current_setting('synchronous_standby_names') = 'gone'}, 'the setting');
$second->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
wait_for($primary, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'b' AND is_replay_paused)}, 'a pause');
# Which of them has received more changes from moment to moment.
my ($candidate, $remedied) = split /\|/, $primary->safe_psql('postgres', q{
    WITH readiness AS MATERIALIZED (SELECT * FROM steward.failover_readiness())
    SELECT (SELECT substring(detail FROM '"(.)"') FROM readiness WHERE "check" = 'candidate'),
        string_agg("check" || ': ' || verdict, ', ' ORDER BY "check") FROM readiness WHERE remedy IS NOT NULL AND "check" NOT IN ('rewind', '"b" as a primary')});
is($remedied, ($candidate eq 'a' ? '"a" as a primary: critical, ' : '') . 'settings of "b": warning, slot "for_b": warning', 'and what would hurt is named');
$second->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
$first->safe_psql('postgres', q{ALTER SYSTEM RESET synchronous_standby_names});
$first->reload;
$primary->safe_psql('postgres', q{SELECT pg_drop_replication_slot('for_b')});
is($first->safe_psql('postgres', q{SELECT string_agg("check" || ' ' || verdict, ', ') FROM steward.setup_replication_check() WHERE "check" LIKE 'primary_%' OR "check" IN ('prober', 'wal_level', 'recovery_target_timeline')}),
    'wal_level ok, primary_conninfo ok, primary_slot_name warning, recovery_target_timeline ok, prober ok', 'a standby says what it follows');

# ---- What blocks replay, and what a slot has left ----------------------------------------------------------------------

$second->safe_psql('postgres', q{ALTER SYSTEM SET max_standby_streaming_delay = -1});
$second->reload;
$primary->safe_psql('postgres', q{CREATE TABLE seen AS SELECT generate_series(1, 1000) AS n; CREATE ROLE anybody; GRANT SELECT ON seen TO anybody});
$primary->wait_for_catchup($second, 'replay', $primary->lsn('insert'));
my $reader = session($second, 'reader', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM seen; SELECT pg_sleep(600)');
my $reader_pid = pid_of($second, q{application_name = 'reader' AND wait_event = 'PgSleep'});
$primary->safe_psql('postgres', q{DELETE FROM seen});
# Who looks meanwhile may still need the rows.
for (1 .. 100) {
    $primary->safe_psql('postgres', q{VACUUM seen});
    last if $primary->safe_psql('postgres', q{SELECT pg_relation_size('seen')}) == 0;
    select(undef, undef, undef, 0.1);
}
wait_for($_, qq{EXISTS (SELECT FROM replica_lag_status WHERE node_name = 'b' AND blocking_reason = 'snapshot' AND blocking_pid = $reader_pid AND blocking_seconds > 0
    AND blocking_query LIKE '%pg_sleep%' AND verdict = 'warning' AND detail LIKE 'replay waits for process $reader_pid (snapshot)%')}, 'the query that blocks replay') for $second, $primary;
pass('a query that blocks replay is named');
$second->safe_psql('postgres', "SELECT pg_terminate_backend($reader_pid)");
finish($reader);
wait_for($second, q{EXISTS (SELECT FROM replica_lag_status WHERE node_name = 'b' AND lag_bytes = 0 AND catch_up_seconds = 0 AND blocking_reason IS NULL AND verdict = 'ok')}, 'replay to go on');

# A slot that nobody uses, and less WAL kept for it than is written.
$primary->safe_psql('postgres', q{SELECT pg_create_physical_replication_slot('idle', true)});
wait_for($primary, q{EXISTS (SELECT FROM replication_status WHERE slot_name = 'idle' AND slot_hours_left > 0)}, 'the hours until the disk is full');
my $until_full = $primary->safe_psql('postgres', q{SELECT slot_hours_left FROM replication_status WHERE slot_name = 'idle'});
$primary->safe_psql('postgres', q{ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'});
$primary->reload;
wait_for($primary, q{current_setting('max_slot_wal_keep_size') = '16MB'}, 'the setting');
wait_for($primary, "EXISTS (SELECT FROM replication_status WHERE slot_name = 'idle' AND slot_hours_left < $until_full)", 'the hours it has left');
$primary->safe_psql('postgres', q{SELECT pg_logical_emit_message(false, 'x', 'x'); SELECT pg_switch_wal()}) for 1 .. 4;
$primary->safe_psql('postgres', 'CHECKPOINT');
wait_for($primary, q{EXISTS (SELECT FROM replication_status WHERE slot_name = 'idle' AND slot_wal_status = 'lost' AND verdict = 'critical')}, 'a slot that has lost WAL');
like($primary->safe_psql('postgres', q{SELECT detail FROM steward.failover_readiness() WHERE "check" = 'slot "idle"' AND verdict = 'critical'}), qr/has lost WAL/, 'a lost slot is critical');
$primary->safe_psql('postgres', q{SELECT pg_drop_replication_slot('idle')});
$primary->safe_psql('postgres', q{ALTER SYSTEM RESET max_slot_wal_keep_size});
$primary->reload;

# ---- Lost and back -----------------------------------------------------------------------------------------------------

$first->stop('immediate');
my $loss = q{FROM steward.topology_events WHERE node_name = 'a' AND event = 'loss'};
wait_for($_, "EXISTS (SELECT $loss AND seen_by = '" . $_->name . "')", $_->name . ' to see the loss') for $primary, $second;
is($second->safe_psql('postgres', "SELECT severity, timeline, lsn > '0/0', detail <> '', at > now() - interval '10 min' $loss AND seen_by = 'b'"),
    'warning|1|t|t|t', 'a standby shows at once what it has seen');
is($second->safe_psql('postgres', "SELECT string_agg((n ->> 'node') || ' ' || (n ->> 'role') || ' ' || (n ->> 'state'), ', ' ORDER BY n ->> 'node')
    FROM (SELECT jsonb_array_elements(known) AS n $loss AND seen_by = 'b') x"), 'a standby down, b standby up, primary primary up', 'and what was known');
wait_for($primary, q{EXISTS (SELECT FROM steward.topology_event_log WHERE event = 'loss' AND seen_by = 'primary')}, 'the primary to write it down');
is($primary->safe_psql('postgres', "SELECT count(*) $loss"), '1', 'and show it once');
$first->start;
wait_for($_, "EXISTS (SELECT FROM steward.topology_events WHERE node_name = 'a' AND event = 'return' AND severity = 'info' AND seen_by = '" . $_->name . "')", $_->name . ' to see its return')
    for $primary, $second;

# ---- Two primaries -----------------------------------------------------------------------------------------------------

wait_for($first, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'b' AND role = 'standby' AND state = 'up')}, 'a to know b');
$second->promote;
my $split = q{FROM steward.topology_events WHERE event = 'split_brain' AND severity = 'critical' AND node_name = 'primary' AND other_node = 'b' AND seen_by = };
wait_for($node{$_}, "(SELECT count(*) = 1 $split '$_')", "$_ to see two primaries") for sort keys %node;
pass('all servers see two primaries');
wait_for($node{$_}, "EXISTS (SELECT FROM steward.topology_event_log WHERE event = 'split_brain' AND seen_by = '$_')", "$_ to write it down") for 'primary', 'b';
is($second->safe_psql('postgres', q{SELECT string_agg(event || ' ' || node_name || ' ' || coalesce(previous_timeline || '>', '') || timeline, ', ' ORDER BY number)
    FROM steward.topology_event_log WHERE seen_by = 'b'}), 'loss a 1, return a 1, promotion b 1>2, split_brain primary 1',
    'a promoted server writes down what it saw before');
is($first->safe_psql('postgres', q{SELECT timeline, previous_timeline FROM steward.topology_events WHERE event = 'promotion' AND node_name = 'b' AND seen_by = 'a'}), '2|1',
    'a standby has seen the promotion');

# The old one dies, and comes back as what it was.
$primary->stop('immediate');
wait_for($second, q{EXISTS (SELECT FROM steward.topology_events WHERE event = 'loss' AND node_name = 'primary' AND severity = 'critical')}, 'the loss of a primary');
$primary->start;
wait_for($second, q{EXISTS (SELECT FROM steward.topology_events WHERE event = 'return' AND node_name = 'primary')}, 'its return');
wait_for($second, q{(SELECT count(*) = 2 FROM replication_status WHERE detail = 'more than one server of this cluster is a primary')}, 'two primaries again');
# It becomes a standby of the new one, as far as it goes.
$primary->stop;
$primary->append_conf('postgresql.conf', 'primary_conninfo = ' . "'" . $second->connstr . "'");
$primary->set_standby_mode;
$primary->start;
wait_for($second, q{EXISTS (SELECT FROM steward.topology_events WHERE event = 'split_brain_end' AND node_name = 'primary' AND other_node = 'b')}, 'the end of it');
is($second->safe_psql('postgres', q{SELECT count(*) FROM steward.topology_events WHERE event = 'split_brain'}), '1', 'one split brain is one event');
is($second->safe_psql('postgres', q{SELECT count(*) FROM steward.topology_events WHERE event = 'demotion' AND node_name = 'primary'}), '1', 'and the old primary a standby');

$_->stop for $first, $second, $primary;
quiet_log($_, 'is lost|could not|invalidating|cannot|error reading result of streaming command|canceling|another cluster|a password|is registered already|terminating|the database system|requested timeline|requested starting point|new timeline|connection to client lost|has already been removed') for values %node;
done_testing();
