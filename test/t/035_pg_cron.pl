# SPDX-License-Identifier: PostgreSQL
#
# steward.import_pg_cron() beside the real pg_cron: what is taken over, what is refused and why, and that at no time both
# run a job. Skipped where pg_cron is not installed.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

chomp(my $libdir = `pg_config --pkglibdir`);
$libdir = "$1/lib" if `which postgres` =~ m{^(/usr/lib/postgresql/\d+)/bin/} && !-e "$libdir/pg_cron.so";
plan skip_all => 'pg_cron is not installed' unless -e "$libdir/pg_cron.so";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_steward,pg_cron'
max_worker_processes = 16
cron.database_name = 'postgres'
cron.timezone = 'Europe/Berlin'
cron.launch_active_jobs = off
});
$node->start;
sub sql { return $node->safe_psql('postgres', shift); }

sql('CREATE EXTENSION pg_steward');
my ($status, $out, $err) = $node->psql('postgres', 'SELECT * FROM steward.import_pg_cron()');
like($err, qr/ERROR:  extension "pg_cron" is not installed in this database\nHINT:  .*here "postgres"/, 'without pg_cron it says so');

sql(q{CREATE EXTENSION pg_cron; CREATE ROLE alice LOGIN; CREATE ROLE shut; GRANT USAGE ON SCHEMA cron TO alice});
my $port = $node->port;
sql(qq{INSERT INTO cron.job (schedule, command, nodename, nodeport, database, username, active, jobname) SELECT v.s, v.c, v.h, v.p, v.d, v.u, v.a, v.n FROM (VALUES
    (1, '30 2 * * *', 'VACUUM', 'localhost', $port, 'postgres', 'postgres', true, 'nightly'),
    (2, '0 0 3 * * *', 'SELECT 1; SELECT 2', 'localhost', $port, 'postgres', 'alice', true, NULL),
    (3, '50-10 * * * *', 'SELECT 1', 'localhost', $port, 'postgres', 'alice', true, 'backward'),
    (4, '*5 * * * *', 'SELECT 1', 'localhost', $port, 'postgres', 'alice', true, 'star'),
    (5, '0 0 30 2 *', 'SELECT 1', 'localhost', $port, 'postgres', 'alice', true, 'never'),
    (6, '0 12 \$ * *', 'BEGIN; SELECT 1; COMMIT', 'localhost', $port, 'postgres', 'alice', true, 'last'),
    (7, '\@yearly', 'SELECT 1', '/tmp', $port, 'postgres', 'alice', true, 'yearly'),
    (8, '\@reboot', 'SELECT 1', 'localhost', $port, 'postgres', 'alice', true, 'boot'),
    (9, '\@daily', 'SELEC 1', 'localhost', $port, 'postgres', 'alice', true, 'syntax'),
    (10, '\@daily', 'SELECT 1', 'localhost', $port, 'postgres', 'alice', false, 'nightly'),
    (11, '\@daily', 'SELECT 1', 'localhost', $port, 'postgres', 'ghost', true, 'ghostly'),
    (12, '\@daily', 'SELECT 1', 'localhost', $port, 'postgres', 'shut', true, 'shut'),
    (13, '\@daily', 'SELECT ''q''', 'localhost', $port, 'other', 'alice', true, 'else'),
    (14, '\@daily', 'SELECT 1', 'remote.example', 5432, 'postgres', 'alice', true, 'remote'),
    (15, '10 seconds', 'SELECT 1', 'localhost', $port, 'postgres', 'alice', true, 'ten'),
    (16, '0 0 * * MON#1', 'SELECT 1', 'localhost', $port, 'postgres', 'alice', true, 'first')) v(i, s, c, h, p, d, u, a, n) ORDER BY v.i});

my $rows = q{SELECT cron_jobid, action, name, coalesce(definition ->> 'schedule', '-'), coalesce(definition ->> 'role', '-') FROM steward.import_pg_cron(%s) ORDER BY 1};
my $expected = join "\n",
    '1|create|nightly (postgres)|30 2 * * *|postgres', '2|create|pg_cron 2|0 0 3 * *|alice', '3|refuse|backward|-|-', '4|refuse|star|-|-',
    '5|refuse|never|-|-', '6|create|last|0 12 $ * *|alice', '7|create|yearly|@yearly|alice', '8|create|boot|@startup|alice', '9|refuse|syntax|-|-',
    '10|create|nightly (alice)|@daily|alice', '11|refuse|ghostly|-|-', '12|refuse|shut|-|-', '13|elsewhere|else|-|-', '14|refuse|remote|-|-',
    '15|create|ten|10 seconds|alice', '16|create|first|0 0 * * MON#1|alice';
is(sql(sprintf $rows, ''), $expected, 'a dry run shows each job of pg_cron');
is(sql('SELECT count(*) FROM steward.job_definitions'), '0', 'and changes nothing');
sub notes { my $id = shift; return sql("SELECT notes FROM steward.import_pg_cron() WHERE cron_jobid = $id"); }
like(notes(1), qr/once where the clocks change/, 'fixed times in a zone with daylight saving are noted');
like(notes(2), qr/leaves out "\*".*one transaction/, 'so are six fields, and several statements');
like(notes(3), qr/the range 50-10 of minute runs backwards \(position 1\)/, 'what is refused says why');
like(notes(5), qr/it can never run/, 'also what can never run');
unlike(notes(6), qr/one transaction/, 'a command with a transaction of its own keeps it');
like(notes(7), qr/1\.6\.0/, 'pg_cron never runs @yearly');
like(notes(9), qr/syntax error at or near "SELEC"/, 'a command that cannot be parsed');
like(notes(11), qr/role "ghost" .*does not exist/, 'a role that is gone');
like(notes(12), qr/may not log in/, 'a role that may not log in');
like(notes(16), qr/one weekday of a month here/, 'MON#1 is another thing there');
is(sql('SELECT handover FROM steward.import_pg_cron() WHERE cron_jobid = 13'),
    q{in database other: SELECT steward.schedule('else', '@daily', 'SELECT ''q''', 'Europe/Berlin', 'alice', '{"overlap": "queue", "missed": "skip"}'); then here: SELECT cron.unschedule(13);},
    'a job of another database comes with what to run there');

is(sql(sprintf $rows, 'false'), $expected, 'what is shown is what is done');
is(sql(q{SELECT count(*), bool_and(is_paused), bool_and(timezone = 'Europe/Berlin'), bool_and(overlap = 'queue' AND missed = 'skip') FROM steward.jobs}),
    '8|t|t|t', 'the new jobs are paused, in the zone of pg_cron, with its policies');
is(sql('SELECT count(*) FROM cron.job'), '16', 'those of pg_cron are left');
is(sql(q{SELECT count(*) FROM steward.import_pg_cron(false) WHERE action = 'create'}), '0', 'a second time there is nothing to create');

my $handover = sql(q{SELECT handover FROM steward.import_pg_cron() WHERE cron_jobid = 1});
is($handover, q{SELECT cron.unschedule(1), steward.resume_jobs('nightly (postgres)');}, 'one statement hands a job over');
sql($handover);
is(sql(q{SELECT (SELECT count(*) FROM cron.job WHERE jobid = 1), is_paused FROM steward.jobs WHERE name = 'nightly (postgres)'}), '0|f', 'to one of the two');
is(sql(q{SELECT count(*) FROM steward.import_pg_cron() WHERE action = 'create'}), '0', 'and names stay when one of two is gone');
sql(q{SELECT steward.resume_jobs('ten')});
like(notes(15), qr/both run it/, 'somebody who let both run is told');

# With the rights of the caller.
is(sql(q{SET ROLE alice; SELECT count(*), min(definition ->> 'role') FROM steward.import_pg_cron()}), '13|alice', 'everybody sees and takes over their own jobs');
($status, $out, $err) = $node->psql('postgres', q{SET ROLE shut; SELECT * FROM steward.import_pg_cron()});
like($err, qr/permission denied for schema cron/, 'who may not read them is told');

$node->stop;
done_testing();
