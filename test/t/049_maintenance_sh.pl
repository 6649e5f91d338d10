# SPDX-License-Identifier: PostgreSQL
#
# deploy/maintenance.sh with every command, wrong arguments, no server, and two at once; and the schedule that does without it.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use IPC::Run;
use MaintainTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

wait_past_midnight();
my $node = maintain_node('main');
my $script = dirname(__FILE__) . '/../../deploy/maintenance.sh';
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
sub sql { return $node->safe_psql('postgres', shift); }

# Its exit status, what it prints, and what it complains of.
sub maintenance {
    my ($out, $err) = ('', '');
    IPC::Run::run([ $script, @_ ], '<', \undef, '>', \$out, '2>', \$err);
    return ($? >> 8, $out, $err);
}
sub succeeds {
    my ($arguments, $wanted, $promise) = @_;
    my ($status, $out, $err) = maintenance(@$arguments);
    is($status, 0, "$promise: exit status") or diag($err);
    like($out . $err, $wanted, $promise);
    return $out . $err;
}
sub refused {
    my ($arguments, $status, $wanted, $promise) = @_;
    my ($got, $out, $err) = maintenance(@$arguments);
    is($got, $status, "$promise: exit status");
    like($err, $wanted, $promise);
}
sub steps { return sql(q{SELECT coalesce(string_agg(action || ' ' || object || ' ' || outcome, ', ' ORDER BY step_id), '-') FROM steward.maintenance_ledger WHERE object LIKE 'public.%'}); }

# Nothing of a wrong call reaches the server.
succeeds(['--help'], qr/^Usage: maintenance\.sh/, 'the help');
refused(['vacuum', 'analyze'], 2, qr/one command at a time: vacuum, analyze/, 'two commands');
refused(['vakuum'], 2, qr/unknown command vakuum/, 'a command that there is not');
refused(['--force'], 2, qr/unknown option --force/, 'an option that there is not');
refused(['--database'], 2, qr/--database needs the name of a database/, 'a database without a name');
refused(['-d', ''], 2, qr/-d needs the name/, 'an empty name');
refused(['--database', 'nowhere'], 3, qr/database "nowhere" does not exist/, 'a database that there is not');
sql('CREATE DATABASE bare');
refused(['--database=bare'], 3, qr/database "bare" has no pg_steward.*CREATE EXTENSION/s, 'a database without the extension');
{
    local $ENV{PGPORT} = 1;
    refused(['vacuum'], 3, qr/\.s\.PGSQL\.1\b/, 'a server that is down');
}
is(steps(), '-', 'nothing was done so far');

# Each command does its own.
untidy($node, 'public.messy', 20_000);
sql(q{CREATE TABLE public.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
      SELECT steward.manage_partitions('public.events', '1 day', future => 2, timezone => 'UTC')});
my $plan = succeeds(['--dry-run'], qr/vacuum, if it were done now.*vacuum\s*\|\s*public\.messy/s, 'a dry run shows what needs a vacuum');
like($plan, qr/create\s*\|.*events/, 'and which partitions are missing');
is(steps() . sql(q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.events'::regclass}), '-0', 'and does nothing');
succeeds(['vacuum'], qr/INFO:  vacuum public\.messy: done/, 'vacuum tells of each step');
is(steps(), 'vacuum public.messy done', 'and does nothing else');
succeeds(['analyze'], qr/INFO:  analyze public\.messy: done/, 'analyze');
wait_for($node, q{NOT EXISTS (SELECT FROM steward.maintenance_plan(actions => '{freeze,vacuum}'))}, 'the counts of what was written meanwhile');
like((maintenance('vacuum'))[2], qr/^INFO:  nothing needs maintenance$/m, 'then nothing is left to do');
succeeds(['partitions'], qr/create\s*\|\s*public\.events_\w+\s*\|\s*done/, 'partitions');
is(sql(q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.events'::regclass}), 3, 'they are there');
sql(q{CREATE INDEX messy_i ON public.messy (i); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.messy_i'::regclass});
succeeds(['reindex'], qr/INFO:  reindex public\.messy_i: done/, 'reindex');
sql(q{DELETE FROM public.messy WHERE i % 4 = 1});
wait_for_counts($node, 'public.messy');
succeeds([], qr/^vacuum\n.*^analyze\n.*^partitions\n/ms, 'without a command it vacuums, analyses and looks after partitions');
like(steps(), qr/reindex public\.messy_i done, vacuum public\.messy done, analyze public\.messy done$/, 'that was done');

# Backups and logs.
refused(['backup'], 1, qr/no backup is set up in this database.*HINT:  See steward\.enable_backups\(\)/s, 'a backup that nobody has set up');
my $backups = $node->basedir . '/backups';
mkdir $backups or die "$backups: $!";
sql("SELECT steward.enable_backups('pg_dump', NULL, '$backups')");
succeeds(['backup', '-n'], qr/CALL steward\.run_program\('pg_dump'\)/, 'a dry run shows the backup');
is(sql('SELECT count(*) FROM steward.backups'), 0, 'and makes none');
succeeds(['backup'], qr/pg_dump\s*\|\s*good\s*\|.*\|\s*t\s*\|/, 'backup');
sql(q{SELECT steward.allow_backup('broken', '{/bin/false}')});
refused(['backup'], 1, qr/failed: backup/, 'a backup that fails');
is(sql(q{SELECT string_agg(program || ' ' || outcome, ', ' ORDER BY backup_id) FROM steward.backups}), 'pg_dump good, broken failed, pg_dump good', 'the other was made');
sql(q{SELECT steward.forbid_program('broken')});
succeeds(['logs'], qr/^logs\n/m, 'logs');
succeeds(['full'], qr/^vacuum\n.*^analyze\n.*^reindex\n.*^partitions\n.*^backup\n.*pg_dump.*^logs\n/ms, 'full does it all');

# What fails is told, and stops nothing else.
sql(q{CREATE TABLE public.broken (at timestamptz NOT NULL) PARTITION BY RANGE (at);
      SELECT steward.manage_partitions('public.broken', '1 day', timezone => 'UTC');
      UPDATE steward.partition_sets SET timezone = 'Nowhere/Land' WHERE parent = 'public.broken'::regclass;
      DROP TABLE public.events; CREATE TABLE public.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
      SELECT steward.manage_partitions('public.events', '1 day', future => 2, timezone => 'UTC');
      DELETE FROM public.messy WHERE i % 3 = 1});
wait_for_counts($node, 'public.messy');
refused([], 1, qr/failed: partitions/, 'a set that cannot be maintained');
is(sql(q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.events'::regclass}), 3, 'the other set was');
sql(q{DROP TABLE public.broken});

# Two at once: the second says so and touches nothing.
slow_table($node, 'public.slow_one');
my $holder = hold_up($node);
my ($out, $err) = ('', '');
my $first = IPC::Run::start([ $script, 'analyze' ], '<', \undef, '>', \$out, '2>', \$err);
wait_for($node, q{EXISTS (SELECT FROM steward.maintenance_ledger WHERE object = 'public.slow_one' AND outcome = 'running')}, 'the first');
refused(['vacuum'], 4, qr/another maintenance\.sh is at work in database "postgres"/, 'a second one at the same time');
succeeds(['vacuum', '-n'], qr/if it were done now/, 'one that only looks is let in');

# Ended by a signal it cancels what it does, and leaves the rest.
$first->signal('TERM');
$first->finish;
wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pg_steward maintenance.sh')}, 'its session to end');
is(sql(q{SELECT DISTINCT outcome FROM steward.maintenance_ledger WHERE object = 'public.slow_one'}), 'cancelled', 'a signal cancels the step under way');
isnt($first->result, 0, 'and it does not say that all was done');
let_go($node, $holder);

# The schedule without any cron.
my $jobs = q{SELECT string_agg(concat_ws(' | ', job_name, outcome, schedule, to_char(next_run AT TIME ZONE 'Europe/Berlin', 'HH24:MI:SS')), E'\n')
    FROM steward.enable_default_maintenance('Europe/Berlin') WHERE job_name ~ 'maintenance' AND job_name !~ 'partition'};
is(sql($jobs), "daily maintenance | scheduled | 0 2 * * * | 02:00:00\nfull maintenance | scheduled | 0 1 * * sun | 01:00:00", 'the default schedule');
sql(q{SELECT steward.alter_job('daily maintenance', '0 4 * * *')});
is(sql($jobs), "daily maintenance | was there | 0 4 * * * | 04:00:00\nfull maintenance | was there | 0 1 * * sun | 01:00:00", 'what was there stays as it is');
sql(q{SELECT steward.run_job(name) FROM steward.jobs});
wait_for($node, q{(SELECT count(DISTINCT job_name) FROM steward.job_history) = (SELECT count(*) FROM steward.jobs)}, 'a run of each job');
is(sql(q{SELECT string_agg(DISTINCT job_name || ': ' || coalesce(message, outcome), ', ') FROM steward.job_history WHERE outcome <> 'succeeded'}), '', 'each of its jobs succeeds');

$node->stop('fast');
quiet_log($node, 'canceling statement|terminating (?:background worker|connection)|has no pg_steward|does not exist|another maintenance.sh|partitions could not|failed: |no backup is set up|backup has failed|"broken" failed');
done_testing();
