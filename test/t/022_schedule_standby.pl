# SPDX-License-Identifier: PostgreSQL
#
# Jobs on a hot standby: those that are for it run there, read-only and unrecorded; its views show how they stand; what changes
# on the primary is seen there; promoted, it goes over to the jobs of a primary.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

# What a job on a standby does can only be read in the log.
sub saying { my $what = shift; return "DO 'BEGIN RAISE LOG ''says: $what''; END'"; }

my $primary = scheduling('primary');
my %command = map { $_ => saying($_) =~ s/'/''/gr } 'on both', 'on a standby', 'at its start', 'after a crash', 'in the doomed', 'daily';
$primary->safe_psql('postgres', qq{
    CREATE TABLE done (what text);
    SELECT steward.schedule('writer', '* * * * * *', 'INSERT INTO done VALUES (''writer'')');
    SELECT steward.schedule('both', '*/2 * * * * *', '$command{'on both'}', options => '{"run_on": "any"}');
    SELECT steward.schedule('reader', '* * * * * *', '$command{'on a standby'}', options => '{"run_on": "standby"}');
    SELECT steward.schedule('starts', '\@startup', '$command{'at its start'}', options => '{"run_on": "standby"}');
    SELECT steward.schedule('crashed', '\@after_crash', '$command{'after a crash'}', options => '{"run_on": "standby"}');
    SELECT steward.schedule('rests', NULL, 'SELECT pg_sleep(600)', options => '{"run_on": "standby"}');
    SELECT steward.schedule('rests too', NULL, 'SELECT pg_sleep(601)', options => '{"run_on": "standby"}')});
$primary->safe_psql('postgres', 'CREATE DATABASE doomed');
$primary->safe_psql('doomed', qq{
    CREATE EXTENSION pg_steward;
    SELECT steward.schedule('sleeps', '* * * * * *', 'SELECT pg_sleep(600)', options => '{"run_on": "standby"}');
    SELECT steward.schedule('lives', '* * * * * *', '$command{'in the doomed'}', options => '{"run_on": "standby"}')});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
# What rests there must not be in the way of what is replayed.
$standby->append_conf('postgresql.conf', "hot_standby_feedback = on\nwal_receiver_status_interval = 1");
$standby->start;
wait_for($primary, 'EXISTS (SELECT FROM pg_stat_replication WHERE backend_xmin IS NOT NULL)', 'what the standby still needs');
wait_for_log($standby, 'says: on a standby', 2);
wait_for_log($standby, 'says: on both', 2);
wait_for_log($standby, 'says: at its start', 1);
wait_for_log($primary, 'says: on both', 2);

is(logged($standby, 'says: after a crash'), 0, 'a base backup that is started has not crashed');

# Each at its time, and what writes says why it cannot. The standby knows all of this from the primary's changes, which it
# looks for once a minute: the bound of this wait, while other things are tried meanwhile.
$primary->safe_psql('postgres', q{
    SELECT steward.schedule('cannot', '* * * * * *', 'INSERT INTO done VALUES (''cannot'')', options => '{"run_on": "standby"}')});
schedule_daily($primary, 1, 'daily', saying('daily'), '{"run_on": "standby"}');

is($standby->safe_psql('postgres', q{SELECT state, waiting_reason, next_run FROM steward.jobs WHERE name = 'writer'}), 'idle|only runs on a primary|',
    'a view on the standby says what does not run there');
is($primary->safe_psql('postgres', q{SELECT state, waiting_reason, next_run FROM steward.jobs WHERE name = 'reader'}), 'idle|only runs on a standby|',
    'and one on the primary what does not run here');
is($standby->safe_psql('postgres', q{SELECT string_agg(name, ' ' ORDER BY name) FROM steward.jobs WHERE next_run IS NOT NULL}), 'both reader',
    'next_run is known of those that run there');

# One by hand as well. Runs on both sides have numbers of their own: the primary's history hides none that is under way on the standby.
$standby->safe_psql('postgres', "SELECT steward.run_job('rests'), steward.run_job('rests too')");
wait_for($standby, q{(SELECT count(*) FROM steward.job_runs WHERE job LIKE 'rests%' AND outcome = 'running') = 2}, 'runs by hand');
my $most = $primary->safe_psql('postgres', 'SELECT max(run_id) FROM steward.job_history');
wait_for($primary, "(SELECT max(run_id) FROM steward.job_history) > $most + 3", 'runs on the primary');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is($standby->safe_psql('postgres', q{SELECT job, outcome, pid IS NOT NULL FROM steward.job_runs WHERE job LIKE 'rests%' ORDER BY job}),
    "rests|running|t\nrests too|running|t", 'the runs under way on the standby are shown there');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM steward.job_runs WHERE job = 'rests' AND run_id IN (SELECT run_id FROM steward.job_history)}), '0',
    'under numbers of their own');
is($standby->safe_psql('postgres', q{SELECT steward.cancel_run(run_id) FROM steward.job_runs WHERE job = 'rests'}), 't', 'and can be cancelled');
wait_for_log($standby, 'job "rests" cancelled', 1);

# What changed on the primary.
wait_for_log($standby, 'job "cannot" failed: cannot execute INSERT in a read-only transaction', 1);
wait_for_log($standby, 'says: daily', 1);
is($primary->safe_psql('postgres', q{SELECT string_agg(DISTINCT job_name, ' ' ORDER BY job_name) FROM steward.job_history}), 'both writer',
    'the history has no run of the standby');

# A database goes on the primary, and with it here, while jobs of it run.
my $of_doomed = q{FROM pg_stat_activity WHERE datname = 'doomed'};
wait_for($standby, "EXISTS (SELECT $of_doomed AND query LIKE '%pg_sleep(600)%')", 'a run in a database');
wait_for_log($standby, 'says: in the doomed', 2);
my $first = launcher_of($standby);
$primary->safe_psql('postgres', 'DROP DATABASE doomed');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
my $before = logged($standby, 'says: on a standby');
wait_for_log($standby, 'says: on a standby', $before + 3);
is($standby->safe_psql('postgres', "SELECT count(*) $of_doomed"), '0', 'a dropped database is replayed under its jobs');
my $in_vain = logged($standby, 'FATAL:.*database .* does not exist');
wait_for_log($standby, 'says: on a standby', $before + 6);
is(logged($standby, 'FATAL:.*database .* does not exist'), $in_vain, 'and nobody goes on looking for it');
is(launcher_of($standby), $first, 'the launcher lives on');

# A launcher that is replaced does not know what has run there, as nothing is recorded, but from when on it has to care.
my $launcher = launcher_of($standby);
$standby->safe_psql('postgres', "SELECT pg_terminate_backend($launcher)");
wait_for($standby, "EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward launcher' AND pid <> $launcher)", 'a new launcher');
my $seen = logged($standby, 'says: on a standby');
wait_for_log($standby, 'says: on a standby', $seen + 2);
is(logged($standby, 'says: daily'), 1, 'a new launcher makes up for nothing that has run');
is(logged($standby, 'says: at its start'), 1, 'and takes its start for no start of the server');
is($standby->safe_psql('postgres', q{SELECT job, outcome FROM steward.job_runs WHERE job = 'rests too'}), 'rests too|running', 'runs under way go on');

# A process that is killed takes all others with it; then the standby begins anew.
kill 'KILL', launcher_of($standby) or die "kill: $!";
wait_for_log($standby, 'says: at its start', 2);
$seen = logged($standby, 'says: on a standby');
wait_for_log($standby, 'says: on a standby', $seen + 2);
wait_for_log($standby, 'says: after a crash', 1);
is(logged($standby, 'says: daily'), 1, 'nor does the one after a crash');
$standby->safe_psql('postgres', "SELECT steward.run_job('rests too')");
wait_for($standby, q{EXISTS (SELECT FROM steward.job_runs WHERE job = 'rests too' AND outcome = 'running')}, 'a run that lives through the promotion');

$primary->stop('fast');
$standby->promote;
my $writers = $standby->safe_psql('postgres', q{SELECT count(*) FROM done});
wait_for($standby, "(SELECT count(*) FROM done) > $writers + 1", 'the jobs of a primary');
wait_for($standby, q{NOT EXISTS (SELECT FROM steward.job_runs WHERE job = 'reader' AND ended_at IS NULL)}, 'the last run of a standby');
$seen = logged($standby, 'says: on a standby');
wait_for($standby, "(SELECT count(*) FROM done) > $writers + 3", 'more of them');
is(logged($standby, 'says: on a standby'), $seen, 'promoted, it runs no job of a standby any more');
is($standby->safe_psql('postgres', q{SELECT state, waiting_reason FROM steward.jobs WHERE name = 'reader'}), 'idle|only runs on a standby', 'and says so');
$standby->safe_psql('postgres', q{SELECT steward.cancel_run(run_id) FROM steward.job_runs WHERE job = 'rests too'});
wait_for($standby, q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'rests too')}, 'the record of a run that began before');
is(runs_of($standby, 'rests too'), 'manual 1 cancelled', 'what began on the standby and ends on the primary is recorded');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM steward.job_history WHERE run_id > 0 AND job_name IN ('reader', 'starts', 'daily', 'cannot', 'rests')}), '0',
    'and none of a standby has begun since');

$standby->stop;
# A standby that crashes replays the end of the dropped database once more.
my $expected = qr/terminating (?:background worker|connection)|could not receive|could not connect|streaming|replication|walreceiver|terminated by|not a standby|job "|database .* does not exist|invalid database|directory "base\/\d+"/;
quiet_log($_, $expected) for $primary, $standby;
done_testing();
