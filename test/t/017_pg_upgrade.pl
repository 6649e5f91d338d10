# SPDX-License-Identifier: PostgreSQL
#
# pg_upgrade carries sets, trash, jobs and history over to the new cluster, where maintenance and jobs go on as if nothing had been.
use strict;
use warnings;
use Cwd;
use File::Basename;
use File::Find;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

wait_past_midnight('UTC', 'Europe/Berlin');
my ($bindir) = grep { -x "$_/pg_upgrade" && -x "$_/postgres" } split /:/, $ENV{PATH};
plan skip_all => 'pg_upgrade is not installed beside the server' unless defined $bindir;

my $old = PostgreSQL::Test::Cluster->new('old');
$old->init;
$old->append_conf('postgresql.conf', 'autovacuum = off');
$old->start;
$old->safe_psql('postgres', q{
    CREATE SCHEMA "Odd place";
    CREATE EXTENSION pg_steward SCHEMA "Odd place";
    CREATE ROLE "Set Owner";
    CREATE SCHEMA "Sch""ema.x";
    CREATE SCHEMA theirs AUTHORIZATION "Set Owner";
    GRANT USAGE ON SCHEMA "Odd place" TO "Set Owner";
    CREATE TABLE calls (hook text, parent regclass, partition text);
    CREATE FUNCTION "Sch""ema.x"."Be fore"(regclass, text, text) RETURNS boolean LANGUAGE sql
        AS $$ INSERT INTO public.calls VALUES ('before', $1, $2) RETURNING true $$;
    CREATE FUNCTION "Sch""ema.x"."Af ter"(regclass, text, text) RETURNS boolean LANGUAGE sql
        AS $$ INSERT INTO public.calls VALUES ('after', $1, $2) RETURNING true $$;

    CREATE TABLE "Sch""ema.x"."Mixed Case" ("At" timestamptz NOT NULL, n integer) PARTITION BY RANGE ("At");
    CREATE TABLE "Sch""ema.x"."Tem plate" (LIKE "Sch""ema.x"."Mixed Case", UNIQUE (n)) WITH (fillfactor = 70);
    SELECT * FROM steward.manage_partitions('"Sch""ema.x"."Mixed Case"', '1 month', future => 3, timezone => 'Europe/Berlin',
        options => json_build_object('start', now() - interval '5 months', 'max_drop_percent', 100,
            'template', '"Sch""ema.x"."Tem plate"', 'before_create', '"Sch""ema.x"."Be fore"',
            'after_create', '"Sch""ema.x"."Af ter"')::jsonb);
    SELECT "Odd place".create_future_partitions('"Sch""ema.x"."Mixed Case"');
    INSERT INTO "Sch""ema.x"."Mixed Case" SELECT now() - i * interval '1 day', i FROM generate_series(0, 140) i;
    SELECT * FROM steward.manage_partitions('"Sch""ema.x"."Mixed Case"', keep => '1 month');

    CREATE TABLE ids (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
    SELECT * FROM steward.manage_partitions('ids', '1 month', future => 2, codec => 'epoch_ms', timezone => 'UTC');
    SELECT "Odd place".create_future_partitions('ids');
    INSERT INTO ids SELECT extract(epoch FROM now())::bigint * 1000 + i FROM generate_series(1, 100) i;

    CREATE TABLE regions (code text) PARTITION BY LIST (code);
    SELECT * FROM steward.manage_partitions('regions', options => '{"lists": {"Europe": ["de", "fr"], "asia": ["jp"]}}');
    SELECT "Odd place".create_future_partitions('regions')});
$old->safe_psql('postgres', q{
    SET ROLE "Set Owner";
    CREATE FUNCTION theirs.encoded(timestamptz) RETURNS text LANGUAGE sql STABLE
        AS $$ SELECT to_char($1 AT TIME ZONE 'UTC', 'YYYYMMDD') $$;
    CREATE FUNCTION theirs.decoded(text) RETURNS timestamptz LANGUAGE sql STABLE
        AS $$ SELECT to_date($1, 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' $$;
    CREATE TABLE theirs.log (day text COLLATE "C" NOT NULL) PARTITION BY RANGE (day);
    SELECT * FROM steward.manage_partitions('theirs.log', '1 month', future => 2, codec => 'functions', timezone => 'UTC',
        options => '{"encode": "theirs.encoded", "decode": "theirs.decoded"}')});
$old->safe_psql('postgres', q{SELECT * FROM "Odd place".maintain_partitions()});
$old->safe_psql('postgres', q{INSERT INTO theirs.log SELECT theirs.encoded(now() + i * interval '1 day') FROM generate_series(0, 30) i});
# One of those in the trash comes back, and is held.
$old->safe_psql('postgres', q{SELECT steward.restore_partition(max(partition::text)) FROM steward.trash});

# A job that runs all the time.
$old->safe_psql('postgres', 'CREATE DATABASE jobs');
$old->safe_psql('jobs', q{
    CREATE EXTENSION pg_steward;
    CREATE ROLE "Job Owner" LOGIN;
    CREATE TABLE ran (at timestamptz DEFAULT clock_timestamp());
    GRANT INSERT ON ran TO "Job Owner";
    SELECT steward.schedule('often', '* * * * * *', 'INSERT INTO public.ran DEFAULT VALUES', role => '"Job Owner"')});
wait_for($old, '(SELECT count(*) > 1 FROM steward.job_history)', 'the job to run', 'jobs');

my $mixed = '"Sch""ema.x"."Mixed Case"';
my %state = (
    sets => 'SELECT * FROM steward.partition_sets ORDER BY parent::text',
    trash => 'SELECT * FROM steward.partition_trash ORDER BY partition::text',
    history => 'SELECT * FROM steward.partition_history ORDER BY history_id',
    calls => 'SELECT * FROM calls ORDER BY 1, 2, 3',
    partitions => 'SELECT inhparent::regclass, inhrelid::regclass FROM pg_inherits ORDER BY inhrelid::regclass::text',
    info => 'SELECT parent_table, partition_name, strategy, key, "interval", range_start, range_end, is_current
        FROM "Odd place".partition_info ORDER BY 1, 2',
    # A loader comes and goes.
    doctor => q{SELECT area, "check", verdict, regexp_replace(detail, '^\d+ (of \d+ in use)', '\1'), remedy FROM steward.doctor() ORDER BY 1, 2},
    drift => 'SELECT * FROM steward.partition_drift',
    plan => 'SELECT * FROM steward.partition_plan()',
);
my @tables = ($mixed, 'ids', 'theirs.log', map { "\"Sch\"\"ema.x\".$_" } split /\n/,
    $old->safe_psql('postgres', q{SELECT format('%I', relname) FROM pg_class WHERE oid IN (SELECT partition FROM steward.trash)}));
my %rows = map { $_ => fingerprint($old, $_) } @tables;
my %before = map { $_ => $old->safe_psql('postgres', $state{$_}) } sort keys %state;
cmp_ok(scalar @tables, '>', 4, 'something lies in the trash');
is($before{plan}, '', 'nothing to do');
is($before{drift}, '', 'and nothing to repair');
$old->stop;
my ($runs, $last_run) = split /\|/, do {
    # As the upgrade starts it: nothing of ours runs beside it.
    $old->command_ok(['pg_ctl', '-s', '-w', '-D', $old->data_dir, '-l', $old->logfile, '-o', '-b', 'start'], 'a start for an upgrade');
    is($old->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_steward%'}), 0,
        'starts no launcher');
    my $counts = $old->safe_psql('jobs', 'SELECT count(*), max(run_id) FROM steward.job_history');
    $old->command_ok(['pg_ctl', '-s', '-w', '-D', $old->data_dir, 'stop'], 'and stops');
    $counts;
};

my $new = PostgreSQL::Test::Cluster->new('new');
$ENV{OTHER_SYSTEM} = 1;
$new->init;
$new->append_conf('postgresql.conf', 'autovacuum = off');
# Logs are left in the directory that it is called in (before 15) or below the new data directory.
my $home = getcwd;
my $scratch = PostgreSQL::Test::Utils::tempdir;
chdir $scratch or die "$scratch: $!";
command_ok(['pg_upgrade', '-b', $bindir, '-B', $bindir, '-d', $old->data_dir, '-D', $new->data_dir, '-s', $new->host,
    '-p', $old->port, '-P', $new->port, '--retain'], 'pg_upgrade');
chdir $home or die "$home: $!";
my @noise;
find(sub {
    return unless /^pg_upgrade_(?:server|dump_.*)\.log$/;
    push @noise, grep { /(?:PANIC|FATAL|ERROR|WARNING|TRAP): / && !/FATAL:  the database system is / } split /\n/, slurp_file($_);
}, $scratch, $new->data_dir);
is(join("\n", @noise), '', 'the logs of pg_upgrade are quiet');

$new->start;
wait_for($new, 'steward.scheduler_problem() IS NULL', 'the launcher');
is($new->safe_psql('postgres', $state{$_}), $before{$_}, "the same $_") for sort keys %state;
is(fingerprint($new, $_), $rows{$_}, "$_: the same rows") for @tables;

wait_for($new, "(SELECT count(*) > $runs + 1 FROM steward.job_history)", 'the job to go on', 'jobs');
is($new->safe_psql('jobs', 'SELECT role, is_paused, waiting_reason FROM steward.jobs'), 'Job Owner|f|', 'jobs go on, as the same role');
is($new->safe_psql('jobs', "SELECT count(*), min(run_id) > $last_run FROM steward.job_history WHERE outcome <> 'succeeded' OR run_id = $last_run"),
    '1|f', 'with the history they had, and no run is called interrupted');

# What comes next is done as before.
my $last = $new->safe_psql('postgres', 'SELECT max(history_id) FROM steward.partition_history');
my $calls = $new->safe_psql('postgres', 'SELECT count(*) FROM calls');
$new->safe_psql('postgres', qq{SELECT * FROM steward.manage_partitions('$_->[0]', future => $_->[1])}) for [ $mixed, 5 ], [ 'ids', 4 ];
$new->safe_psql('postgres', q{SET ROLE "Set Owner"; SELECT * FROM steward.manage_partitions('theirs.log', future => 3)});
is($new->safe_psql('postgres', q{SET ROLE "Set Owner"; SELECT parent, action, outcome FROM "Odd place".maintain_partitions()}),
    'theirs.log|create|done', 'the owning role maintains what is its own');
is($new->safe_psql('postgres', q{SELECT parent, action, outcome, count(*) FROM "Odd place".maintain_partitions() GROUP BY 1, 2, 3 ORDER BY 1}),
    "\"Sch\"\"ema.x\".\"Mixed Case\"|create|done|2\npublic.ids|create|done|2", 'and everybody else\'s is maintained too');
is($new->safe_psql('postgres', $state{plan}), '', 'which leaves nothing to do');
is($new->safe_psql('postgres', $state{drift}), '', 'nor to repair');
is($new->safe_psql('postgres', 'SELECT count(*) FROM calls'), $calls + 4, 'the hooks were called');
is($new->safe_psql('postgres', "SELECT count(*), min(history_id) = $last + 1 FROM steward.partition_history WHERE history_id > $last"),
    '5|t', 'and the history goes on');
whole($new, $mixed);
is($new->safe_psql('postgres', "SELECT \"Odd place\".create_future_partitions('$mixed', 6)"), 1, 'one more by hand');
is($new->safe_psql('postgres', q{SELECT count(steward.restore_partition(partition::text)) FROM steward.trash}),
    scalar(@tables) - 3, 'the trash can be restored');
is($new->safe_psql('postgres', "SELECT count(*), count(DISTINCT n) FROM $mixed"), '141|141', 'with all the rows there ever were');
whole($new, $mixed);

# What is renamed is followed, and what is dropped is forgotten.
$new->safe_psql('postgres', qq{
    ALTER TABLE $mixed RENAME TO "Other Case";
    ALTER TABLE "Sch""ema.x"."Other Case" SET SCHEMA public;
    SELECT * FROM steward.manage_partitions('"Other Case"', future => 7);
    DROP TABLE "Sch""ema.x"."Tem plate"});
is($new->safe_psql('postgres', q{SELECT parent, outcome FROM "Odd place".maintain_partitions()}), 'public."Other Case"|done',
    'maintenance follows a renamed table');
is($new->safe_psql('postgres', q{SELECT count(*) FROM steward.partition_sets WHERE template IS NOT NULL}), 0, 'a dropped template is forgotten');
$new->safe_psql('postgres', 'DROP TABLE "Other Case", ids; DROP OWNED BY "Set Owner" CASCADE');
is($new->safe_psql('postgres', 'SELECT parent FROM steward.partition_sets'), 'regions', 'and so are dropped tables');
is($new->safe_psql('postgres', 'SELECT count(*) FROM steward.partition_trash'), 0, 'with their trash');
$new->safe_psql('postgres', 'DROP EXTENSION pg_steward');

# PostgreSQL 13 calls a worker's end the end of a connection.
quiet_log($_, qr/terminating (?:background worker "pg_steward"|connection)/) for $old, $new;
$new->stop;
done_testing();
