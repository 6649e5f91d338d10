# SPDX-License-Identifier: PostgreSQL
#
# deploy/install.sh sets a fresh server up from an environment file, changes nothing the second time, and refuses what is wrong in
# the file by its name.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $deploy = dirname(__FILE__) . '/../../deploy';
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
without_library($node);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_prewarm'\nlisten_addresses = '127.0.0.1'\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{CREATE DATABASE shop; CREATE ROLE nobody LOGIN});
sub sql { return $node->safe_psql('shop', shift); }

my $directory = PostgreSQL::Test::Utils::tempdir();
mkdir "$directory/backups" or die $!;
append_to_file("$directory/passfile", "*:*:*:replicator:hush\n");
chmod 0600, "$directory/passfile";
my $good = join "\n", '# of the application too', 'NODE_ENV=production', 'export DATABASE_URL=postgresql://app:hush@localhost:' . $node->port . '/shop?sslmode=disable',
    'DB_MAX_CONNECTIONS=20', 'DB_SLOW_QUERY_THRESHOLD=250', q{DB_MAINTENANCE_SCHEDULE="30 3 * * *"}, q{DB_TIMEZONE='Europe/Berlin'}, 'DB_PROFILE=desktop',
    'DB_BACKUP_ENABLED=true', "DB_BACKUP_DIRECTORY=$directory/backups", 'DB_STANDBYS=b=127.0.0.1', "DB_REPLICATION_PASSFILE=$directory/passfile",
    "DB_PARTITIONING=$deploy/partitioning/setup-partitioning.sql", '';
my $said = '';
# With more lines, which count more: its exit status and all it says.
sub install {
    my ($lines, @arguments) = @_;
    local %ENV = (%ENV, PGHOST => $node->host);
    unlink "$directory/env";
    append_to_file("$directory/env", "$good$lines\n");
    my $out = '';
    IPC::Run::run([ "$deploy/install.sh", '--env', "$directory/env", @arguments ], '<', \undef, '>', \$out, '2>&1');
    $said .= $out;
    return ($? >> 8, $out);
}
sub state_of {
    my $data = $node->data_dir;
    return join ' ', (map { "$_ " . (stat $_)[9] . ' ' . unpack('%32C*', slurp_file($_)) } sort glob "$data/*.conf*"), sort(glob("$data/pg_replslot/*")),
        sql(q{SELECT string_agg(extname, ' ' ORDER BY extname), (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace), (SELECT string_agg(setconfig::text, ' ') FROM pg_db_role_setting),
            (SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles) FROM pg_extension});
}

# ---- Refused -----------------------------------------------------------------------------------------------------------

my $before = state_of();
for ([ 'DB_MAX_CONNECTIONS=lots', qr/: DB_MAX_CONNECTIONS has to be a number of connections, from 1 to 10000/ ], [ 'DB_IDLE_TIMEOUT=-1', qr/: DB_IDLE_TIMEOUT has to be/ ],
    [ 'DB_CONNECTION_TIMEOUT=0', qr/: DB_CONNECTION_TIMEOUT has to be/ ], [ 'DB_SLOW_QUERY_THRESHOLD=1s', qr/: DB_SLOW_QUERY_THRESHOLD has to be/ ],
    [ 'DB_ENABLE_QUERY_LOGGING=maybe', qr/: DB_ENABLE_QUERY_LOGGING has to be true or false/ ], [ 'DB_PROFILE=fast', qr/: DB_PROFILE has to be web, / ],
    [ 'DATABASE_URL=mysql://app:hush@localhost/shop', qr/: DATABASE_URL has to be postgresql:/ ], [ 'DATABASE_REPLICA_URL=replica', qr/: DATABASE_REPLICA_URL has to be/ ],
    [ 'DB_STANDBYS=b', qr/: DB_STANDBYS has to be/ ], [ 'DB_PARTITIONING=/nowhere', qr/: DB_PARTITIONING names no file/ ],
    [ 'DB_BACKUP_DIRECTORY=/nowhere', qr/: DB_BACKUP_ENABLED is true, and DB_BACKUP_DIRECTORY names no directory/ ], [ 'DB_MAX_CONECTIONS=1', qr/: DB_MAX_CONECTIONS \(.* line 14\) is no variable/ ],
    [ 'DB_RESTART_COMMAND=pg_ctl restart', qr/: DB_RESTART_COMMAND \(.* line 14\) is neither one word nor quoted/ ],
    [ 'DB_MAINTENANCE_SCHEDULE="61 2 * * *"', qr/: DB_MAINTENANCE_SCHEDULE is not one/ ], [ 'DB_TIMEZONE=Europe/Nowhere', qr/: DB_TIMEZONE is not one/ ]) {
    my ($line, $wanted) = @$_;
    my ($status, $out) = install($line);
    like("$status $out", qr/^2 (?:.*\n)*?install\.sh$wanted/, "refused by its name: $line");
}
{
    local $ENV{PGUSER} = 'nobody';
    like(join(' ', install('')), qr/^3 .*role "nobody" is not a superuser/, 'refused: no superuser');
}
like(join(' ', install('DATABASE_URL=postgresql://app:hush@localhost:' . $node->port . '/nowhere')), qr/^3 .*database "nowhere" does not exist/, 'refused: no such database');
like(join(' ', install('', '--dry-run')), qr/^0 .*CREATE EXTENSION "uuid-ossp".*copy_configuration.*apply_settings desktop 1.*prepare_primary --standby b=127\.0\.0\.1.*has to be restarted/s,
    'a dry run shows what would be done');
is(state_of(), $before, 'nothing of all that is done');

# ---- Done --------------------------------------------------------------------------------------------------------------

my ($status, $out) = install('');
is($status, 5, 'without a way to restart it waits for one') or diag($out);
is(sql(q{SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension}), 'pg_prewarm pg_stat_statements pg_steward plpgsql uuid-ossp', 'extensions');
($status, $out) = install('DB_RESTART_COMMAND="pg_ctl -w -D ' . $node->data_dir . ' -l ' . $node->logfile . ' restart"');
is($status, 0, 'with one it goes on') or diag($out);
$node->_update_pid(1);
is(sql('SHOW shared_preload_libraries'), 'pg_prewarm, pg_stat_statements, auto_explain, pg_steward', 'libraries are added to those there were');
is(sql(q{SELECT current_setting('steward.capture_slow_threshold'), count(*) > 10 FROM steward.tuning_journal WHERE outcome = 'applied'}), '250ms|t', 'settings are applied');
is(sql(q{SELECT schedule, timezone FROM steward.jobs WHERE name = 'daily maintenance'}), '30 3 * * *|Europe/Berlin', 'maintenance is scheduled');
is(sql(q{SELECT count(*), (SELECT string_agg(name, ' ') FROM steward.programs WHERE is_backup), (SELECT string_agg(slot_name, ' ') FROM pg_replication_slots)
        FROM steward.partition_sets WHERE parent::text LIKE '%_partitioned'}),
    '3|pg_dump|b', 'partitions, backups and a slot are there');
my $data = $node->data_dir;
like(slurp_file((glob "$data/postgresql.conf.before-*")[0]) . slurp_file("$data/pg_hba.conf"), qr/listen_addresses = '127\.0\.0\.1'.*^# BEGIN standbys/ms, 'the configuration was copied');
$before = state_of();
($status, $out) = install('');
like("$status $out", qr/^0 nothing to do\n/, 'the second time there is nothing to do');
is(state_of(), $before, 'and nothing is done');
unlike($said . slurp_file($node->logfile), qr/hush/, 'no password is in its output or the log');

$node->stop;
quiet_log($node, 'does not exist|terminating|has to be|Europe/Nowhere|61 2|time zone|"nobody"');
done_testing();
