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
    wait_for($node, $condition, $what, $db);
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


# Whoever runs a job just after it was scheduled gets the run, whatever reading of the jobs was under way.
my $lost = 0;
for my $n (1 .. 10) {
    my $run = sql("SELECT steward.schedule('now$n', '\@yearly', 'SELECT 1')") && sql("SELECT steward.run_job('now$n')");
    $run = sql("BEGIN; SELECT steward.schedule('again$n', '\@yearly', 'SELECT 1'); SELECT steward.run_job('again$n'); COMMIT") if $n % 2;
    ($run) = $run =~ /(\d+)\z/;
    wait_in('postgres', "NOT EXISTS (SELECT FROM steward.job_runs WHERE run_id = $run AND ended_at IS NULL)", "run $run");
    $lost++ if sql("SELECT count(*) FROM steward.job_history WHERE run_id = $run AND outcome = 'succeeded'") ne '1';
}
is($lost, 0, 'no run is lost');
sql('SELECT steward.unschedule(name) FROM steward.jobs');

# A run that is cancelled before it begins leaves a row: nobody may run here, so it waits.
sql(q{SELECT steward.limit_job_group('full', 1)});
sql(qq{SELECT steward.schedule('$_', '\@yearly', 'SELECT pg_sleep(600)', options => '{"group": "full", "overlap": "parallel", "max_parallel": 9}')})
    for 'first', 'second';
my $first = sql(q{SELECT steward.run_job('first')});
wait_in('postgres', "EXISTS (SELECT FROM steward.job_runs WHERE run_id = $first AND outcome = 'running')", 'the run in the way');
my $second = sql(q{SELECT steward.run_job('second')});
wait_in('postgres', q{(SELECT queued = 1 FROM steward.jobs WHERE name = 'second')}, 'the waiting run');
is(sql("SELECT steward.cancel_run($second)"), 't', 'a waiting run is cancelled');
wait_in('postgres', "EXISTS (SELECT FROM steward.job_history WHERE run_id = $second)", 'its row');
is(sql("SELECT job_name, kind, outcome, started_at IS NULL, pid IS NULL, message FROM steward.job_history WHERE run_id = $second"),
    'second|manual|cancelled|t|t|cancelled before it began', 'which says what became of it');
wait_in('postgres', q{(SELECT queued = 0 FROM steward.jobs WHERE name = 'second')}, 'the queue to be empty');
is(sql(q{SELECT last_outcome IS NULL FROM steward.jobs WHERE name = 'second'}), 't', 'and the job has not run');
# So does one whose job is gone.
my $third = sql(q{SELECT steward.run_job('second')});
wait_in('postgres', q{(SELECT queued = 1 FROM steward.jobs WHERE name = 'second')}, 'another waiting run');
sql(q{SELECT steward.unschedule('second')});
wait_in('postgres', "EXISTS (SELECT FROM steward.job_history WHERE run_id = $third)", 'the row of a run without a job');
is(sql("SELECT outcome, message FROM steward.job_history WHERE run_id = $third"), 'cancelled|the job is gone', 'it was given up');
sql("SELECT steward.cancel_run($first)");
wait_in('postgres', "EXISTS (SELECT FROM steward.job_history WHERE run_id = $first)", 'the end of the first');
sql('SELECT steward.unschedule(name) FROM steward.jobs');

# Somebody has locked a table of ours, as DROP EXTENSION does, and wants the next: the loader is not in the way.
my $locker = session($node, 'locker', 'BEGIN', 'LOCK TABLE steward.job_groups IN ACCESS EXCLUSIVE MODE', 'SELECT pg_sleep(5)',
    'LOCK TABLE steward.job_definitions IN ACCESS EXCLUSIVE MODE', 'COMMIT');
wait_in('postgres', q{EXISTS (SELECT FROM pg_locks WHERE relation = 'steward.job_groups'::regclass AND mode = 'AccessExclusiveLock' AND granted)}, 'the lock');
sql(q{SELECT steward.schedule('given way', '@yearly', 'SELECT 1')});
ok(finish($locker), 'whoever locks our tables is not ended by a deadlock') or diag $locker->{err};
wait_in('postgres', q{(SELECT state = 'idle' FROM steward.jobs WHERE name = 'given way')}, 'the loader that gave way');

# The extension goes while a run is under way, and comes back.
sql(q{SELECT steward.schedule_at('survivor', clock_timestamp() + interval '1 second', $$DO 'BEGIN WHILE EXISTS (SELECT FROM pg_extension WHERE extname = ''pg_steward'')
    LOOP PERFORM pg_sleep(0.1); END LOOP; END'; CREATE TABLE survived ()$$)});
wait_in('postgres', q{EXISTS (SELECT FROM steward.job_runs WHERE job = 'survivor' AND outcome = 'running')}, 'the survivor');
sql('DROP EXTENSION pg_steward');
wait_in('postgres', q{to_regclass('survived') IS NOT NULL}, 'its end');
for (1 .. 10) {
    sql(q{CREATE EXTENSION pg_steward; SELECT steward.schedule('brief', 'every 1 second', 'SELECT 1')});
    # Sometimes in the very moment in which the loader reads the job.
    sql($_ % 2 ? 'DROP EXTENSION pg_steward' : 'BEGIN; DROP EXTENSION pg_steward; SELECT pg_sleep(0.2); COMMIT');
}
sql(q{CREATE EXTENSION pg_steward; SELECT steward.schedule('last', 'every 1 second', 'SELECT 1')});
wait_in('postgres', ran('last') . ' > 0', 'a job of the last extension');
sql(q{SELECT steward.unschedule('last')});

# What was skipped because a run was under way is skipped for good, after a crash as well.
sql(q{CREATE TABLE pass (i int); SELECT steward.schedule('slow', 'every 1 second', $$DO 'DECLARE done int;
    BEGIN LOOP SELECT count(*) INTO done FROM steward.job_history WHERE job_name = ''slow'';
    EXIT WHEN (SELECT count(*) FROM pass) > done; PERFORM pg_sleep(0.05); END LOOP; END'$$, options => '{"missed": "all"}')});
wait_in('postgres', q{(SELECT skipped > 2 FROM steward.jobs WHERE name = 'slow')}, 'skipped runs');
sql('INSERT INTO pass VALUES (1)');
wait_in('postgres', q{EXISTS (SELECT FROM steward.job_runs WHERE job = 'slow' AND outcome = 'running') AND } . ran('slow') . ' = 1', 'the second run');
wait_in('postgres', q{EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward' AND query LIKE 'DO ''DECLARE done%')}, 'its command');
# What is due so often does not wait for the disk.
sql('CHECKPOINT');
my $due = sql(q{SELECT due_at FROM steward.job_runs WHERE job = 'slow' AND outcome = 'running'});
$node->stop('immediate');
$node->start;
sql('INSERT INTO pass SELECT generate_series(1, 1000)');
wait_in('postgres', q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'slow' AND kind = 'missed')}, 'what was missed');
wait_in('postgres', q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'slow' AND kind = 'scheduled' AND started_at > pg_postmaster_start_time())}, 'the next run in time');
is(sql("SELECT count(*) FROM steward.job_history WHERE job_name = 'slow' AND due_at > (SELECT min(due_at) FROM steward.job_history WHERE job_name = 'slow') AND due_at < '$due'"),
    '0', 'what was skipped is not made up for');
sql(q{SELECT steward.unschedule('slow')});

# A run asked for before the launcher has read the database gets no number that another run had. A prepared transaction keeps
# the reading off over the restart.
my $used = sql('SELECT max(run_id) FROM steward.job_history');
sql(q{SELECT steward.schedule('by hand', NULL, 'SELECT 1')});
sql(q{BEGIN; LOCK TABLE steward.job_groups IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'kept off'});
$node->restart;
wait_in('postgres', q{steward.scheduler_problem() IS NULL}, 'the launcher');
cmp_ok(sql(q{SELECT steward.run_job('by hand')}), '>', $used, 'a run gets a number of its own though nothing has been read');
sql(q{ROLLBACK PREPARED 'kept off'});
wait_in('postgres', ran('by hand') . ' = 1', 'the run by hand');
sql(q{SELECT steward.unschedule('by hand')});

# A pause counts from its commit, not from when the launcher hears of it: its loader waits in another database.
$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
$node->safe_psql('elsewhere', q{CREATE EXTENSION pg_steward; SELECT steward.schedule('far', '@yearly', 'SELECT 1')});
wait_in('elsewhere', q{(SELECT state = 'idle' FROM steward.jobs)}, 'the other database to be read');
sql(q{SELECT steward.schedule(name, '* * * * * *', 'SELECT 1') FROM (VALUES ('still'), ('ticks')) v (name)});
wait_in('postgres', ran('still') . ' > 0', 'a run before the pause');
$node->safe_psql('elsewhere', q{BEGIN; LOCK TABLE pg_extension IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'kept elsewhere'});
$node->safe_psql('elsewhere', 'UPDATE steward.job_definitions SET changed_at = now()');
wait_in('postgres', q{EXISTS (SELECT FROM pg_stat_activity WHERE backend_type LIKE 'pg_steward%' AND datname = 'elsewhere' AND wait_event_type = 'Lock')}, 'the loader');
sql(q{SELECT steward.pause_jobs('now', name => 'still')});
my $paused = sql('SELECT clock_timestamp()');
my $asked = sql(q{SELECT steward.run_job('still')});
wait_in('postgres', "(SELECT count(*) >= 3 FROM steward.job_history WHERE job_name = 'ticks' AND started_at > '$paused')", 'runs of the other job');
is(sql("SELECT count(*) FROM steward.job_history WHERE job_name = 'still' AND started_at > '$paused' AND kind <> 'manual'"), '0', 'no run begins after a pause was committed');
wait_in('postgres', "EXISTS (SELECT FROM steward.job_history WHERE run_id = $asked)", 'the run by hand');
is(sql("SELECT outcome FROM steward.job_history WHERE run_id = $asked"), 'succeeded', 'but those by hand');
is(sql(q{SELECT state = 'paused' FROM steward.jobs WHERE name = 'still'}), 'f', 'though the launcher has not heard of it');
$node->safe_psql('elsewhere', q{ROLLBACK PREPARED 'kept elsewhere'});
wait_in('postgres', q{(SELECT state = 'paused' AND queued = 0 FROM steward.jobs WHERE name = 'still')}, 'the launcher to hear of the pause');
sql(q{SELECT steward.unschedule('still'), steward.unschedule('ticks')});

# A pause that ends while the server is down was one all the same.
sql(q{SELECT steward.schedule('paused', 'every 1 second', 'SELECT 1', options => '{"missed": "all"}')});
wait_in('postgres', ran('paused') . ' > 0', 'the job before its pause');
sql(q{SELECT steward.pause_jobs('short', clock_timestamp() + interval '5 seconds')});
my ($begin, $end) = split /\|/, sql('SELECT clock_timestamp() + interval \'1 second\', until FROM steward.job_pause');
my $left = sql(q{SELECT extract(epoch FROM until) FROM steward.job_pause});
$node->stop;
sleep 1 while time < $left;
$node->start;
wait_in('postgres', q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'paused' AND kind = 'scheduled' AND started_at > pg_postmaster_start_time())}, 'runs after the pause');
is(sql("SELECT count(*) FROM steward.job_history WHERE job_name = 'paused' AND due_at BETWEEN '$begin' AND '$end'"), '0',
    'what was due in a pause is not made up for');

$node->stop;
# Databases were dropped under their workers, and before a crash.
quiet_log($node, 'came with a dump|terminating (?:background worker|connection)|will not run|database (?:\d+|"\w+") does not exist|directory "base/\d+"');
done_testing();
