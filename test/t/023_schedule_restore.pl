# SPDX-License-Identifier: PostgreSQL
#
# Jobs go with their database: a dump brings them into another cluster paused, a copy is paused too, and the launcher keeps nobody
# from copying, renaming and dropping databases.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = scheduling('main');
$ENV{OTHER_SYSTEM} = 1;
my $other = scheduling('other');
# The same names have other numbers there.
$other->safe_psql('postgres', 'DROP EXTENSION pg_steward; CREATE ROLE shifts_the_numbers; CREATE ROLE clerk LOGIN; CREATE DATABASE app');
$node->safe_psql('postgres', 'CREATE ROLE clerk LOGIN; CREATE ROLE stranger LOGIN; CREATE DATABASE app');

sub in_app { my ($sql, $server) = @_; return ($server // $node)->safe_psql('app', $sql); }
sub wait_app {
    my ($condition, $what, $server, $db) = @_;
    wait_for($server // $node, $condition, $what, $db // 'app');
}
my $jobs = q{SELECT string_agg(name || ' ' || role || ' ' || state || coalesce(': ' || waiting_reason, ''), ', ' ORDER BY name) FROM steward.jobs};

in_app(q{CREATE EXTENSION pg_steward; CREATE TABLE done (what text, who text DEFAULT session_user); GRANT INSERT ON done TO clerk, stranger;
    SELECT steward.schedule('clerical', '* * * * * *', 'INSERT INTO done VALUES (''clerical'')', role => 'clerk');
    SELECT steward.schedule('strange', '* * * * * *', 'INSERT INTO done VALUES (''strange'')', role => 'stranger');
    SELECT steward.schedule('yearly', '@yearly', 'INSERT INTO done VALUES (''yearly'')', options => '{"missed": "all"}');
    SELECT steward.limit_job_group('few', 1)});
wait_app(q{(SELECT count(*) FROM steward.job_history WHERE job_name = 'clerical') > 1 AND EXISTS (SELECT FROM steward.job_history WHERE job_name = 'strange')},
    'some history');
# Of a time when its role was another one and a run was under way.
in_app(q{INSERT INTO steward.job_progress (job_id, handled_until, running, running_due, running_since)
    SELECT job_id, now() - interval '3 years', '{1}', ARRAY[now()], ARRAY[now()] FROM steward.job_definitions WHERE name = 'yearly'});

# ---- Into another cluster ----------------------------------------------------------------------------------------------

my $file = $node->basedir . '/app.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('app'), '-f', $file ], 'pg_dump');
# GRANTs to the missing role are none of ours.
$other->command_ok([ 'pg_restore', '--exit-on-error', '--no-privileges', '-d', $other->connstr('app'), $file ], 'pg_restore into another cluster');
my $came = 'paused: came with a dump or a copy of another database: steward.resume_jobs() lets it run';
is(in_app($jobs, $other), "clerical clerk $came, strange stranger $came, yearly postgres $came", 'all jobs are paused there, and say why');
is(in_app(q{SELECT count(*) > 2 FROM steward.job_history}, $other), 't', 'the history has come along');
is(in_app(q{SELECT last_outcome FROM steward.jobs WHERE name = 'clerical'}, $other), 'succeeded', 'and the progress');
is(in_app(q{SELECT max_running FROM steward.job_groups}, $other), '1', 'and the limits of groups');
my ($status, undef, $stderr) = $other->psql('app', q{SELECT steward.run_job('clerical')});
like($stderr, qr/ERROR:  job "clerical" came with a dump/, 'none can be run by hand');

# A job of that cluster runs meanwhile; the restored ones do not.
$other->safe_psql('postgres', q{CREATE EXTENSION pg_steward; SELECT steward.schedule('own', '* * * * * *', 'SELECT 1')});
wait_app('(SELECT count(*) FROM steward.job_history) > 2', 'a job of that cluster', $other, 'postgres');
my $restored = in_app('SELECT count(*) FROM done', $other);
is(in_app('SELECT count(*) FROM steward.job_history', $other), in_app(q{SELECT count(*) FROM steward.job_history WHERE outcome = 'succeeded'}, $other),
    'no restored run is called interrupted');

in_app('GRANT INSERT ON done TO clerk', $other);
(undef, undef, $stderr) = $other->psql('app', 'SELECT steward.resume_jobs()');
like($stderr, qr/WARNING:  roles of jobs do not exist: "stranger" of job "strange"/, 'who takes them over hears which roles are missing');
wait_app(q{(SELECT count(*) FROM done WHERE what = 'clerical' AND who = 'clerk') > } . $restored, 'a restored job', $other);
pass('then they run, their roles found by name');
is(in_app(q{SELECT state || ': ' || waiting_reason FROM steward.jobs WHERE name = 'strange'}, $other), 'broken: role "stranger" does not exist',
    'but for those without a role');
is(in_app(q{SELECT count(*) FROM done WHERE what = 'yearly'}, $other), '0', 'what was due before is not made up for');
is(in_app(q{SELECT running FROM steward.job_progress JOIN steward.job_definitions USING (job_id) WHERE name = 'yearly'}, $other), '{}',
    'and runs under way in the old cluster are none here');
$other->safe_psql('postgres', 'CREATE ROLE stranger LOGIN');
in_app('GRANT INSERT ON done TO stranger; SELECT steward.resume_jobs()', $other);
wait_app(q{EXISTS (SELECT FROM done WHERE what = 'strange' AND who = 'stranger' AND EXISTS (SELECT FROM steward.jobs WHERE name = 'strange' AND state <> 'broken'))},
    'the job of a role that was made later', $other);
is(in_app('SELECT count(*) - count(DISTINCT run_id) FROM steward.job_history', $other), '0', 'the numbers of runs go on');
$other->stop('fast');

# ---- A copy beside it --------------------------------------------------------------------------------------------------

# Runs every second, which come and go, keep nobody from it.
$node->safe_psql('postgres', 'CREATE DATABASE twin TEMPLATE app');
like($node->safe_psql('twin', $jobs), qr/^clerical clerk paused: .*, strange stranger paused: .*, yearly postgres paused: /, 'the jobs of a copy are paused');
my $before = $node->safe_psql('twin', 'SELECT count(*) FROM done');
my $seen = in_app('SELECT count(*) FROM done');
wait_app("(SELECT count(*) FROM done) > $seen + 3", 'the jobs of the original');
is($node->safe_psql('twin', 'SELECT count(*) FROM done'), $before, 'while those of the original run');
$node->safe_psql('twin', 'SELECT steward.resume_jobs()');
wait_app("(SELECT count(*) FROM done) > $before", 'the jobs of the copy', $node, 'twin');
pass('until they are taken over');

# ---- The launcher is in nobody's way -----------------------------------------------------------------------------------

$node->safe_psql('postgres', 'ALTER DATABASE twin RENAME TO sibling');
$before = $node->safe_psql('sibling', 'SELECT count(*) FROM done');
wait_app("(SELECT count(*) FROM done) > $before", 'the jobs of a renamed database', $node, 'sibling');
pass('jobs follow a renamed database');
$node->safe_psql('postgres', 'DROP DATABASE sibling');
pass('a database whose jobs run every second is dropped');

# A run under way is a session like any other: it is in the way, and FORCE ends it.
in_app(q{SELECT steward.schedule('rests', NULL, 'SELECT pg_sleep(600)')});
wait_app(q{(SELECT state FROM steward.jobs WHERE name = 'rests') = 'idle'}, 'a new job');
in_app(q{SELECT steward.run_job('rests')});
wait_app(q{EXISTS (SELECT FROM steward.job_runs WHERE job = 'rests' AND outcome = 'running')}, 'a run under way');
(undef, undef, $stderr) = $node->psql('postgres', 'DROP DATABASE app');
like($stderr, qr/ERROR:  database "app" is being accessed by other users/, 'a run under way is in the way of DROP DATABASE');
is(in_app(q{SELECT outcome FROM steward.job_runs WHERE job = 'rests'}), 'running', 'and goes on');
$node->safe_psql('postgres', 'DROP DATABASE app WITH (FORCE)');
wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid())}, 'its end');
pass('which FORCE ends');

# The launcher has come through all of it.
$node->safe_psql('postgres', q{SELECT steward.schedule('after all', '* * * * * *', 'SELECT 1')});
wait_for($node, q{(SELECT count(*) FROM steward.job_history WHERE job_name = 'after all') > 1}, 'a job in another database');
is(logged($node, 'background worker "pg_steward launcher" .*exited'), 0, 'the launcher has come through all of it');
$node->stop('fast');
quiet_log($_, qr/terminating (?:background worker|connection)|is being accessed by other users|came with a dump|roles of jobs do not exist|role "stranger" does not exist|(?:database|FATAL:).* does not exist/)
    for $node, $other;
done_testing();
