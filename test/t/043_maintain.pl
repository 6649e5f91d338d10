# SPDX-License-Identifier: PostgreSQL
#
# steward.maintain() runs what the plan shows, within its budgets, and the ledger tells of each step however it ends.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use MaintainTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = maintain_node('main');
sub sql { return $node->safe_psql('postgres', shift); }

# ---- The plan, and exactly that --------------------------------------------------------------------------------------

untidy($node, 'public.bloated', 20_000);
sql(q{CREATE TABLE public.fresh AS SELECT generate_series(1, 1000) i});
wait_for_counts($node, 'public.fresh');
wait_for($node, q{(SELECT bool_and(n_dead_tup = 10000 OR n_ins_since_vacuum = 1000) FROM pg_stat_user_tables WHERE schemaname = 'public')}, 'the counters');
my $plan = planned($node, '', q{object LIKE 'public.%'});
like($plan, qr/vacuum public\.bloated run/, 'a table with dead rows is to be vacuumed');
like($plan, qr/analyze public\.fresh run/, 'one without statistics to be analysed');
my ($status, $said) = call_maintain($node);
is($status, 0, 'maintenance succeeds');
like($said, qr/INFO:  vacuum public\.bloated: done, .* of WAL/, 'and tells of each step');
(my $done = $plan) =~ s/ run\b/ done/g;
is(ledger($node, q{object LIKE 'public.%'}), $done, 'the steps of the plan were run, in its order');
wait_for($node, q{NOT EXISTS (SELECT FROM steward.maintenance_plan() WHERE object LIKE 'public.%')}, 'the counters');
pass('after which nothing is to be done');
call_maintain($node);
unlike(ledger($node, 'run_id > 1'), qr/public\./, 'and nothing is done');
is(sql(q{SELECT count(*) FROM steward.maintenance_ledger WHERE run_id = 1 AND (wal_bytes IS NULL OR ended_at IS NULL OR bytes_after IS NULL OR predicted_seconds <= 0)}),
    '0', 'each step has its figures, and all have one run');
is(sql(q{SELECT coalesce(dead_rows_removed > 9000, current_setting('server_version_num')::int < 150000) FROM steward.maintenance_ledger WHERE action = 'vacuum' AND object = 'public.bloated'}), 't', 'dead rows are counted');
wait_for($node, q{(SELECT n_dead_tup = 0 FROM pg_stat_user_tables WHERE relname = 'bloated')}, 'the counters');
pass('and gone');

# ---- Where it cannot be called ---------------------------------------------------------------------------------------

my (undef, undef, $stderr) = $node->psql('postgres', "BEGIN; CALL steward.maintain(); COMMIT");
like($stderr, qr/ERROR:  steward\.maintain\(\) cannot run inside a transaction block\nHINT:  CALL it by itself/, 'not inside a transaction block');
(undef, undef, $stderr) = $node->psql('postgres', q{CALL steward.maintain('-1 hour')});
like($stderr, qr/ERROR:  budget must be greater than 0/, 'not for less than no time');
is(sql(q{DO $$BEGIN CALL steward.maintain(); END$$; SELECT 1}), '1', 'but from PL/pgSQL');
sql(q{CREATE TABLE public.by_job AS SELECT generate_series(1, 1000) i});
wait_for_counts($node, 'public.by_job');
sql(q{SELECT steward.schedule('maintenance', '@yearly', 'CALL steward.maintain()')});
sql(q{SELECT steward.run_job('maintenance')});
wait_for($node, q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'maintenance')}, 'the job');
like(runs_of($node, 'maintenance'), qr/^\w+ 1 succeeded$/, 'and from a job');
like(ledger($node, q{object = 'public.by_job'}), qr/analyze public\.by_job done/, 'which does the same');

# ---- Budgets ---------------------------------------------------------------------------------------------------------

untidy($node, 'public.second', 20_000);
like(planned($node, 'wal_bytes => 1000'), qr/vacuum public\.second no WAL left/, 'what would write too much WAL is shown as such');
call_maintain($node, 'wal_bytes => 1000');
is(ledger($node, q{object = 'public.second'}), '', 'and not run');
like(planned($node, q{'10 milliseconds'}), qr/vacuum public\.second no time/, 'likewise what takes too long');
call_maintain($node, q{'10 milliseconds'});
is(ledger($node, q{object = 'public.second'}), '', 'that neither');
call_maintain($node, q{'1 hour', ARRAY['analyze']});
is(ledger($node, q{object = 'public.second' AND action <> 'analyze'}), '', 'only the actions asked for are run');
call_maintain($node, q{'1 hour'});
is(ledger($node, q{object = 'public.second' AND action = 'vacuum'}), 'vacuum public.second done', 'what fits is run');

# ---- The end of the window -------------------------------------------------------------------------------------------

slow_table($node, 'public.slow_one');
untidy($node, 'public.third', 20_000);
my $holdup = hold_up($node);
($status, $said) = call_maintain($node, q{'5 seconds'});
like($said, qr/analyze public\.slow_one: cancelled, .*the window has ended/, 'no step runs past the end of the window');
isnt($status, 0, 'and the call says so');
is(ledger($node, q{object = 'public.third' AND action = 'vacuum'}), 'vacuum public.third postponed', 'what was to come after it is left for the next');

# ---- Two at once, and cancelling ---------------------------------------------------------------------------------------

my $first = session($node, 'first', 'CALL steward.maintain()');
worker_pid($node);
(undef, $said) = call_maintain($node);
like($said, qr/ERROR:  maintenance of database "postgres" is under way already/, 'one at a time');
wait_for($node, q{EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'first' AND state = 'active' AND backend_xmin IS NULL)}, 'a moment in which it does not look');
pass('who waits for it keeps no snapshot');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'first'});
ok(!finish($first), 'a cancelled call fails');
like(ledger($node, q{outcome = 'cancelled' AND step_id = (SELECT max(step_id) FROM steward.maintenance_ledger WHERE object = 'public.slow_one')}),
    qr/analyze public\.slow_one cancelled/, 'and its step is in the ledger');
wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward')}, 'the worker to go');

# ---- Faults ----------------------------------------------------------------------------------------------------------

$first = session($node, 'first', 'CALL steward.maintain()');
my $worker = worker_pid($node);
sql("SELECT pg_terminate_backend($worker)");
ok(!finish($first), 'a call whose worker is terminated fails');
like($first->{err}, qr/ERROR:  the maintenance worker ended before its work was done/, 'and says so');
$first = session($node, 'first', 'CALL steward.maintain()');
$worker = worker_pid($node);
kill 'KILL', $worker;
finish($first);
wait_for($node, 'true', 'the server to come back');
# The crash has ended it.
finish($holdup);
is(sql(q{SELECT count(*) FROM steward.maintenance_ledger WHERE outcome = 'running'}), '1', 'a crash leaves a step that seems to run');
($status, $said) = call_maintain($node);
is($status, 0, 'the next call goes on');
like(sql(q{SELECT string_agg(outcome, ' ' ORDER BY step_id) FROM steward.maintenance_ledger WHERE object = 'public.slow_one'}), qr/interrupted interrupted done$/,
    'and knows what was interrupted');

# ---- A failing step ----------------------------------------------------------------------------------------------------

sql(q{CREATE FUNCTION public.fails(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN i / 0; END$$;
    CREATE TABLE public.broken (i int); CREATE INDEX ON public.broken (public.fails(i)) WHERE i > 0;
    CREATE TABLE public.sound AS SELECT generate_series(1, 1000) i});
wait_for_counts($node, 'public.sound');
sql(q{CREATE OR REPLACE FUNCTION public.fails(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i'; INSERT INTO public.broken SELECT generate_series(1, 1000)});
sql(q{CREATE OR REPLACE FUNCTION public.fails(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN i / 0; END$$});
($status, $said) = call_maintain($node);
like($said, qr/ERROR:  1 of \d+ steps of maintenance failed\nDETAIL:  analyze public\.broken: failed, .*division by zero/, 'a failed step is an error in the end');
like(ledger($node, q{object = 'public.sound'}), qr/analyze public\.sound done/, 'and stops no other');
is(sql(q{SELECT sqlstate FROM steward.maintenance_ledger WHERE object = 'public.broken' AND action = 'analyze'}), '22012', 'with its SQLSTATE in the ledger');

$node->stop('fast');
quiet_log($node, join('|', 'steps of maintenance failed', 'cannot run inside', 'budget must be', 'is under way already', 'canceling statement', 'ended before its work',
    'terminating (?:background worker|connection)', 'terminating connection', 'terminated by signal', 'crash of another server process', 'the window has ended'));
done_testing();
