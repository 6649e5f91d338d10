# SPDX-License-Identifier: PostgreSQL
#
# Without shared_preload_libraries: all of partitions works, with the very results it has elsewhere; jobs can be written,
# explained and exported, and everybody is told why they do not run.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
without_library($node);
$node->start;

my $here = abs_path(dirname(__FILE__) . '/../..');
my @tests = map { basename($_, '.sql') } sort glob("$here/test/sql/{house,partition_*,schedule_explain}.sql");
cmp_ok(scalar @tests, '>', 10, 'there are tests');
my $results = "$PostgreSQL::Test::Utils::tmp_check/no_preload";
mkdir $results;
symlink("$here/expected", "$results/expected") or die "no link to expected results: $!";
command_ok(
    [ $ENV{PG_REGRESS}, "--inputdir=$here/test", "--outputdir=$results", '--bindir=', '--dbname=steward_regress', '--load-extension=pg_steward',
        '--encoding=UTF8', '--host=' . $node->host, '--port=' . $node->port, @tests ],
    'partitions work as elsewhere');
diag(slurp_file("$results/regression.diffs")) if -s "$results/regression.diffs";

sub sql { return $node->safe_psql('postgres', shift); }
sql('CREATE EXTENSION pg_steward');
my ($status, $out, $err) = $node->psql('postgres', q{SELECT steward.schedule('night', '30 2 * * *', 'SELECT 1')});
is("$status $out", '0 1', 'a job can be written');
like($err, qr/WARNING:  job "night" will not run: pg_steward is not in shared_preload_libraries\nHINT:  Add it there/, 'and is said not to run');
is(sql('SELECT state, waiting_reason FROM steward.jobs'), 'stopped|pg_steward is not in shared_preload_libraries', 'the view says so too');
is(sql(q{SELECT count(*) FROM steward.job_runs}), '0', 'there are no runs');
is(sql(q{SELECT count(*) FROM steward.late_jobs}), '0', 'nothing is late yet');
($status, $out, $err) = $node->psql('postgres', q{SELECT steward.run_job('night')});
like($err, qr/ERROR:  jobs do not run: pg_steward is not in shared_preload_libraries/, 'none is run by hand');
is(sql('SELECT steward.cancel_run(1)'), 'f', 'there is nothing to cancel');
is(sql(q{SELECT steward.pause_jobs('x'), steward.resume_jobs(), steward.unschedule('night')}), '1|1|1', 'jobs are paused, resumed and unscheduled');

$node->stop;
done_testing();
