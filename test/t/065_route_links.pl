# SPDX-License-Identifier: PostgreSQL
#
# Links that break without a word, in one direction or both, between servers that all run: whoever waits for one node hears of the
# others meanwhile, nobody is sent where it is not known to be right, and a clock that is wrong changes nothing.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use LinkProxy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use ScheduleTest;
use StewardTest;
use Test::More;

my $clock = clock_library() or plan skip_all => 'there is no g++ to build the clock with';
my $names = PostgreSQL::Test::Utils::tempdir() . '/slow_names.so';
system('g++', '-std=c++20', '-shared', '-fPIC', '-o', $names, dirname(__FILE__) . '/slow_names.cpp', '-ldl') == 0 or die;

my %node = (p => PostgreSQL::Test::Cluster->new('p'));
my $primary = $node{p};
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'max_worker_processes = 16', 'autovacuum = off',
    'steward.route_probe_interval = 200ms', 'steward.route_probe_timeout = 2s', 'wal_receiver_status_interval = 1', 'wal_keep_size = 256MB', 'max_connections = 50'));
{
    local $ENV{LD_PRELOAD} = $names;
    $primary->start;
}
$primary->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    SET password_encryption = 'scram-sha-256';
    CREATE ROLE watcher LOGIN PASSWORD 'right';
    GRANT pg_monitor TO watcher;
    CREATE TABLE beat (at timestamptz);
    -- How many answers of one node there are until something else is so.
    CREATE FUNCTION answers(of text, until text) RETURNS integer LANGUAGE plpgsql AS $$
    DECLARE
        seen timestamptz[] := '{}';
        found timestamptz;
        is_over boolean := false;
    BEGIN
        FOR i IN 1 .. 3000 LOOP
            SELECT last_contact INTO found FROM replication_status WHERE node_name = of AND state = 'up';
            IF found IS NOT NULL AND found <> ALL (seen) THEN seen := seen || found; END IF;
            EXECUTE 'SELECT ' || until INTO is_over;
            IF is_over THEN RETURN cardinality(seen); END IF;
            PERFORM pg_sleep(0.05);
        END LOOP;
        RETURN -1;
    END $$;
    -- All the nodes that 20 questions are answered with.
    CREATE FUNCTION sent_to(reads boolean, bound interval DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
        names text[] := '{}';
    BEGIN
        FOR i IN 1 .. 20 LOOP
            SELECT names || array_agg(node_name) INTO names FROM get_optimal_connection(reads, bound, max_rows => 10);
            PERFORM pg_sleep(0.01);
        END LOOP;
        RETURN (SELECT coalesce(string_agg(DISTINCT n, ' ' ORDER BY n), 'nobody') FROM unnest(names) n);
    END $$});

# Each node is asked through a link of its own, and one standby follows through another one.
my $stream = LinkProxy->new($primary);
$primary->backup('all');
for my $name ('a', 'b') {
    my $node = $node{$name} = PostgreSQL::Test::Cluster->new($name);
    $node->init_from_backup($primary, 'all', has_streaming => 1);
    $node->append_conf('postgresql.conf', 'primary_conninfo = ' . ($name eq 'a' ? "'host=127.0.0.1 port=" . $stream->port . "'" : "'host=" . $primary->host . ' port=' . $primary->port . "'"));
    if ($name eq 'a') { $node->start; next }
    # Its clock is minutes ahead, and who asks it needs a password.
    open(my $hba, '>', $node->data_dir . '/pg_hba.conf') or die $!;
    print $hba "local all watcher scram-sha-256\nlocal all all trust\n";
    close $hba;
    start_with_clock($node, $clock, time + 300);
}
my %link = map { $_ => LinkProxy->new($node{$_}) } keys %node;
my $passfile = $primary->basedir . '/passfile';
sub write_passfile {
    open(my $file, '>', $passfile) or die $!;
    print $file "*:*:*:watcher:$_[0]\n";
    close $file;
    chmod 0600, $passfile or die $!;
}
write_passfile('right');
sub ask_node { my ($name, $sql) = @_; return $node{$name}->safe_psql('postgres', $sql); }
ask_node(p => join ';', map { sprintf q{SELECT steward.register_node('%s', '127.0.0.1', %d, '{%s}')}, $_, $link{$_}->port,
    $_ eq 'b' ? qq{"user": "watcher", "passfile": "$passfile"} : '' } sort keys %link);
$primary->wait_for_catchup($_, 'replay', $primary->lsn('insert')) for 'a', 'b';
restart_probers(@node{qw(a b)});

sub is_down { return "EXISTS (SELECT FROM replication_status WHERE node_name = '$_[0]' AND state = 'down')"; }
sub is_well {
    my $what = shift;
    for my $name (sort keys %node) {
        wait_for($node{$name}, q{(SELECT count(*) = 3 FROM replication_status WHERE state = 'up') AND (SELECT bool_and(lag_bytes = 0 AND lag_kind = 'exact' AND lag_seconds = 0) FROM replica_lag_status)
            AND (SELECT node_name = 'p' FROM get_optimal_connection(false)) AND (SELECT count(*) = 3 FROM get_optimal_connection(true, '10 s', max_rows => 10))}, "$name to see that all is well");
    }
    return pass($what);
}
is_well('all links are up, and the clock that is ahead makes no lag');

# ---- Whoever waits for one hears the others ------------------------------------------------------------------------------

$link{a}->set('stall');
cmp_ok(ask_node(p => "SELECT answers('b', \$\$" . is_down('a') . '$$)'), '>', 5, 'while a node lets everybody in and says nothing, the others are asked as often as ever');
wait_for($node{b}, is_down('a'), 'the standby to lose it');
is(ask_node($_, 'SELECT sent_to(true)'), 'b p', "$_ sends nobody to it") for 'b', 'p';
is(ask_node(a => 'SELECT sent_to(false)'), 'p', 'itself hears all others, and knows where to write');
$link{a}->set('pass');
is_well('it is back');

$link{a}->set('half');
cmp_ok(ask_node(p => "SELECT answers('b', \$\$" . is_down('a') . '$$)'), '>', 5, 'neither does one delay them that is asked and whose answers are lost');
is(ask_node(p => 'SELECT sent_to(false), sent_to(true)'), 'p|b p', 'the primary still has two votes of three');
$link{a}->set('cut');
wait_for($primary, q{EXISTS (SELECT FROM replication_status WHERE node_name = 'a' AND state = 'down' AND detail LIKE '%refused%')}, 'the link to be cut');
$link{a}->set('pass');
is_well('answers that come too late do no harm');

my (undef, $answers) = split /\n/, ask_node(p => q{SELECT steward.register_node('slow', 'slow.test', 5432, '{"check": false}') IS NULL;
    SELECT answers('a', $$EXISTS (SELECT FROM replication_status WHERE node_name = 'slow' AND state = 'down' AND detail LIKE '%not translated%in time%')$$)});
cmp_ok($answers, '>', 5, 'nor does a name that is looked up for ever');
ask_node(p => q{SELECT steward.remove_node('slow')});
for my $name ('a', 'b') { wait_for($node{$name}, q{NOT EXISTS (SELECT FROM steward.nodes WHERE name = 'slow')}, 'the removal'); }

write_passfile('wrong');
ask_node(b => q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'watcher'});
cmp_ok(ask_node(p => q{SELECT answers('a', $$EXISTS (SELECT FROM replication_status WHERE node_name = 'b' AND state = 'down' AND verdict = 'critical' AND detail LIKE '%password authentication failed%')$$)}), '>', 0,
    'a wrong password is named');
write_passfile('right');
is_well('and a right one ends that');

# ---- Lag -------------------------------------------------------------------------------------------------------------------

# One standby gets nothing while all answer; the other one, by whose clock it is another time, replays nothing.
$stream->set('stall');
ask_node(b => 'SELECT pg_wal_replay_pause()');
my $behind = q{(SELECT bool_and(lag_kind = 'exact' AND lag_bytes > 0 AND lag_seconds BETWEEN 1.5 AND 150) AND count(*) = 2 FROM replica_lag_status)};
ask_node(p => 'INSERT INTO beat VALUES (clock_timestamp())');
for my $name (sort keys %node) {
    wait_for($node{$name}, $behind, "$name to see how far both are behind");
    is(ask_node($name, q{SELECT sent_to(true, '1 second')}), 'p', "$name sends nobody to what is older than the bound");
}
ScheduleTest::write_clock($node{b}, time - 600);
wait_for($node{b}, $behind, 'the same by a clock that has been set back');
$stream->set('pass');
ask_node(b => 'SELECT pg_wal_replay_resume()');
is_well('no lag is left of it');

# ---- A disk that is full ---------------------------------------------------------------------------------------------------

# Of a standby, within a namespace of its own: who may not make one does without.
SKIP: {
    my $full = PostgreSQL::Test::Cluster->new('c');
    $full->init_from_backup($primary, 'all', has_streaming => 1);
    my $wal = $full->data_dir . '/pg_wal';
    rename $wal, "$wal.full" or die $!;
    mkdir $wal, 0700 or die $!;
    my @start = ('unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=80m,mode=0700 none "$1" && cp -a "$1.full/." "$1" && shift && exec unshare --user "--map-user=$0" "$@"',
        $<, $wal, 'pg_ctl', '-s', '-w', '-D', $full->data_dir, '-l', $full->logfile, 'start');
    system("@start[0 .. 4] -c 'mount -t tmpfs none /mnt && unshare --user --map-user=$< true' > /dev/null 2>&1") == 0 or skip 'nobody may mount a disk here', 1;
    system(@start) == 0 or die 'it does not start';
    $full->_update_pid(1);
    ask_node(p => sprintf q{SELECT steward.register_node('c', '%s', %d)}, $full->host, $full->port);
    wait_for($primary, q{EXISTS (SELECT FROM get_optimal_connection(true, '2 s', max_rows => 10) WHERE node_name = 'c')}, 'one more standby');
    $full->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
    ask_node(p => q{CREATE TABLE filler AS SELECT repeat(md5(n::text), 50) AS t FROM generate_series(1, 60000) n});
    wait_for_log($full, 'No space left on device', 1);
    wait_for($primary, q{EXISTS (SELECT FROM replication_status s JOIN replica_lag_status l USING (node_name) WHERE node_name = 'c' AND s.state = 'up' AND s.verdict = 'warning' AND s.receiver_state IS NULL
        AND receive_lag_bytes > 0 AND lag_kind = 'exact' AND lag_seconds > 1.5)}, 'a standby that has no room for WAL');
    unlike(ask_node(p => q{SELECT sent_to(true, '1 second')}), qr/c/, 'nobody is sent to what is older than the bound for want of room');
    ask_node(p => q{SELECT steward.remove_node('c')});
    $full->stop('immediate');
    for my $name ('a', 'b') { wait_for($node{$name}, q{NOT EXISTS (SELECT FROM steward.nodes WHERE name = 'c') AND EXISTS (SELECT FROM pg_tables WHERE tablename = 'filler')}, 'the removal'); }
}

# ---- The primary ---------------------------------------------------------------------------------------------------------

# It is not seen, and sees: the others do not know what it does now, and it knows that they are standbys.
$link{p}->set('stall');
for my $name ('a', 'b') {
    wait_for($node{$name}, q{NOT EXISTS (SELECT FROM get_optimal_connection(false))}, "$name to be in doubt");
    is(ask_node($name, q{SELECT sent_to(false), (SELECT count(DISTINCT write_reason) FROM steward.connection_candidates WHERE for_writes)}), 'nobody|0', "$name sends nobody to write");
    wait_for($node{$name}, q{NOT EXISTS (SELECT FROM get_optimal_connection(true, '1 second'))}, "$name to have nobody for reads with a bound");
}
is(ask_node(p => 'SELECT sent_to(false)'), 'p', 'the primary sees that all others are standbys');
$link{p}->set('pass');
is_well('and it is back');

# Frozen, and another one is promoted: when it goes on it takes itself for the primary no more.
my @frozen = ($primary->{_pid}, split /\n/, ask_node(p => 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()'));
kill 'STOP', @frozen;
for my $name ('a', 'b') { wait_for($node{$name}, q{NOT EXISTS (SELECT FROM get_optimal_connection(false))}, "$name to be in doubt"); }
# Who promotes waits until what the old primary has heard is not the present any more.
sleep 2;
$node{a}->promote;
for my $name ('a', 'b') { wait_for($node{$name}, q{(SELECT node_name = 'a' FROM get_optimal_connection(false))}, "$name to see the new primary"); }
kill 'CONT', @frozen;
is(ask_node(p => 'SELECT sent_to(false)'), 'nobody', 'what was frozen does not send anybody to itself');
unlike(ask_node($_, 'SELECT sent_to(false)'), qr/p/, "$_ sends nobody back") for 'a', 'b';
wait_for($primary, q{(SELECT node_name = 'a' FROM get_optimal_connection(false)) IS NOT TRUE AND EXISTS (SELECT FROM steward.connection_candidates WHERE write_reason LIKE 'split brain%')}, 'it to know why');
is(ask_node(p => 'SELECT sent_to(false)'), 'nobody', 'nor later');
quiet_log($node{a}, qr/connection to client lost|canceling statement due to statement timeout|is lost: |terminating (?:walreceiver|background worker "pg_steward")|could not receive data from WAL stream/);
done_testing();
