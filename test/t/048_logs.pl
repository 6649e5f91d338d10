# SPDX-License-Identifier: PostgreSQL
#
# steward.clean_logs() removes old files of the server's log and nothing else, shows before what it will remove, and tells what it could not.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "logging_collector = on\nlog_destination = 'stderr,csvlog'\nlog_directory = 'log'\nlog_filename = 'pg-%Y-%m-%d_%H%M%S.log'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_steward');
my $dir = $node->data_dir . '/log';

# A file that was last written to so many days ago.
sub aged {
    my ($name, $days, $where) = @_;
    my $file = ($where // $dir) . "/$name";
    append_to_file($file, "line\n");
    utime(time - $days * 86400, time - $days * 86400, $file) or die "$file: $!";
    return $name;
}
sub there { opendir(my $handle, $dir) or die; return join ' ', sort grep { !/^\./ } readdir $handle; }
sub clean { return $node->safe_psql('postgres', "SELECT file, bytes, outcome, detail FROM steward.clean_logs($_[0])"); }

my $running = there();
like($running, qr/^pg-[0-9_-]+\.csv pg-[0-9_-]+\.log$/, 'the server writes two files');
utime(1, 1, map { "$dir/$_" } split / /, $running) or die;
my @old = map { aged($_, 31) } 'pg-2026-01-01_000000.csv', 'pg-2026-01-01_000000.json', 'pg-2026-01-01_000000.log';
my @others = map { aged($_, 400) } 'pg-2026-01-01_000000.log.gz', 'pg-2026-13-01_000000.log', 'postgresql.log', 'notes';
aged('pg-2026-01-02_000000.log', 29);
my $outside = aged('precious', 400, PostgreSQL::Test::Utils::tempdir) && PostgreSQL::Test::Utils::tempdir . '/precious';
append_to_file($outside, 'kept');
symlink $outside, "$dir/pg-2026-01-03_000000.log" or die;
system_or_bail('touch', '-h', '-d', '2026-01-03', "$dir/pg-2026-01-03_000000.log");
mkdir "$dir/pg-2026-01-04_000000.log" or die;
utime(1, 1, "$dir/pg-2026-01-04_000000.log") or die;

my $before = there();
my $link = 'pg-2026-01-03_000000.log|' . length($outside) . '|kept|It is a symbolic link, which the server does not make.';
is(clean('dry_run => true'), join("\n", (map { "$_|5|to be removed|" } @old), $link), 'shows what it would remove');
is(there(), $before, 'and removes nothing');

# What cannot be removed is told, and the rest goes on.
chmod 0500, $dir or die;
my ($status, $out, $err) = $node->psql('postgres', 'SELECT file, outcome, detail FROM steward.clean_logs()');
chmod 0700, $dir or die;
is($status, 0, 'a read-only directory is no error');
like($out, qr/^$old[0]\|failed\|Permission denied\n/, 'each file is reported');
like($err, qr/WARNING:  3 old log files could not be removed from ".*\/log": Permission denied/, 'and warned of');
is(there(), $before, 'nothing is gone');

is(clean(''), join("\n", (map { "$_|5|removed|" } @old), $link), 'removes what it has shown');
is(there(), join(' ', sort split(/ /, $running), @others, 'pg-2026-01-02_000000.log', 'pg-2026-01-03_000000.log', 'pg-2026-01-04_000000.log'), 'and nothing else');
ok(-e $outside, 'a link is not followed');
is(clean(''), $link, 'nothing is left to do');

# A new file first; the one that was written to can go then.
is(clean(q{'0', rotate => true, dry_run => true}) =~ /to be removed/, 1, 'a dry run');
is(there() =~ tr/ //, 8, 'begins no new file');
# The names of log files have seconds.
sleep 2;
clean(q{'1 hour', rotate => true});
wait_for($node, qq{NOT EXISTS (SELECT FROM unnest(ARRAY['stderr', 'csvlog']) f WHERE '$running' LIKE '%' || substring(pg_current_logfile(f) FROM '[^/]+\$')  || '%')}, 'new files');
clean(q{'0'});
unlike(there(), qr/\Q${\ substr($running, 0, 20)}\E/, 'files of before the rotation go');
is($node->safe_psql('postgres', q{SELECT count(*) FROM unnest(ARRAY['stderr', 'csvlog']) f WHERE (pg_stat_file(pg_current_logfile(f))).size >= 0}), 2, 'those in use stay');

# A directory that is gone, or cannot be read; bad arguments; who may.
rename $dir, "$dir.away" or die;
is(clean(''), '', 'no directory, nothing to do');
rename "$dir.away", $dir or die;
sub refused { my ($sql, $error) = @_; my ($s, $o, $e) = $node->psql('postgres', $sql); like($e, qr/ERROR:  $error/, $error); }
chmod 0300, $dir or die;
refused('SELECT * FROM steward.clean_logs()', 'could not open directory ".*/log": Permission denied');
chmod 0700, $dir or die;
refused(q{SELECT * FROM steward.clean_logs('-1 day')}, 'older_than must not be less than 0');
refused(q{SELECT * FROM steward.clean_logs(NULL)}, 'arguments of steward.clean_logs\(\) must not be null');
$node->safe_psql('postgres', 'CREATE ROLE janitor LOGIN');
refused('SET ROLE janitor; SELECT * FROM steward.clean_logs()', 'permission denied for function clean_logs');
$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA steward TO janitor; GRANT EXECUTE ON FUNCTION steward.clean_logs TO janitor');
is($node->safe_psql('postgres', 'SET ROLE janitor; SELECT count(*) FROM steward.clean_logs()'), 1, 'whom it is granted to may');

$node->stop;
done_testing();
