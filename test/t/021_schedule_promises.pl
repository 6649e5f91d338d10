# SPDX-License-Identifier: PostgreSQL
#
# What jobs promise where several sessions, databases and the launcher meet: at home in one database, no request lost, no
# DROP EXTENSION in the way, nothing run twice after a crash.
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
$node->append_conf('postgresql.conf',
    "shared_preload_libraries = 'pg_steward'\nmax_worker_processes = 16\nautovacuum = off\ndeadlock_timeout = 300ms");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION pg_steward; CREATE TABLE done (what text)});

sub sql { return $node->safe_psql('postgres', shift); }
sub wait_in {
    my ($db, $condition, $what) = @_;
    $node->poll_query_until($db, "SELECT coalesce(($condition), false)") or die "timed out waiting for $what";
}
sub ran { my $job = shift; return "(SELECT count(*) FROM steward.job_history WHERE job_name = '$job' AND started_at IS NOT NULL)"; }

# Beside its original, in the same cluster, a dump's jobs are paused, whatever is scheduled there.
sql(q{SELECT steward.schedule('each', 'every 1 second', 'INSERT INTO done VALUES (current_database())')});
wait_in('postgres', ran('each') . ' > 0', 'the original');
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
sql('CREATE DATABASE beside');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('beside'), $dump ], 'pg_restore');
$node->safe_psql('beside', q{TRUNCATE done; SELECT steward.schedule('own', 'every 1 second', 'SELECT 1')});
wait_in('beside', ran('own') . ' > 1', 'a job scheduled beside restored ones');
is($node->safe_psql('beside', q{SELECT name, state = 'paused', is_paused FROM steward.jobs ORDER BY name}), "each|t|f\nown|f|f", 'a restored job is paused');
is($node->safe_psql('beside', 'SELECT count(*) FROM done'), '0', 'and does not run');
my ($code, undef, $error) = $node->psql('beside', q{SELECT steward.run_job('each')});
like($error, qr/came with a dump or a copy/, 'nor by hand');
is($node->safe_psql('beside', 'SELECT steward.resume_jobs()'), '1', 'it is taken over');
wait_in('beside', 'EXISTS (SELECT FROM done)', 'the restored job');
my $seen = sql('SELECT ' . ran('each'));
wait_in('postgres', ran('each') . " > $seen", 'the original, still');

# The same goes for a copy.
$node->safe_psql($_, 'SELECT steward.unschedule(name) FROM steward.jobs') for 'postgres', 'beside';
sql('CREATE DATABASE source');
$node->safe_psql('source', q{CREATE EXTENSION pg_steward; CREATE TABLE done (what text);
    SELECT steward.schedule('each', 'every 1 second', 'INSERT INTO done VALUES (1)')});
wait_in('source', 'EXISTS (SELECT FROM done)', 'the job to be copied');
$node->safe_psql('source', q{SELECT steward.pause_jobs('copying')});
wait_in('source', q{(SELECT state = 'paused' FROM steward.jobs) AND NOT EXISTS (SELECT FROM steward.job_runs WHERE ended_at IS NULL)}, 'the pause');
sql('CREATE DATABASE copy TEMPLATE source');
$node->safe_psql('copy', q{DELETE FROM steward.job_pause; TRUNCATE done; SELECT steward.schedule('own', 'every 1 second', 'SELECT 1')});
wait_in('copy', ran('own') . ' > 1', 'a job scheduled beside copied ones');
is($node->safe_psql('copy', 'SELECT count(*) FROM done'), '0', 'a copied job does not run');
$node->safe_psql('copy', 'SELECT steward.resume_jobs()');
wait_in('copy', 'EXISTS (SELECT FROM done)', 'the copied job');
sql("DROP DATABASE $_ WITH (FORCE)") for 'beside', 'source', 'copy';

$node->stop;
quiet_log($node, 'came with a dump|terminating (?:background worker|connection)|will not run');
done_testing();
