# SPDX-License-Identifier: PostgreSQL
#
# Commands that fail, never end, lose what they stand on or work on the scheduler itself: nothing of it reaches their neighbours.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use ScheduleTest;
use StewardTest;
use Test::More;

my $node = scheduler_node('main');
sub sql { return ask($node, shift); }
sub messages { my $what = shift; return scalar grep { /$what/ && !/LOG:  statement: / } split /\n/, slurp_file($node->logfile); }

# ---- Commands that do not end ----------------------------------------------------------------------------------------

# These two wait for the grace of ten seconds, while the rest goes on.
my $deaf = q{DO $$BEGIN LOOP BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END$$};
soon($node, 'deaf_late', $deaf, '{"timeout": "500 ms"}');
soon($node, 'deaf', $deaf);
soon($node, 'late', 'SELECT pg_sleep(600)', '{"timeout": "500 ms"}');
soon($node, 'busy', 'SELECT count(*) FROM generate_series(1, 1000000000000)');
running_pid($node, $_) for ('deaf', 'busy');
sub cancel { my $job = shift; return sql("SELECT steward.cancel_run(run_id) FROM steward.job_runs WHERE job = '$job' AND outcome = 'running'"); }
is(cancel('busy') . cancel('deaf'), 'tt', 'two runs are cancelled');
ended($node, $_, 1) for ('busy', 'late');
is(outcomes($node, 'busy'), 'cancelled 57014', 'cancel_run() ends a command that would not end');
is(outcomes($node, 'late'), 'timed_out 57014', 'so does its timeout');
await($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 1000000000000)' AND backend_type = 'pg_steward')}, 'its process to go');

# ---- What a session leaves behind ------------------------------------------------------------------------------------

sql(q{CREATE ROLE clerk LOGIN; GRANT INSERT ON done TO clerk});
my %leaves = (
    discards => 'SELECT 1; DISCARD ALL',
    becomes => 'SET ROLE clerk',
    poses => 'SET SESSION AUTHORIZATION clerk',
    tells => q{NOTIFY steward, 'said'},
    keeps => 'CREATE TEMPORARY TABLE kept (id integer); PREPARE kept AS SELECT 1; BEGIN; DECLARE kept CURSOR WITH HOLD FOR SELECT 1; COMMIT',
    locks => 'SELECT pg_advisory_lock(1), pg_advisory_lock_shared(2)',
    sets => q{SET search_path = ''; SET default_transaction_read_only = on; SET default_transaction_isolation = serializable;
        SET statement_timeout = '1min'; SET lock_timeout = '1ms'; SET idle_in_transaction_session_timeout = '1ms'; SET synchronous_commit = remote_apply},
    prepares => q{BEGIN; INSERT INTO done VALUES ('prepared'); PREPARE TRANSACTION 'left'},
);
soon($node, $_, $leaves{$_}) for sort keys %leaves;
ended($node, $_, 1) for sort keys %leaves;
is(sql(q{SELECT string_agg(DISTINCT outcome || ' as ' || role_name, ', ') FROM steward.job_history WHERE job_name IN ('} . join(q{', '}, keys %leaves) . q{')}),
    'succeeded as postgres', 'a session may be turned inside out, and its run is recorded all the same');
soon($node, 'listens', 'LISTEN steward');
soon($node, 'looks', q{INSERT INTO public.done SELECT concat_ws(' ', session_user, current_user, current_setting('search_path'),
    current_setting('default_transaction_read_only'), current_setting('lock_timeout'), pg_try_advisory_lock(1), pg_try_advisory_lock(2),
    (SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors),
    to_regclass('kept'))});
ended($node, $_, 1) for ('looks', 'listens');
like(outcomes($node, 'listens'), qr/^(?:succeeded|failed 0A000)$/, 'LISTEN is of no use in a job, and newer servers say so');
is(sql(q{SELECT what FROM done}), 'postgres postgres "$user", public off 0 t t 0 0 0', 'the next run sees nothing of it');
sql(q{COMMIT PREPARED 'left'});
is(sql(q{SELECT count(*) FROM done WHERE what = 'prepared'}), '1', 'a prepared transaction outlives its run');

# ---- Commands that work on the scheduler -----------------------------------------------------------------------------

sql(q{SELECT steward.schedule('drops_itself', '* * * * * *', 'SELECT steward.unschedule(''drops_itself''); INSERT INTO done VALUES (''after dropping'')')});
soon($node, 'alters_itself', q{SELECT steward.alter_job('alters_itself', '@yearly', 'SELECT 1'); INSERT INTO done VALUES ('after altering')});
soon($node, 'makes_another', q{SELECT steward.schedule_at('another', clock_timestamp() + interval '200 ms', 'SELECT 1')});
soon($node, 'prepares_a_job', q{BEGIN; SELECT steward.schedule('never', '@daily', 'SELECT 1'); PREPARE TRANSACTION 'job'});
sql(q{SELECT steward.schedule('asked', NULL, 'SELECT 1')});
soon($node, 'asks', q{SELECT steward.run_job('asked')});
soon($node, 'builds', q{CREATE TABLE built (id integer); INSERT INTO built VALUES (1); CREATE INDEX CONCURRENTLY built_id ON built (id);
    ALTER TABLE built ADD COLUMN more text; ANALYZE built; CREATE DATABASE built; DROP DATABASE built; DROP TABLE built});
soon($node, 'builds_whole', 'VACUUM done', '{"atomic": true}');
ended($node, $_, 1) for qw(drops_itself alters_itself makes_another another prepares_a_job asks asked builds builds_whole);
is(outcomes($node, 'drops_itself'), 'succeeded', 'a job drops itself, and is recorded under the name it had');
is(sql(q{SELECT count(*) FROM steward.jobs WHERE name = 'drops_itself'}), '0', 'and is gone');
await($node, q{(SELECT next_run > now() + interval '10 seconds' OR date_part('doy', next_run) = 1 FROM steward.jobs WHERE name = 'alters_itself')}, 'the new schedule');
is(outcomes($node, 'alters_itself'), 'succeeded', 'a job alters itself, and goes on as it was to its end');
is(sql(q{SELECT string_agg(what, ', ' ORDER BY what) FROM done WHERE what LIKE 'after%'}), 'after altering, after dropping', 'with all its statements');
is(outcomes($node, 'another'), 'succeeded', 'a job makes another');
is(outcomes($node, 'prepares_a_job'), 'failed 0A000', 'but not in a transaction that waits for its end');
is(outcomes($node, 'asked'), 'succeeded', 'a job asks for a run of another');
is(outcomes($node, 'builds'), 'succeeded', 'DDL of every kind runs in a job');
is(outcomes($node, 'builds_whole'), 'failed 25001', 'where no transaction is wrapped around it');

# ---- What goes away under a job --------------------------------------------------------------------------------------

sql(q{CREATE TABLE victim (id integer); CREATE ROLE leaver LOGIN; CREATE ROLE muted LOGIN; CREATE ROLE barred LOGIN; GRANT CREATE ON SCHEMA public TO muted});
sql(q{REVOKE CONNECT ON DATABASE postgres FROM PUBLIC; GRANT CONNECT ON DATABASE postgres TO leaver, muted, barred});
sql(qq{SELECT steward.schedule('of_$_', '* * * * * *', 'SELECT 1', role => '$_')}) for qw(leaver muted barred);
ended($node, "of_$_", 1) for qw(leaver muted barred);
sql(q{DROP TABLE victim; REVOKE CONNECT ON DATABASE postgres FROM leaver, barred; DROP ROLE leaver; ALTER ROLE muted NOLOGIN});
soon($node, 'reads_victim', 'SELECT * FROM victim');
ended($node, 'reads_victim', 1);
is(outcomes($node, 'reads_victim'), 'failed 42P01', 'a dropped table fails a run');
await($node, q{(SELECT count(*) = 3 FROM steward.jobs WHERE state = 'broken')}, 'three broken jobs');
is(sql(q{SELECT string_agg(waiting_reason, '; ' ORDER BY name) FROM steward.jobs WHERE state = 'broken'}),
    'role "barred" may not connect to this database; role "leaver" does not exist; role "muted" is not permitted to log in',
    'jobs of roles that are gone, muted or barred say so');
is(sql(q{SELECT count(*) FROM steward.late_jobs WHERE kind = 'broken'}), '3', 'and are among those that should worry somebody');
my $refused = messages('FATAL:  (?:role .* (?:does not exist|is not permitted)|permission denied for database)');
cmp_ok($refused, '<=', 6, "the log has a line or two of each, and then silence ($refused)");
sql(q{ALTER ROLE muted LOGIN; GRANT CONNECT ON DATABASE postgres TO barred; SELECT steward.limit_job_group('look again', 1)});
my $runs = q{(SELECT count(*) FROM steward.job_history WHERE job_name IN ('of_muted', 'of_barred'))};
my $seen = sql("SELECT $runs");
await($node, "$runs > $seen + 1", 'runs of the roles that may again');
sql(q{SELECT steward.unschedule(name) FROM steward.jobs WHERE name LIKE 'of\_%'});

# Databases: one dropped under a run, one whose extension a job drops.
sql("CREATE DATABASE $_") for ('dropped', 'bare');
$node->safe_psql($_, 'CREATE EXTENSION pg_steward') for ('dropped', 'bare');
$node->safe_psql('dropped', q{SELECT steward.schedule('sleeps', '* * * * * *', 'SELECT pg_sleep(600)'), steward.schedule('each', '* * * * * *', 'SELECT 1')});
await($node, q{(SELECT count(*) = 1 FROM steward.job_runs WHERE job = 'sleeps' AND outcome = 'running')}, 'a run in it', 'dropped');
sql('DROP DATABASE dropped WITH (FORCE)');
soon($node, 'strips', 'DROP EXTENSION pg_steward CASCADE; CREATE TABLE stripped ()', '{}', 'bare');
await($node, q{(SELECT to_regclass('stripped') IS NOT NULL)}, 'its run', 'bare');
await($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'bare' AND backend_type LIKE 'pg_steward%')}, 'the end of that run');
soon($node, 'after_all', 'SELECT 1');
ended($node, 'after_all', 1);
is(outcomes($node, 'after_all'), 'succeeded', 'a database dropped under a run and an extension dropped by one leave the launcher at work');
$node->safe_psql('bare', q{CREATE EXTENSION pg_steward; SELECT steward.schedule('again', '* * * * * *', 'SELECT 1')});
await($node, q{(SELECT count(*) > 0 FROM steward.job_history WHERE job_name = 'again' AND outcome = 'succeeded')}, 'its run', 'bare');
pass('and the extension comes back with its scheduler');
sql('DROP DATABASE bare WITH (FORCE)');

# ---- The deaf ones ---------------------------------------------------------------------------------------------------

ended($node, $_, 1) for ('deaf', 'deaf_late');
is(outcomes($node, 'deaf'), 'cancelled 57P01', 'a command that swallows its cancellation is terminated');
is(outcomes($node, 'deaf_late'), 'timed_out 57P01', 'also where the timeout cancelled it');

$node->stop('fast');
quiet_log($node, join('|', 'terminating (?:background worker|connection)', 'canceling statement',
    '(?:role|database) .* (?:does not exist|is not permitted to log in)', 'permission denied for database'));
done_testing();
