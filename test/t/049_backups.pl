# SPDX-License-Identifier: PostgreSQL
#
# Backups by real programs: a good one is verified and kept, a broken one never counts, the last good one is never removed, and
# steward.backup_health says so.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = scheduling('main', "archive_mode = on\narchive_command = 'test ! -e $dir/no_archive'", 'wal_level = replica', 'max_wal_senders = 10');
mkdir "$dir/backups" or die;

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub fails {
    my ($sql, $error) = @_;
    my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");
    like($err, qr/ERROR:  $error/, $error);
}
sub on_disk { opendir(my $handle, "$dir/backups") or die; return join ' ', map { s/-\d{8}T\d{6}Z/-*/r } sort grep { !/^\./ } readdir $handle; }
sub health { return sql(qq{SELECT verdict || ' ' || coalesce(value, '') FROM steward.backup_health WHERE "check" = '$_[0]'}); }

# ---- pg_basebackup -----------------------------------------------------------------------------------------------------

like(health('backup_age'), qr/^unknown/, 'nobody makes backups');
is(sql(qq{SELECT steward.enable_backups('pg_basebackup', '30 1 * * *', '$dir/backups', keep => 2)}), 'pg_basebackup', 'enabled');
is(sql(q{SELECT command FROM steward.jobs WHERE name = 'pg_basebackup'}), q{CALL steward.run_program('pg_basebackup')}, 'as a job');
like(health('backup_age'), qr/^critical/, 'no backup yet');
sql(q{CALL steward.run_program('pg_basebackup')});
is(on_disk(), 'pg_basebackup-*', 'made');
is(sql(q{SELECT outcome, verified_at > started_at, size_bytes > 1000000, location LIKE '%Z' FROM steward.backups}), 'good|t|t|t', 'and verified');
is(sql(q{SELECT count(*) FROM steward.program_runs WHERE outcome = 'succeeded'}), 2, 'by two programs');
like(health('backup_age'), qr/^ok/, 'in good health');
like(health('backup_verified'), qr/^ok/, 'verified');

# It can be started.
my $copy = PostgreSQL::Test::Cluster->new('copy');
my $location = sql('SELECT location FROM steward.backups');
system_or_bail('cp', '-a', $location, $copy->data_dir) if !-d $copy->data_dir;
append_to_file($copy->data_dir . '/postgresql.conf', "\nport = " . $copy->port . "\n");
$copy->start;
is($copy->safe_psql('postgres', 'SELECT count(*) FROM steward.backups'), 1, 'a server begins from it');
is($copy->safe_psql('postgres', 'SELECT outcome FROM steward.backups'), 'interrupted', 'in which it was under way');
$copy->stop;

# Only the newest two stay, besides what somebody else has put there.
mkdir "$dir/backups/pg_basebackup-precious" or die;
for (1 .. 2) { sql(q{CALL steward.run_program('pg_basebackup')}); }
is(on_disk(), 'pg_basebackup-* pg_basebackup-* pg_basebackup-precious', 'old ones go');
is(sql(q{SELECT count(*) FILTER (WHERE removed_at IS NULL), count(*), bool_and(outcome = 'good') FROM steward.backups}), '2|3|t', 'as recorded');

# Broken ones: a program that says all is well and damages a file; one that fails half-way; one that is killed with the session.
my $tool = "$dir/tool";
sub tool {
    my $script = shift;
    unlink $tool;
    append_to_file($tool, "#!/bin/sh\n$script\n");
    chmod 0755, $tool or die;
}
my ($argv, $verify) = split /\n/, sql(q{SELECT array_to_string(argv[3:], ' ') FROM steward.programs; SELECT verify[1] FROM steward.programs});
my $basebackup = sql(q{SELECT argv[1] FROM steward.programs});
tool("$basebackup -D \$1 $argv || exit 1; echo damage >> \$1/PG_VERSION");
sql(qq{SELECT steward.allow_backup('pg_basebackup', ARRAY['$tool', '{location}'], ARRAY['$verify', '{location}'], '$dir/backups', keep => 1)});
fails(q{CALL steward.run_program('pg_basebackup')}, '38000: the verification of the backup of program "pg_basebackup" failed with exit code 1');
is(on_disk(), 'pg_basebackup-* pg_basebackup-* pg_basebackup-*.partial pg_basebackup-precious', 'a damaged backup removes no other one');
is(sql(q{SELECT outcome, verified_at IS NULL FROM steward.backups ORDER BY backup_id DESC LIMIT 1}), 'failed|t', 'and does not count');
like(health('backup_last_run: pg_basebackup'), qr/^warning failed/, 'as can be seen');
like(health('backup_age'), qr/^ok/, 'there is a good one nevertheless');

tool('echo half > $1/half; echo no space left; exit 28');
fails(q{CALL steward.run_program('pg_basebackup')}, '38000: program "pg_basebackup" failed with exit code 28');
is(on_disk(), 'pg_basebackup-* pg_basebackup-* pg_basebackup-*.partial pg_basebackup-precious', 'what is left of the one before is gone');

# A device that is full.
my $pg_dump = $basebackup =~ s/pg_basebackup$/pg_dump/r;
tool("exec $pg_dump -h " . $node->host . ' -p ' . $node->port . ' -f /dev/full postgres');
fails(q{CALL steward.run_program('pg_basebackup')}, '38000: program "pg_basebackup" failed with exit code 1');
like(sql(q{SELECT output FROM steward.program_runs ORDER BY run_id DESC LIMIT 1}), qr/No space left on device/, 'what the program has said of it is kept');
is(sql(q{SELECT outcome FROM steward.backups ORDER BY backup_id DESC LIMIT 1}), 'failed', 'and the backup does not count');

tool("echo half > \$1/half; echo \$\$ > $dir/pid; exec sleep 1000");
my $session = session($node, 'runs', q{CALL steward.run_program('pg_basebackup')});
wait_for($node, qq{(pg_stat_file('$dir/pid', true)).size > 0}, 'the program');
like(health('backup_running: pg_basebackup'), qr/^ok/, 'under way');
sql('SELECT pg_terminate_backend(' . pid_of($node, q{application_name = 'runs'}) . ')');
finish($session);
wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'runs')}, 'its end');
is(sql(q{SELECT outcome FROM steward.backups ORDER BY backup_id DESC LIMIT 1}), 'interrupted', 'interrupted with its session');

# Missing.
unlink $tool;
fails(q{CALL steward.run_program('pg_basebackup')}, '58P01: program "pg_basebackup" could not be started: No such file or directory');
is(health('program_missing: pg_basebackup'), "critical $tool", 'a missing program is seen before it is needed');

# A directory that takes nothing.
chmod 0500, "$dir/backups" or die;
tool('exit 0');
fails(q{CALL steward.run_program('pg_basebackup')}, '58030: could not make a directory for a backup: .*: Permission denied');
chmod 0700, "$dir/backups" or die;

# The next good one makes up for all of it.
tool("exec $basebackup -D \$1 $argv");
sql(q{CALL steward.run_program('pg_basebackup')});
is(on_disk(), 'pg_basebackup-* pg_basebackup-precious', 'one is kept, nothing partial is left');
like(health('backup_last_run: pg_basebackup'), qr/^ok good/, 'good again');

# Age.
sql(q{UPDATE steward.backup_history SET ended_at = ended_at - interval '27 hours' WHERE outcome = 'good'});
like(health('backup_age'), qr/^warning 1 day 03:/, 'too old');
like(sql(q{SET steward.backup_max_age = '30h'; SELECT verdict FROM steward.backup_health WHERE "check" = 'backup_age'}), qr/^ok/, 'or not');
sql(q{UPDATE steward.backup_history SET ended_at = ended_at - interval '27 hours' WHERE outcome = 'good'});
like(health('backup_age'), qr/^critical 2 days 06:/, 'much too old');
sql(q{SELECT steward.forbid_program('pg_basebackup')});

# ---- pg_dump -----------------------------------------------------------------------------------------------------------

sql(qq{CREATE TABLE t AS SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 20000) i;
    SELECT steward.enable_backups('pg_dump', NULL, '$dir/backups', name => 'dump'); CALL steward.run_program('dump')});
is(sql(q{SELECT outcome, verified_at IS NOT NULL FROM steward.backups WHERE program = 'dump'}), 'good|t', 'dumped and read');
my $dump = sql(q{SELECT location FROM steward.backups WHERE program = 'dump'}) . '/database.dump';
sql('CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'restored');
is($node->safe_psql('restored', 'SELECT count(*) FROM t'), 20000, 'with its rows');
$pg_dump = sql(q{SELECT argv[1] FROM steward.programs});
tool("$pg_dump \"\$@\" || exit 1; for a; do case \$a in --file=*) truncate -s -1000 \"\${a#--file=}\";; esac; done");
sql(qq{UPDATE steward.programs SET argv[1] = '$tool'});
fails(q{CALL steward.run_program('dump')}, '38000: the verification of the backup of program "dump" failed with exit code 1');
is(sql(q{SELECT string_agg(outcome, ' ' ORDER BY backup_id) FROM steward.backups WHERE program = 'dump'}), 'good failed', 'a torn dump does not count');

# ---- Archiving ---------------------------------------------------------------------------------------------------------

like(health('archiving'), qr/^ok on/, 'WAL is archived');
append_to_file("$dir/no_archive", 'x');
sql('SELECT pg_switch_wal(); CREATE TABLE u (); SELECT pg_switch_wal()');
wait_for($node, q{(SELECT verdict IN ('warning', 'critical') FROM steward.backup_health WHERE "check" = 'archiver')}, 'a failure of the archiver');
like(health('archive_backlog'), qr/^ok [1-9]/, 'WAL waits');
unlink "$dir/no_archive";
wait_for($node, q{(SELECT verdict = 'ok' FROM steward.backup_health WHERE "check" = 'archiver')}, 'the archiver to go on');

# ---- pgBackRest --------------------------------------------------------------------------------------------------------

SKIP: {
    skip 'pgbackrest is not installed', 7 unless -x '/usr/bin/pgbackrest';
    local $ENV{PGBACKREST_CONFIG} = "$dir/pgbackrest.conf";
    my $rest = PostgreSQL::Test::Cluster->new('rest');
    $rest->init(allows_streaming => 1);
    append_to_file("$dir/pgbackrest.conf", join("\n", '[global]', "repo1-path=$dir/repo", "log-path=$dir", "lock-path=$dir/lock", 'start-fast=y',
        '[main]', 'pg1-path=' . $rest->data_dir, 'pg1-port=' . $rest->port, 'pg1-socket-path=' . $rest->host, 'pg1-user=postgres', ''));
    $rest->append_conf('postgresql.conf', "archive_mode = on\narchive_command = '/usr/bin/pgbackrest --stanza=main archive-push %p'");
    $rest->start;
    $rest->command_ok([ 'pgbackrest', '--stanza=main', 'stanza-create' ], 'stanza made');
    my $ask = sub { return $rest->safe_psql('postgres', $_[0]); };
    $ask->(q{CREATE EXTENSION pg_steward; SELECT steward.enable_backups('pgbackrest', NULL, stanza => 'main', name => 'full', arguments => '{--type=full}'),
        steward.enable_backups('pgbackrest', NULL, stanza => 'main', name => 'diff', arguments => '{--type=diff}'); CALL steward.run_program('full')});
    is($ask->(q{SELECT outcome, kind, label ~ '^[-0-9]+F$', size_bytes > 1000000, verified_at IS NOT NULL, location IS NULL FROM steward.backups}), 'good|full|t|t|t|t', 'a full backup');
    $ask->(q{CALL steward.run_program('diff')});
    is($ask->(q{SELECT outcome, kind, label ~ 'F_[-0-9]+D$', verified_at IS NOT NULL FROM steward.backups ORDER BY backup_id DESC LIMIT 1}), 'good|diff|t|t', 'a differential one');
    is($ask->(q{SELECT string_agg(DISTINCT verdict, ' ') FROM steward.backup_health}), 'ok', 'in good health');

    # A repository that is damaged.
    my $file = (glob("$dir/repo/backup/main/*F/pg_data/global/pg_control*"))[0];
    truncate $file, 10 or die "$file: $!";
    my ($status, $out, $err) = $rest->psql('postgres', q{CALL steward.run_program('diff')});
    like($err, qr/ERROR:  the verification of the backup of program "diff" did not say "status: ok"/, 'damage in the repository is found');
    is($ask->(q{SELECT outcome FROM steward.backups ORDER BY backup_id DESC LIMIT 1}), 'failed', 'and the backup does not count');
    quiet_log($rest, qr/ERROR:  the verification/);
    $rest->stop;
}

# ---- What is refused, and who may ----------------------------------------------------------------------------------------

fails(q{SELECT steward.enable_backups('pg_basebackup', NULL)}, '22023: pg_basebackup needs a directory');
fails(q{SELECT steward.enable_backups('tar', NULL, '/tmp')}, '22023: unknown method "tar"');
fails(q{SELECT steward.enable_backups('pgbackrest', NULL)}, '22023: pgbackrest needs a stanza');
fails(q{SELECT steward.enable_backups('pg_dump', NULL, '/nowhere/at/all')}, '58P01: directory "/nowhere/at/all" does not exist');
fails(q{SELECT steward.enable_backups('pg_dump', NULL, current_setting('data_directory') || '/base')}, '22023: directory ".*" is inside the data directory');
fails(qq{SELECT steward.enable_backups('pg_dump', NULL, '$dir', name => '../x')}, '22023: name "../x" is not fit for a directory');
fails(qq{SELECT steward.allow_backup('x', ARRAY['/bin/true'], directory => '$dir')}, '22023: no argument of program "x" says \{location\}');
fails(qq{SELECT steward.allow_backup('x', ARRAY['/bin/true', '{location}'], directory => '$dir', keep => 1)}, '22023: keep needs a program that verifies');
fails(q{SELECT steward.allow_backup('x', ARRAY['/bin/true', '{location}'])}, '22023: \{location\} stands for a directory');
sql('CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher; GRANT USAGE ON SCHEMA steward TO watcher');
is(sql('SET ROLE watcher; SELECT count(*) > 5 FROM steward.backup_health'), 't', 'pg_monitor sees the health');
fails(qq{SET ROLE watcher; SELECT steward.enable_backups('pg_dump', NULL, '$dir')}, '42501: permission denied');

quiet_log($node, qr/ERROR:  |WARNING:  could not remove a backup|FATAL:  terminating connection|FATAL:  archive command|WARNING:  archiving|DETAIL:  The failed archive/);
$node->stop;
done_testing();
