# SPDX-License-Identifier: PostgreSQL
#
# Reading what one wrote: the position of a commit comes with the answer, also through a pooler, and a session of a standby waits
# for it without a snapshot in the way of replay.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;
use WireClient;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off', 'max_standby_streaming_delay = -1'));
$primary->start;
$primary->safe_psql('postgres', q{CREATE EXTENSION pg_steward; CREATE TABLE t (a integer PRIMARY KEY); CREATE TABLE garbage AS SELECT 1 AS a});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub sql { return $primary->safe_psql('postgres', shift); }
sub at { return $primary->lsn('insert'); }

# ---- The position of a commit --------------------------------------------------------------------------------------------

my $client = WireClient->connect_to($primary->host, $primary->port);
is($client->reported('steward.commit_lsn'), '0/0', 'before a commit there is none');
$client->query('INSERT INTO t VALUES (1)');
is($client->reported('steward.commit_lsn'), '0/0', 'nothing is told unless it is asked for');
$client->query('SET steward.report_commit_lsn = on');

sub is_reported {
    my ($what, @statements) = @_;
    my $before = at();
    my $error = join '', map { $client->query($_) } @statements;
    my $after = at();
    my $told = $client->reported('steward.commit_lsn');
    is(sql("SELECT '$told'::pg_lsn > '$before' AND '$told'::pg_lsn <= '$after'"), 't', "$what: $before < $told <= $after") or diag $error;
    return;
}
is_reported('a statement', 'INSERT INTO t VALUES (2)');
is_reported('a transaction', 'BEGIN', 'INSERT INTO t VALUES (3)', 'COMMIT');
is_reported('several statements at once', 'INSERT INTO t VALUES (4); INSERT INTO t VALUES (5)');
is_reported('a procedure that commits', 'DO $$BEGIN INSERT INTO t VALUES (6); COMMIT; END$$');
is_reported('a prepared transaction', 'BEGIN', 'INSERT INTO t VALUES (7)', q{PREPARE TRANSACTION 'p'}, q{COMMIT PREPARED 'p'});
is_reported('an asynchronous commit', 'SET synchronous_commit = off', 'INSERT INTO t VALUES (8)', 'RESET synchronous_commit');
is_reported('a statement after DISCARD ALL', 'DISCARD ALL', 'SET steward.report_commit_lsn = on', 'INSERT INTO t VALUES (9)');

$client->query('SELECT count(*) FROM t');
my $told = $client->{told};
$client->query($_) for 'SELECT count(*) FROM t', 'BEGIN', 'INSERT INTO t VALUES (10)', 'ROLLBACK', 'INSERT INTO t VALUES (1)';
is($client->{told}, $told, 'who only reads, rolls back or fails is told nothing');
like($client->query(q{SET steward.commit_lsn = 1}), qr/cannot be changed/, 'nobody sets it');
is(sql(q{INSERT INTO t VALUES (11); SHOW steward.commit_lsn}), '0/0', 'one session is not told of the commits of another');

# ---- Waiting for it --------------------------------------------------------------------------------------------------------

sub waits { my ($target, $timeout) = @_; my ($out, $err); $standby->psql('postgres', "\\set VERBOSITY verbose\nCALL steward.wait_for_lsn('$target', '$timeout'); SELECT max(a) FROM t",
    stdout => \$out, stderr => \$err, on_error_stop => 1); return "$out$err"; }
sql('ALTER ROLE postgres SET steward.report_commit_lsn = on');
for my $row (20 .. 24) {
    my $writer = $client->query("INSERT INTO t VALUES ($row)");
    is(waits($client->reported('steward.commit_lsn'), '60 s'), $row, "row $row is there after the wait");
}

$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
$client->query('INSERT INTO t VALUES (30)');
my $target = $client->reported('steward.commit_lsn');
like(waits($target, '50 ms'), qr/57014: \Q$target\E was not replayed within 0.05 s\nDETAIL:  Replay has reached [0-9A-F\/]+, \d+ bytes before it, and is paused\.\nHINT:  Read from the primary/,
    'a timeout says how far replay is');
my $waiting = session($standby, 'waiting', 'BEGIN', "CALL steward.wait_for_lsn('$target', '120 s')", 'SELECT max(a) FROM t');
wait_for($standby, q{EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'waiting' AND query LIKE 'CALL%' AND backend_xmin IS NULL)}, 'a session that waits without a snapshot');
my $stopped = session($standby, 'stopped', "CALL steward.wait_for_lsn('$target', '120 s')");
sub cancel { my ($node, $name) = @_; pid_of($node, "application_name = '$name' AND wait_event = 'Extension'"); return $node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = '$name'"); }
cancel($standby, 'stopped');
ok(!finish($stopped), 'a session that waits can be cancelled');

# What replay would have to wait for, were there a snapshot: the removal of a row that it could see.
sql('DELETE FROM garbage; VACUUM garbage');
my $vacuumed = at();
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
ok(finish($waiting), 'the wait ends');
is($waiting->{out}, "30\n", 'and the row is seen, in the same transaction');
is(waits($vacuumed, '60 s'), 30, 'replay went on meanwhile');

sub refused { my ($statements, $node) = @_; my $err; ($node // $standby)->psql('postgres', "\\set VERBOSITY verbose\n$statements", stderr => \$err, on_error_stop => 1); return $err; }
my ($high, $low) = map { hex } split m{/}, at();
my $far = sprintf '%X/%X', $high + 1, $low;
like(refused("CALL steward.wait_for_lsn('$far')", $primary), qr/55000: [0-9A-F\/]+ lies beyond the WAL of this server\nDETAIL:  This server is a primary/, 'a primary does not wait for what it has not written');
is(refused("CALL steward.wait_for_lsn('$target')", $primary), '', 'nor for what it has');
like(refused(qq{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; CALL steward.wait_for_lsn('$far', '1 s')}), qr/25001: cannot wait for replay while a snapshot is held/, 'who holds a snapshot does not wait');
like(refused(qq{DO \$\$BEGIN CALL steward.wait_for_lsn('$far', '1 s'); END\$\$}), qr/25001/, 'nor does a block of PL/pgSQL');
like(refused(qq{BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; FETCH c; CALL steward.wait_for_lsn('$far', '1 s')}), qr/25001/, 'nor one with an open cursor');
like(refused(q{CALL steward.wait_for_lsn('0/1', '-1 s')}), qr/22023: timeout must not be negative/, 'a negative timeout is refused');
like(refused(q{CALL steward.wait_for_lsn(NULL)}), qr/22004/, 'and no target');

# ---- Through a pooler -------------------------------------------------------------------------------------------------------

SKIP: {
    my ($pgbouncer) = grep { -x } '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer';
    skip 'PgBouncer is not installed', 3 unless $pgbouncer;
    my $dir = $primary->basedir;
    my $port = PostgreSQL::Test::Cluster::get_free_port();
    append_to_file("$dir/users", qq{"postgres" ""\n});
    append_to_file("$dir/pgbouncer.ini", join("\n", '[databases]', 'postgres = host=' . $primary->host . ' port=' . $primary->port . ' user=postgres',
        '[pgbouncer]', 'listen_addr = 127.0.0.1', "listen_port = $port", 'unix_socket_dir =', 'auth_type = trust', "auth_file = $dir/users", 'pool_mode = transaction',
        'default_pool_size = 1', "logfile = $dir/pgbouncer.log", "pidfile = $dir/pgbouncer.pid", 'ignore_startup_parameters = extra_float_digits', ''));
    system_or_bail($pgbouncer, '-d', '-q', "$dir/pgbouncer.ini");
    my ($one, $other) = map { WireClient->connect_to('127.0.0.1', $port) } 1 .. 2;
    my %position;
    for my $row (40 .. 43) {
        my $who = $row % 2 ? $one : $other;
        $who->query("INSERT INTO t VALUES ($row)");
        $position{$row} = $who->reported('steward.commit_lsn');
    }
    is(scalar(keys %{ { reverse %position } }), 4, 'each client of one server connection is told of each of its commits');
    is(sql("SELECT '$position{40}'::pg_lsn < '$position{41}' AND '$position{41}'::pg_lsn < '$position{42}' AND '$position{42}'::pg_lsn < '$position{43}'"), 't', 'as they followed each other');
    is(waits($position{43}, '60 s'), 43, 'and reads what it wrote');
    kill 'TERM', slurp_file("$dir/pgbouncer.pid") =~ /(\d+)/;
}

# ---- A promotion meanwhile --------------------------------------------------------------------------------------------------

$waiting = session($standby, 'waiting', "CALL steward.wait_for_lsn('$far', '120 s')");
pid_of($standby, q{application_name = 'waiting' AND wait_event = 'Extension'});
$primary->stop('immediate');
$standby->promote;
ok(!finish($waiting), 'who waits for what was lost is told at the promotion');
like($waiting->{err}, qr/lies beyond the WAL of this server\nDETAIL:  This server was promoted meanwhile/, 'and why');

# Version 13 warns at an immediate stop as at a crash.
quiet_log($primary, qr/duplicate key|cannot be changed|lies beyond|crash of another server process/);
quiet_log($standby, qr/was not replayed within|canceling statement|cannot wait for replay|must not be|lies beyond|could not receive data from WAL stream|could not connect to the primary|streaming replication|could not send|terminating walreceiver|crash of another server process/);
done_testing();
