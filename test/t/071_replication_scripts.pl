# SPDX-License-Identifier: PostgreSQL
#
# deploy/replication builds a primary, two standbys and a cascaded one, has commits wait for them, fails over, and brings the old
# primary back; what is run twice changes nothing, and what is refused has touched nothing.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $scripts = dirname(__FILE__) . '/../../deploy/replication';
my $password = 'se:c\\ret';
my $passfile = PostgreSQL::Test::Utils::tempdir() . '/passfile';
append_to_file($passfile, "# of nobody else\n*:*:*:other:wrong\n*:*:*:replicator:se\\:c\\\\ret\n");
chmod 0600, $passfile;
my %node = map { $_ => PostgreSQL::Test::Cluster->new($_) } qw(a b c d);
my $said = '';

# A script at a server: its exit status, and all it says.
sub at {
    my ($node, $script, @arguments) = @_;
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGPASSFILE => $passfile);
    my $out = '';
    IPC::Run::run([ "$scripts/$script.sh", @arguments ], '<', \undef, '>', \$out, '2>&1');
    $said .= $out;
    return ($? >> 8, $out);
}
sub does {
    my ($promise, $wanted, @call) = @_;
    my ($status, $out) = at(@call);
    is($status, 0, "$promise: exit status") or diag($out);
    like($out, $wanted, $promise);
}
# What a script may change: configuration, and what there is in a directory and among the slots.
sub state_of {
    return join '; ', map {
        my $node = $_;
        my $data = $node->data_dir;
        (map { "$_ " . (stat $_)[9] . ' ' . (-f $_ && unpack('%32C*', slurp_file($_))) } sort glob "$data/*.conf* $data/*.signal $data/PG_VERSION $data/pg_replslot/*");
    } @_;
}
sub refused {
    my ($promise, $status, $wanted, @call) = @_;
    my $before = state_of(grep { -d $_->data_dir } values %node);
    my ($got, $out) = at(@call);
    is($got, $status, "$promise: exit status");
    like($out, $wanted, $promise);
    is(state_of(grep { -d $_->data_dir } values %node), $before, "$promise: nothing is touched");
}
sub from { return ('--host', '127.0.0.1', '--port', $_[0]->port) }
sub into { return ('--data', $_[0]->data_dir, '--name', $_[0]->name) }

# ---- A primary ---------------------------------------------------------------------------------------------------------

my $a = $node{a};
$a->init;
$a->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'\nlog_statement = all\nwal_keep_size = 64MB\ncheckpoint_timeout = 1d\nshared_preload_libraries = 'pg_steward'");
$a->start;
$a->safe_psql('postgres', 'CREATE EXTENSION pg_steward; CREATE ROLE nobody LOGIN; CREATE TABLE t (what text)');
my @standbys = map { ('--standby', "$_=127.0.0.1") } qw(b c);

does("the help of $_", qr/^Usage: $_\.sh/, $a, $_, '--help') for qw(primary standby synchronous promote follow rejoin);
refused('a standby without an address', 2, qr/--standby needs NAME=ADDRESS/, $a, 'primary', '--standby', 'b');
refused('a name with a quote', 2, qr/is not a name of lower-case letters/, $a, 'primary', '--standby', "b'=127.0.0.1");
{
    local $ENV{PGUSER} = 'nobody';
    refused('no superuser', 3, qr/role "nobody" is not a superuser/, $a, 'primary', @standbys);
}
refused('no passfile', 3, qr/no passfile .*nowhere/, $a, 'primary', @standbys, '--passfile', "$passfile.nowhere");
chmod 0640, $passfile;
refused('a passfile that others can read', 3, qr/can be read by others\nchmod 0600/, $a, 'primary', @standbys);
chmod 0600, $passfile;
refused('an address that the server does not take', 1, qr/is as it was: the server says line 2/, $a, 'primary', '--standby', 'b=999.1.1.1');
refused('a dry run', 0, qr/install_hba.*ALTER SYSTEM SET wal_level = 'replica'.*CREATE ROLE replicator LOGIN REPLICATION.*\+host replication,postgres replicator 127\.0\.0\.1\/32 scram-sha-256 # b\n/s,
    $a, 'primary', @standbys, '--dry-run');

my ($status, $out) = at($a, 'primary', @standbys);
is($status, 5, 'a primary is set up, and waits for a restart') or diag($out);
like($out, qr/waiting for a restart of the server: wal_level, max_wal_senders/, 'it says for what');
refused('before that again', 5, qr/nothing to do\n(?:.*\n)*waiting for a restart/, $a, 'primary', @standbys);
$a->restart;
does('after the restart there are slots', qr/pg_create_physical_replication_slot\('b'\)/, $a, 'primary', @standbys);
refused('a primary once more', 0, qr/^nothing to do/, $a, 'primary', @standbys);
like(slurp_file($a->data_dir . '/pg_hba.conf'), qr/^# BEGIN standbys.*\n(?:host .*\n){2}# END standbys\n# PostgreSQL/, 'lines of pg_hba.conf come first, the others stay');

# ---- Standbys ----------------------------------------------------------------------------------------------------------

my $wrong = "$passfile.wrong";
append_to_file($wrong, "*:*:*:replicator:guess\n");
chmod 0600, $wrong;
my ($b, $c, $d) = @node{qw(b c d)};
refused('a wrong password', 3, qr/password authentication failed.*cannot connect to 127\.0\.0\.1/s, $a, 'standby', into($b), from($a), '--passfile', $wrong);
refused('a primary that is not there', 3, qr/cannot connect to 127\.0\.0\.1, port/, $a, 'standby', into($b), from($d));
refused('a directory in use', 4, qr/a server uses .*\(process \d+\)/, $a, 'standby', '--data', $a->data_dir, '--name', 'b', from($a));
mkdir $_->data_dir, 0700 for $b;
append_to_file($b->data_dir . '/precious.conf', 'mine');
refused('a directory that is not empty', 4, qr/is not empty/, $a, 'standby', into($b), from($a));
unlink $b->data_dir . '/precious.conf';

sub build {
    my ($standby, $source) = @_;
    my $name = $standby->name;
    does("standby $name", qr/^done: /m, $a, 'standby', into($standby), from($source));
    $standby->append_conf('postgresql.conf', 'port = ' . $standby->port);
    $standby->start;
    refused("standby $name once more", 0, qr/^nothing to do: .* is a standby of .*, and its server runs/, $a, 'standby', into($standby), from($source));
}
# Ended while the server makes a checkpoint for the backup.
rmdir $b->data_dir or die $!;
my $checkpointer = pid_of($a, q{backend_type = 'checkpointer'});
kill 'STOP', $checkpointer;
{
    local %ENV = (%ENV, PGPASSFILE => $passfile);
    my $run = IPC::Run::start([ "$scripts/standby.sh", into($b), from($a) ], '<', \undef, '>', \my $out, '2>&1');
    wait_for($a, q{EXISTS (SELECT FROM pg_stat_progress_basebackup WHERE phase ~ 'checkpoint')}, 'a base backup');
    ok(-d $b->data_dir, 'it has begun');
    $run->signal('TERM');
    $run->finish;
    is($run->result, 143, 'a signal ends it');
    ok(!-e $b->data_dir, 'and it leaves nothing');
}
kill 'CONT', $checkpointer;
wait_for($a, 'NOT EXISTS (SELECT FROM pg_stat_replication)', 'its end');

refused('a dry run of a standby', 0, qr/pg_basebackup -d .* -R -X stream/, $a, 'standby', into($b), from($a), '--dry-run');
build($b, $a);
build($c, $a);
does('a standby is set up for a cascaded one', qr/pg_create_physical_replication_slot\('d'\)/, $b, 'primary', '--standby', 'd=127.0.0.1');
build($d, $b);
wait_for($b, q{(SELECT active FROM pg_replication_slots WHERE slot_name = 'd')}, 'the cascaded standby to stream');
refused('a standby follows none that follows it', 4, qr/follows this one, by slot "d"/, $b, 'follow', '--name', 'b', from($d));

# ---- Synchronous -------------------------------------------------------------------------------------------------------

wait_for($a, q{(SELECT count(*) = 2 FROM pg_stat_replication WHERE state = 'streaming' AND application_name IN ('b', 'c'))}, 'both to stream');
refused('more than are connected', 4, qr/2 of the standbys are wanted, and 1 are connected/, $a, 'synchronous', '--any', 2, 'b', 'd');
refused('more than are named', 2, qr/2 of 1 standbys cannot be/, $a, 'synchronous', '--any', 2, 'b');
refused('of a standby', 4, qr/it is a standby/, $b, 'synchronous', '--off');
does('a quorum', qr/ANY 1 \(b, c\)/, $a, 'synchronous', '--any', 1, 'b', 'c');
wait_for($a, q{(SELECT count(*) = 2 FROM pg_stat_replication WHERE sync_state = 'quorum')}, 'all to see it');
pass('is in force');
refused('a quorum once more', 0, qr/^nothing to do/, $a, 'synchronous', '--any', 1, 'b', 'c');
does('priority', qr/FIRST 2 \(c, b\)/, $a, 'synchronous', '--first', 2, 'c', 'b');
is($a->safe_psql('postgres', q{INSERT INTO t VALUES ('kept'); SELECT DISTINCT sync_state FROM pg_stat_replication}), 'sync', 'is in force, too');
does('neither', qr/synchronous_standby_names = ''/, $a, 'synchronous', '--off');

# ---- A failover --------------------------------------------------------------------------------------------------------

# One that does not receive what the other has, and knows that.
$a->safe_psql('postgres', sprintf q{SELECT steward.register_node('%s', '%s', %d)}, $_->name, $_->host, $_->port) for $b, $d;
wait_for($d, q{(SELECT count(*) = 2 FROM steward.nodes)}, 'the nodes');
restart_probers($d);
my $receiver = pid_of($d, q{backend_type = 'walreceiver'});
kill 'STOP', $receiver;
$a->safe_psql('postgres', q{SELECT pg_switch_wal()});
wait_for($d, q{EXISTS (SELECT FROM steward.node_status() WHERE node_name = 'b' AND state = 'up' AND flush_lsn > pg_last_wal_receive_lsn())}, 'what the other one has');
refused('a promotion of one that has less', 4, qr/and is a standby itself.*others have received more: b up to/s, $d, 'promote', '--although-primary-answers');
kill 'CONT', $receiver;
$a->safe_psql('postgres', q{SELECT steward.remove_node(name) FROM steward.nodes});

refused('a promotion beside the primary', 4, qr/the server it follows answers, and has written \d+ bytes more/, $b, 'promote');
wait_for($d, q{EXISTS (SELECT FROM t)}, 'the cascaded standby');
$b->stop;
$a->safe_psql('postgres', q{INSERT INTO t VALUES ('more')});
wait_for($c, q{EXISTS (SELECT FROM t WHERE what = 'more')}, 'what the one to be promoted has not');
$c->stop;
$a->safe_psql('postgres', q{INSERT INTO t SELECT 'lost' FROM generate_series(1, 10000)});
$a->stop('immediate');
$_->start for $b, $c;
does('a promotion, a dry run', qr/does not answer.*pg_promote/s, $b, 'promote', '--dry-run');
does('a promotion', qr/^done: it is the primary, on timeline 2$/m, $b, 'promote');
refused('a promotion once more', 0, qr/^nothing to do: it is a primary$/, $b, 'promote');
does('the new primary is set up', qr/slot\('a'\)/, $b, 'primary', map { ('--standby', "$_=127.0.0.1") } qw(a c d));

refused('a primary follows nobody', 4, qr/it is a primary/, $b, 'follow', '--name', 'b', from($d));
# It has written more since, but not what the other has.
$b->safe_psql('postgres', q{INSERT INTO t SELECT 'new' FROM generate_series(1, 10000)});
refused('one that has received more does not follow it', 4, qr/it has received WAL of timeline 1 up to \S+, and 127\.0\.0\.1, port \d+ has left that at /, $c, 'follow', '--name', 'c', from($b));
$c->stop;
does('but comes back', qr/^done: /m, $b, 'rejoin', into($c), from($b));
$c->start;
does('a standby follows a cascaded one', qr/ALTER SYSTEM SET primary_conninfo/, $c, 'follow', '--name', 'c', from($d));
does('and the primary again', qr/ALTER SYSTEM SET primary_conninfo/, $c, 'follow', '--name', 'c', from($b));
refused('once more', 0, qr/^nothing to do/, $c, 'follow', '--name', 'c', from($b));

refused('a running server is not rewound', 4, qr/a server uses/, $b, 'rejoin', '--data', $c->data_dir, '--name', 'a', from($b));
refused('nor one from a standby', 4, qr/is a standby\nName the new primary/, $b, 'rejoin', into($a), from($d));
refused('a rejoin, a dry run', 0, qr/postgres --single.*pg_rewind .* --dry-run.*pg_rewind/s, $b, 'rejoin', into($a), from($b), '--dry-run');
does('the old primary is rewound', qr/^done: /m, $b, 'rejoin', into($a), from($b));
$a->start;
refused('once more', 0, qr/^nothing to do: /, $b, 'rejoin', into($a), from($b));

$b->safe_psql('postgres', q{INSERT INTO t VALUES ('new')});
for my $standby ($a, $c, $d) {
    wait_for($standby, q{EXISTS (SELECT FROM t WHERE what = 'new')}, 'the row of the new primary at ' . $standby->name);
    is($standby->safe_psql('postgres', q{SELECT string_agg(DISTINCT what, ' ' ORDER BY what) FROM t}), 'kept new', $standby->name . ' has what the new primary has');
}
is($b->safe_psql('postgres', q{SELECT string_agg(slot_name || ' ' || active, ', ' ORDER BY slot_name) FROM pg_replication_slots}), 'a true, c true, d true',
    'each by its slot');

$_->stop for $a, $c, $d, $b;
unlike($said . join('', map { slurp_file($_->logfile) } values %node), qr/\Q$password\E|se\\:c/, 'the password is in no output and no log');
quiet_log($_, 'password authentication failed|terminating|unexpected EOF|connection to client lost|could not|not a superuser|replication terminated|immediate shutdown|aborting backup') for values %node;
done_testing();
