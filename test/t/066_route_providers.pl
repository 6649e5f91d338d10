# SPDX-License-Identifier: PostgreSQL
#
# Nodes taken over from the tools themselves, not from what the other tests make in their shape: a cluster that Patroni keeps with etcd,
# one that repmgr knows, and one of pg_auto_failover with its monitor. Each is skipped where the tool is not installed.
use strict;
use warnings;
use File::Basename;
use IPC::Run;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

# Servers that others have started, for whose base backups a checkpoint does not take its time.
my %hurried = (fsync => 'off', checkpoint_completion_target => 0, 'steward.route_probe_interval' => '200ms');

package Foreign {
    sub connstr {
        my ($self, $database) = @_;
        return "host=127.0.0.1 port=$self->{port} user=" . ($self->{user} // 'postgres') . ' dbname=' . ($self->{database} // $database);
    }
}

sub psql_at {
    my ($place, $sql) = @_;
    my ($out, $err);
    IPC::Run::run([ 'psql', '-XAtq', '-d', $place->connstr('postgres'), '-c', $sql ], '<', \undef, '>', \$out, '2>', \$err) or die $err;
    chomp $out;
    return $out;
}

sub found {
    my $program = shift;
    my ($place) = grep { -x } map { "$_/$program" } split(/:/, $ENV{PATH}), '/usr/sbin';
    return $place;
}
chomp(my $bindir = `pg_config --bindir`);
$bindir = $1 if `which postgres` =~ m{^(.*)/postgres$}m;
chomp(my $libdir = `$bindir/pg_config --pkglibdir`);

my @running;
END { local $?; $_->signal('TERM') for @running; $_->finish for @running; }

sub begin {
    my ($log, @command) = @_;
    push @running, IPC::Run::start(\@command, '<', '/dev/null', '>', "$log.out", '2>', "$log.err");
    return;
}

# ---- pg_auto_failover, which takes its time to begin -----------------------------------------------------------------------

my $keepers = found('pg_autoctl') && -e "$libdir/pgautofailover.so" ? PostgreSQL::Test::Utils::tempdir_short() : undef;

my @autoctl = $keepers ? ('env', '-u', 'PGDATABASE', map({ "$_=$keepers" } qw(HOME XDG_RUNTIME_DIR PGHOST PG_REGRESS_SOCK_DIR)), 'pg_autoctl') : ();

sub autoctl {
    my ($kind, $name, $port, @options) = @_;
    begin("$keepers/$name.log", @autoctl, 'create', $kind, '--run', '--no-ssl', '--auth', 'trust',
        '--hostname', '127.0.0.1', '--pgdata', "$keepers/$name", '--pgport', $port, @options);
    return;
}

sub kept {
    my ($name, $monitor) = @_;
    my $self = bless { port => PostgreSQL::Test::Cluster::get_free_port() }, 'Foreign';
    autoctl('postgres', $name, $self->{port}, '--name', $name, '--username', 'postgres', '--listen', '127.0.0.1',
        '--monitor', "postgres://autoctl_node\@127.0.0.1:$monitor->{port}/pg_auto_failover");
    return $self;
}

my $monitor = bless { port => PostgreSQL::Test::Cluster::get_free_port(), user => 'autoctl_node', database => 'pg_auto_failover' }, 'Foreign';
autoctl('monitor', 'monitor', $monitor->{port}) if $keepers;

# ---- Patroni ---------------------------------------------------------------------------------------------------------------

sub patroni {
    my ($dir, $name, $etcd, $port, $rest) = @_;
    open(my $file, '>', "$dir/$name.yml") or die $!;
    print $file <<"YAML";
scope: steward
name: $name
restapi: {listen: '127.0.0.1:$rest', connect_address: '127.0.0.1:$rest'}
etcd3: {host: '127.0.0.1:$etcd'}
bootstrap:
  dcs: {ttl: 30, loop_wait: 1, retry_timeout: 10}
  initdb: [{encoding: UTF8}, {locale: C}, {auth: trust}]
postgresql:
  listen: 127.0.0.1:$port
  connect_address: 127.0.0.1:$port
  bin_dir: $bindir
  data_dir: $dir/$name
  custom_conf: $ENV{TEMP_CONFIG}
  pgpass: $dir/$name.pgpass
  pg_hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust', 'local all all trust']
  authentication: {superuser: {username: postgres}, replication: {username: postgres}}
  parameters: {shared_preload_libraries: pg_steward, unix_socket_directories: '$dir', @{[ join ', ', map { "$_: '$hurried{$_}'" } keys %hurried ]}}
YAML
    close $file;
    begin("$dir/$name.log", 'patroni', "$dir/$name.yml");
    return bless { port => $port, rest => $rest }, 'Foreign';
}

SKIP: {
    skip 'Patroni or etcd is not installed', 1 unless found('patroni') && found('etcd');
    my $dir = PostgreSQL::Test::Utils::tempdir_short();
    my ($etcd, $peer, @ports) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 6;
    begin("$dir/etcd", 'etcd', '--data-dir', "$dir/etcd", '--listen-client-urls', "http://127.0.0.1:$etcd", '--advertise-client-urls', "http://127.0.0.1:$etcd",
        '--listen-peer-urls', "http://127.0.0.1:$peer", '--initial-advertise-peer-urls', "http://127.0.0.1:$peer", '--initial-cluster', "default=http://127.0.0.1:$peer");
    my $one = patroni($dir, 'one', $etcd, @ports[0, 1]);
    wait_for($one, 'NOT pg_is_in_recovery()', 'Patroni to make a primary');
    my $two = patroni($dir, 'two', $etcd, @ports[2, 3]);
    my $import = "steward.import_nodes('patroni', 'http://127.0.0.1:%d'";
    psql_at($one, 'CREATE EXTENSION pg_steward');
    wait_for($one, sprintf(q{(SELECT count(*) = 2 AND bool_and(detail IN ('leader, running', 'replica, running', 'replica, streaming')) FROM } . $import . '))', $two->{rest}), 'both members');
    is(psql_at($one, sprintf("SELECT action, node_name, host, port, split_part(detail, ',', 1) FROM $import, dry_run => false)", $one->{rest})),
        "register|one|127.0.0.1|$ports[0]|leader\nregister|two|127.0.0.1|$ports[2]|replica", 'the members of a Patroni are registered');
    wait_for($one, q{(SELECT string_agg(node_name || ' ' || role || ' ' || state, ', ' ORDER BY node_name) = 'one primary up, two standby up' FROM replication_status)}, 'both to answer');
    is(psql_at($one, sprintf("SELECT string_agg(action, ' ') FROM $import)", $two->{rest})), 'keep keep', 'and kept, whichever member is asked');
}

# ---- repmgr ----------------------------------------------------------------------------------------------------------------

SKIP: {
    skip 'repmgr is not installed', 1 unless -x "$bindir/repmgr";
    my $primary = PostgreSQL::Test::Cluster->new('primary');
    $primary->init(allows_streaming => 1);
    $primary->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_steward'\nwal_log_hints = on");
    $primary->start;
    $primary->safe_psql('postgres', 'CREATE EXTENSION pg_steward');
    $primary->backup('base');
    my $standby = PostgreSQL::Test::Cluster->new('standby');
    $standby->init_from_backup($primary, 'base', has_streaming => 1);
    $standby->start;
    my $id = 0;
    for my $node ($primary, $standby) {
        my $file = $node->basedir . '/repmgr.conf';
        open(my $out, '>', $file) or die $!;
        printf $out "node_id = %d\nnode_name = '%s'\nconninfo = '%s'\ndata_directory = '%s'\npg_bindir = '%s'\n",
            ++$id, $node->name, 'user=' . getpwuid($<) . ' ' . ($node->connstr('postgres') =~ tr/'//dr), $node->data_dir, $bindir;
        close $out;
        my @call = ("$bindir/repmgr", '-f', $file, $node == $primary ? 'primary' : 'standby', 'register', '--force');
        my ($told, $error);
        IPC::Run::run(\@call, '>', \$told, '2>', \$error) or die "@call: $told$error";
        $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
    }
    is($primary->safe_psql('postgres', q{SELECT action, node_name, detail FROM steward.import_nodes('repmgr', dry_run => false)}),
        "register|primary|primary\nregister|standby|standby", 'the nodes of repmgr are registered');
    wait_for($primary, q{(SELECT string_agg(node_name || ' ' || role || ' ' || state, ', ' ORDER BY node_name) = 'primary primary up, standby standby up' FROM replication_status)}, 'both to answer');
    is($primary->safe_psql('postgres', q{SELECT string_agg(action, ' ') FROM steward.import_nodes('repmgr')}), 'keep keep', 'and kept');
}

# ---- pg_auto_failover, begun above -----------------------------------------------------------------------------------------

SKIP: {
    skip 'pg_auto_failover is not installed', 1 unless $keepers;
    # A data directory that is there is taken over as it is.
    PostgreSQL::Test::Utils::system_or_bail('initdb', '-D', "$keepers/left", '-A', 'trust', '-U', 'postgres', '--no-sync', '--locale=C');
    append_to_file("$keepers/left/postgresql.conf", slurp_file($ENV{TEMP_CONFIG})
        . join("\n", "shared_preload_libraries = 'pg_steward, pg_stat_statements'", 'shared_buffers = 32MB', map({ "$_ = $hurried{$_}" } keys %hurried), ''));
    my $known = "(SELECT string_agg(nodename || ' ' || reportedstate, ', ' ORDER BY nodename) FROM pgautofailover.node WHERE reportedstate = goalstate) = '%s'";
    wait_for($monitor, 'true', 'the monitor');
    my $left = kept('left', $monitor);
    wait_for($monitor, sprintf($known, 'left single'), 'the first node');
    my $right = kept('right', $monitor);
    psql_at($left, 'CREATE EXTENSION pg_steward');
    wait_for($monitor, sprintf($known, 'left primary, right secondary'), 'the second node');
    my $import = sprintf(q{steward.import_nodes('pg_auto_failover', '%s', '{"user": "postgres"}'}, $monitor->connstr);
    my $rows = sub { my $first = shift; return join("\n", map { join('|', @$first, $_->[0], '127.0.0.1', $_->[1]->{port}, $_->[2]) } [ 'left', $left, 'primary' ], [ 'right', $right, 'secondary' ]) };
    is(psql_at($left, "SELECT * FROM $import)"), $rows->(['register']), 'of the nodes of pg_auto_failover it is said what would be done');
    is(psql_at($left, "SELECT (SELECT count(*) FROM steward.nodes), * FROM $import, dry_run => false)"), $rows->([ 0, 'register' ]), 'and then it is');
    my $up = q{(SELECT string_agg(node_name || ' ' || role || ' ' || state, ', ' ORDER BY node_name) = '%s' FROM replication_status)};
    wait_for($left, sprintf($up, 'left primary up, right standby up'), 'both to answer');
    is(psql_at($left, "SELECT * FROM $import, dry_run => false)"), $rows->(['keep']), 'once');

    my $log;
    IPC::Run::run([ @autoctl, 'perform', 'promotion', '--pgdata', "$keepers/right" ], '<', \undef, '>&', \$log) or die $log;
    # Its prober has looked for nodes before there were any, and looks again when a minute is over or something happens.
    psql_at($right, 'SELECT pg_reload_conf()');
    wait_for($right, sprintf($up, 'left standby up, right primary up'), 'both to answer in their new roles');
    is(psql_at($right, "SELECT action, node_name, host, port FROM $import, dry_run => false)"), "keep|left|127.0.0.1|$left->{port}\nkeep|right|127.0.0.1|$right->{port}", 'and kept after a promotion');
}
done_testing();
