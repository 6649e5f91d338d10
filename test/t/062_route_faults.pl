# SPDX-License-Identifier: PostgreSQL
#
# What happens to a cluster, and what each of its servers says of it: nodes lost and back, a standby promoted by hand while the
# primary lives.
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
$primary->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'max_worker_processes = 16', 'autovacuum = off',
    'steward.route_probe_interval = 200ms', 'steward.route_probe_timeout = 1s', 'wal_receiver_status_interval = 1'));
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
$primary->safe_psql('postgres', join('; ', map { sprintf q{SELECT steward.register_node('%s', '%s', %d)}, $_, $node{$_}->host, $node{$_}->port } sort keys %node));
# Standbys look for what nobody tells them once a minute; a prober that begins looks at once.
$primary->wait_for_catchup($_, 'replay', $primary->lsn('insert')) for $first, $second;
$_->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_steward prober'}) for $first, $second;
wait_for($_, q{(SELECT count(*) = 3 AND bool_and(verdict = 'ok') FROM replication_status)}, $_->name . ' to know all') for values %node;
is($primary->safe_psql('postgres', q{SELECT count(*) FROM steward.topology_events}), '0', 'nothing has happened');

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
wait_for($_, q{EXISTS (SELECT FROM steward.topology_events WHERE node_name = 'a' AND event = 'return' AND severity = 'info')}, 'its return') for $primary, $second;

# ---- Two primaries -----------------------------------------------------------------------------------------------------

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
quiet_log($_, 'is lost|could not|terminating|the database system|requested timeline|new timeline|connection to client lost') for values %node;
done_testing();
