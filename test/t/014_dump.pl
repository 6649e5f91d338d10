# SPDX-License-Identifier: PostgreSQL
#
# Policies, trash and history survive pg_dump and restore into another database, and point to the right tables there.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

wait_past_midnight();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
    CREATE SCHEMA "Odd place";
    CREATE EXTENSION pg_steward SCHEMA "Odd place";
    CREATE SCHEMA "Sch""ema.x";
    CREATE TABLE "Sch""ema.x"."Mixed Case" ("At" timestamptz NOT NULL, n integer) PARTITION BY RANGE ("At");
    CREATE TABLE "Sch""ema.x"."Tem plate" (LIKE "Sch""ema.x"."Mixed Case");
    CREATE TABLE plain (day date NOT NULL) PARTITION BY RANGE (day);
    -- Shifts the OIDs, so that a number cannot hit by chance.
    CREATE TABLE gone (i integer);
    SELECT * FROM steward.manage_partitions('"Sch""ema.x"."Mixed Case"', '1 month', future => 3, timezone => 'UTC',
        options => json_build_object('start', date_trunc('month', now()) - interval '5 months', 'max_drop_percent', 100,
            'template', '"Sch""ema.x"."Tem plate"')::jsonb);
    SELECT * FROM steward.manage_partitions('plain', '1 day', future => 3);
    SELECT "Odd place".create_future_partitions('"Sch""ema.x"."Mixed Case"');
    INSERT INTO "Sch""ema.x"."Mixed Case" SELECT now() - i * interval '1 day', i FROM generate_series(0, 140) i;
    SELECT * FROM steward.manage_partitions('"Sch""ema.x"."Mixed Case"', keep => '3 months');
});
my $rows = fingerprint($node, '"Sch""ema.x"."Mixed Case"');
$node->safe_psql('postgres', 'SELECT * FROM "Odd place".maintain_partitions()');
$node->safe_psql('postgres', 'DROP TABLE gone');

my %state = (
    sets => 'SELECT * FROM steward.partition_sets ORDER BY parent::text',
    trash => 'SELECT * FROM steward.partition_trash ORDER BY partition::text',
    history => 'SELECT * FROM steward.partition_history ORDER BY history_id',
    partitions => 'SELECT inhparent::regclass, inhrelid::regclass FROM pg_inherits ORDER BY 1::text, 2::text',
    info => 'SELECT partition_name, strategy, key, "interval", range_start, range_end, is_current FROM "Odd place".partition_info ORDER BY 1',
);
$state{partitions} =~ s/1::text, 2::text/inhrelid::regclass::text/;
my %before = map { $_ => $node->safe_psql('postgres', $state{$_}) } sort keys %state;
isnt($before{trash}, '', 'something lies in the trash');

my $file = $node->basedir . '/dump';
for my $format ('custom', 'plain', 'inserts') {
    my $db = "restored_$format";
    # As in another cluster, where not every role exists.
    $node->safe_psql('postgres', "CREATE ROLE elsewhere; UPDATE steward.partition_sets SET registered_by = 'elsewhere';
        UPDATE steward.partition_trash SET retired_by = 'elsewhere'; DROP ROLE elsewhere");
    %before = map { $_ => $node->safe_psql('postgres', $state{$_}) } sort keys %state;
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    my @dump = ('pg_dump', '-d', $node->connstr('postgres'), '-f', "$file.$format");
    if ($format eq 'custom') {
        $node->command_ok([ @dump, '-Fc' ], 'pg_dump -Fc');
        $node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr($db), "$file.$format" ], 'pg_restore');
    } else {
        $node->command_ok([ @dump, $format eq 'inserts' ? '--inserts' : () ], "pg_dump, $format");
        $node->command_ok([ 'psql', '-Xqo', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db), '-f', "$file.$format" ], 'psql');
    }
    is($node->safe_psql($db, $state{$_}), $before{$_}, "$format: $_") for sort keys %state;
    is($node->safe_psql($db, q{SELECT * FROM steward.partition_plan()}), '', 'nothing to do at first');
    is($node->safe_psql($db, q{SELECT count(steward.restore_partition(partition::text)) FROM steward.trash}),
        $node->safe_psql('postgres', 'SELECT count(*) FROM steward.trash'), 'the trash can be restored');
    is(fingerprint($node, '"Sch""ema.x"."Mixed Case"', $db), $rows, 'with the same rows');
    $node->safe_psql($db, q{SELECT * FROM steward.manage_partitions('plain', future => 6)});
    is($node->safe_psql($db, q{SELECT count(*) FROM "Odd place".maintain_partitions() WHERE outcome = 'done'}), 3, 'maintenance goes on');
    $node->safe_psql($db, 'DROP SCHEMA "Sch""ema.x" CASCADE');
    is($node->safe_psql($db, 'SELECT parent FROM steward.partition_sets'), 'plain', 'and dropped tables are forgotten');
}

quiet_log($node);
$node->stop;
done_testing();
