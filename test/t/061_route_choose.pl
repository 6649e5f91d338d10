# SPDX-License-Identifier: PostgreSQL
#
# Where clients are sent, on a primary, two standbys and a cascaded one: to the primary for writes only while it is certain, to standbys
# within the bound for reads, and after a promotion never again to the old primary.
use strict;
use warnings;
use File::Basename;
use IPC::Run;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'max_worker_processes = 16', 'autovacuum = off',
    'steward.route_probe_interval = 200ms', 'steward.route_probe_timeout = 2s', 'wal_receiver_status_interval = 1', 'wal_keep_size = 256MB'));
$primary->start;
$primary->safe_psql('postgres', 'CREATE EXTENSION pg_steward; CREATE TABLE beat (at timestamptz)');
my %node = (primary => $primary);
for my $pair (['first', 'primary'], ['second', 'primary'], ['third', 'first']) {
    my ($name, $upstream) = @$pair;
    $node{$upstream}->backup("for_$name");
    $node{$name} = PostgreSQL::Test::Cluster->new($name);
    $node{$name}->init_from_backup($node{$upstream}, "for_$name", has_streaming => 1);
    $node{$name}->start;
}
my ($first, $second, $third) = @node{qw(first second third)};
$primary->safe_psql('postgres', join ';', map { sprintf q{SELECT steward.register_node('%s', '%s', %d)}, $_, $node{$_}->host, $node{$_}->port } sort keys %node);
$primary->wait_for_catchup($_, 'replay', $primary->lsn('insert')) for $first, $second;
$first->wait_for_catchup($third, 'replay', $primary->lsn('insert'));
restart_probers($first, $second, $third);

# ---- A cluster that is well ----------------------------------------------------------------------------------------------

for my $name (sort keys %node) {
    wait_for($node{$name}, q{(SELECT node_name = 'primary' AND role = 'primary' FROM get_optimal_connection(false))}, "$name to know the primary");
    wait_for($node{$name}, q{(SELECT count(*) = 4 AND count(*) FILTER (WHERE role = 'standby') = 3 FROM get_optimal_connection(true, '10 s', max_rows => 10))}, "$name to know the standbys");
}
is($third->safe_psql('postgres', q{SELECT (SELECT role FROM get_optimal_connection(true, '10 s')), (SELECT node_name FROM get_optimal_connection(true, strategy => 'primary_only')),
    (SELECT string_agg(n, ' ' ORDER BY n) FROM unnest(ARRAY[}
    . join(', ', (q{(SELECT node_name FROM get_optimal_connection(true, '10 s', strategy => 'round_robin'))}) x 3) . q{]) n)}),
    'standby|primary|first second third', 'a standby knows where to write and where to read');

# What it says is where one gets to, also when the first of many is not there any more.
my $uri = $second->safe_psql('postgres', q{SELECT multi_host_uri FROM get_optimal_connection(false)});
sub ask {
    my ($sql, $place) = @_;
    my ($out, $err);
    IPC::Run::run([ 'psql', '-XAtq', '-d', $place, '-c', $sql ], '<', \undef, '>', \$out, '2>', \$err) or die $err;
    chomp $out;
    return $out;
}
is(ask('SELECT pg_is_in_recovery()', $uri), 'f', 'the URI leads to the primary');
(my $turned = $uri) =~ s{//([^,]+),(.*)/postgres}{//$2,$1/postgres};
is(ask('SELECT pg_is_in_recovery()', $turned), 'f', 'from wherever it begins');
is(ask('SELECT pg_is_in_recovery()', $second->safe_psql('postgres', q{SELECT connection_string FROM get_optimal_connection(true, '10 s')})), 't', 'and the keywords to a standby');

# ---- Bounds --------------------------------------------------------------------------------------------------------------

# While a writer commits its clock, what is read on the server that is offered is never older than the bound.
$second->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
my $writer = session($primary, 'writer', q{DO 'BEGIN FOR i IN 1 .. 100000 LOOP INSERT INTO beat VALUES (clock_timestamp()); COMMIT; PERFORM pg_sleep(0.01); END LOOP; END'});
wait_for($third, q{EXISTS (SELECT FROM steward.node_candidates('1 s') WHERE node_name = 'second' AND NOT for_reads AND most_stale_seconds > 3)}, 'one that is too far behind');
is($third->safe_psql('postgres', q{SELECT for_reads FROM steward.connection_candidates WHERE node_name = 'second'}), 't', 'which will do for reads of any age');
my $too_old = 0;
my %taken;
for my $i (1 .. 15) {
    my $asked = ($primary, $first, $third)[$i % 3];
    my ($before, $name) = split /\|/, $asked->safe_psql('postgres', q{SELECT statement_timestamp(), node_name FROM get_optimal_connection(true, '1500 ms')});
    my $shown = $node{$name}->safe_psql('postgres', q{SELECT coalesce(max(at), '-infinity') FROM beat});
    # All that was committed so long before the question must be there: else what it lacked was too old.
    $too_old += $primary->safe_psql('postgres', "SELECT count(*) FROM beat WHERE at > '$shown' AND at < '$before'::timestamptz - interval '1500 ms'") > 0;
    ++$taken{$name};
}
is($too_old, 0, 'nothing that was read was older than the bound');
is($taken{second}, undef, 'the one whose replay is paused was not offered');
my $lsn = $primary->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
is($primary->safe_psql('postgres', qq{SELECT count(*) FROM get_optimal_connection(true, min_lsn => '$lsn', max_rows => 10) WHERE node_name = 'second'}), '0', 'nor for a position it has not replayed');
wait_for($primary, qq{EXISTS (SELECT FROM get_optimal_connection(true, min_lsn => '$lsn', max_rows => 10) WHERE role = 'standby')}, 'a standby that has replayed it');
$primary->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'writer'});
finish($writer);
$second->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
$primary->wait_for_catchup($_, 'replay', $primary->lsn('insert')) for $first, $second;
$first->wait_for_catchup($third, 'replay', $primary->lsn('insert'));

# ---- A promotion ---------------------------------------------------------------------------------------------------------

# Each survivor writes down what it answers, until it answers with the new one and a second more.
my $watch = q{DO $$ DECLARE new timestamptz; answer text; BEGIN
    LOOP
        SELECT coalesce((SELECT node_name FROM get_optimal_connection(false)), 'nobody') INTO answer;
        RAISE WARNING 'answer: %', answer;
        IF answer = 'first' THEN new := coalesce(new, clock_timestamp()); END IF;
        EXIT WHEN clock_timestamp() > new + interval '1 s';
        PERFORM pg_sleep(0.02);
    END LOOP; END $$};
my %watching = map { $_ => session($node{$_}, 'watching', $watch) } qw(first second third);
pid_of($node{$_}, q{application_name = 'watching'}) for sort keys %watching;
my $epoch = $second->safe_psql('postgres', 'SELECT topology_epoch FROM get_optimal_connection(false)');
$primary->stop('immediate');
$first->promote;
for my $name (sort keys %watching) {
    finish($watching{$name});
    my $answers = join ' ', $watching{$name}{err} =~ /answer: (\w+)/g;
    like($answers, qr/^(primary )*(nobody )*(first ?)+$/, "$name never answers with the old primary after the new one, and with nobody between");
}
is($second->safe_psql('postgres', qq{SELECT node_name, timeline, topology_epoch > $epoch FROM get_optimal_connection(false)}), 'first|2|t', 'the new primary, of another epoch');
wait_for($first, q{(SELECT string_agg(node_name, ' ' ORDER BY node_name) = 'first third' FROM get_optimal_connection(true, '10 s', max_rows => 10))}, 'the standby that follows to be taken for reads');
is($first->safe_psql('postgres', q{SELECT read_reason FROM steward.connection_candidates WHERE node_name = 'second'}), 'it is on timeline 1, the cluster on 2', 'and not the one that does not');

# The old primary comes back as if nothing had happened: none is certain, neither for others nor for itself.
$primary->start;
for my $name (qw(primary second)) {
    wait_for($node{$name}, q{NOT EXISTS (SELECT FROM get_optimal_connection(false)) AND EXISTS (SELECT FROM steward.connection_candidates WHERE write_reason LIKE 'split brain: "first" and "primary" %')}, "$name to see a split brain");
}
pass('two primaries are none');
$primary->stop;
wait_for($second, q{(SELECT node_name = 'first' FROM get_optimal_connection(false))}, 'the one that is left');

$third->stop;
$second->stop;
$first->stop;
my $expected = 'answer: |is lost|could not|terminating|the database system|because of crash|unexpected EOF|connection to client lost|canceling statement due to statement timeout';
quiet_log($_, $expected) for $primary, $first, $second, $third;
done_testing();
