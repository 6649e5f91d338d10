# SPDX-License-Identifier: PostgreSQL
#
# Nobody gets more rights by way of the extension: not by objects made before it, not by code on his own tables.
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
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE attacker; GRANT CREATE ON SCHEMA public TO attacker');

# What an attacker has made before is not adopted.
my %squat = (
    'a function of the public API' => 'CREATE FUNCTION public.maintain_partitions(OUT parent text, OUT action text, OUT partition text,
        OUT outcome text, OUT detail text) RETURNS SETOF record LANGUAGE sql AS $$ SELECT 1::text, 1::text, 1::text, 1::text, 1::text $$',
    'a view of the public API' => 'CREATE VIEW public.partition_info AS SELECT 1 AS x',
    'a table named like a view' => 'CREATE TABLE public.partition_info (x integer)',
    'a schema' => 'CREATE SCHEMA steward',
);
for my $what (sort keys %squat) {
    $node->safe_psql('postgres', 'CREATE DATABASE squatted');
    $node->safe_psql('squatted', 'GRANT CREATE ON SCHEMA public TO attacker; GRANT CREATE ON DATABASE squatted TO attacker');
    $node->safe_psql('squatted', "SET ROLE attacker; $squat{$what}");
    my ($status, undef, $stderr) = $node->psql('squatted', 'CREATE EXTENSION pg_steward');
    like($stderr, qr/already exists/, "not adopted: $what");
    is($node->safe_psql('squatted', q{SELECT count(*) FROM pg_extension WHERE extname = 'pg_steward'}), 0, 'nothing is installed');
    $node->safe_psql('postgres', 'DROP DATABASE squatted');
}

# Who may do what.
$node->safe_psql('postgres', 'CREATE EXTENSION pg_steward');
my $ours = q{pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_steward'};
is($node->safe_psql('postgres', "SELECT count(*) FROM $ours WHERE prosecdef"), 0, 'nothing is SECURITY DEFINER');
is($node->safe_psql('postgres', q{SELECT string_agg(c.oid::regclass::text, ' ') FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_steward'
    WHERE c.relkind IN ('r', 'p', 'S') AND (has_table_privilege('attacker', c.oid, 'SELECT')
        OR has_table_privilege('attacker', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER'))}), '', 'no table is open to everybody');
$node->safe_psql('postgres', q{
    CREATE TABLE others (at timestamptz NOT NULL) PARTITION BY RANGE (at);
    SELECT * FROM steward.manage_partitions('others', '1 day', future => 2);
    SELECT create_future_partitions('others')});
for my $call (q{create_future_partitions('others')}, q{drop_old_partitions('others', 1)}, q{steward.manage_partitions('others', future => 0)},
    q{steward.unmanage_partitions('others')}, q{steward.partition_plan('others')}) {
    my ($status, undef, $stderr) = $node->psql('postgres', "SET ROLE attacker; SELECT * FROM $call");
    like($stderr, qr/must be owner|permission denied/, "only for the owner: $call");
}
is($node->safe_psql('postgres', 'SET ROLE attacker; SELECT * FROM maintain_partitions()'), '', 'other people\'s tables are not maintained');

# Code of a table's owner never runs as the superuser who maintains all tables.
$node->safe_psql('postgres', q{
    CREATE TABLE canary (who text, what text);
    GRANT INSERT ON canary TO PUBLIC;
    CREATE FUNCTION public.sing(what text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.canary VALUES (CURRENT_USER || '/' || current_setting('role'), what); END $$;
    CREATE SCHEMA lair AUTHORIZATION attacker});
$node->safe_psql('postgres', q{
    SET ROLE attacker;
    SET search_path = lair;
    CREATE FUNCTION lair.in_index(t timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN PERFORM public.sing('index'); RETURN t; END $$;
    CREATE FUNCTION lair.in_default() RETURNS integer LANGUAGE plpgsql AS $$
    BEGIN PERFORM public.sing('default'); RETURN 1; END $$;
    CREATE FUNCTION lair.in_check(i integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN PERFORM public.sing('check'); RETURN true; END $$;
    CREATE FUNCTION lair.in_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM public.sing('trigger'); RETURN NEW; END $$;
    CREATE FUNCTION lair.hook(regclass, text, text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM public.sing('hook');
        BEGIN
            EXECUTE 'RESET ROLE';
            PERFORM public.sing('reset role');
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
        BEGIN
            EXECUTE 'SET SESSION AUTHORIZATION DEFAULT';
            PERFORM public.sing('session authorization');
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
        BEGIN
            INSERT INTO lair.deferred VALUES (1);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
        RETURN true;
    END $$;
    CREATE TABLE lair.deferred (i integer);
    CREATE CONSTRAINT TRIGGER t AFTER INSERT ON lair.deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION lair.in_trigger();
    CREATE FUNCTION lair.encoded(timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
    BEGIN PERFORM public.sing('encode'); RETURN to_char($1 AT TIME ZONE 'UTC', 'YYYYMMDD'); END $$;
    CREATE FUNCTION lair.decoded(text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
    BEGIN PERFORM public.sing('decode'); RETURN to_date($1, 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC'; END $$;
    -- What our own queries might be caught by.
    CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN PERFORM public.sing('shadow'); RETURN $1; END $$;
    CREATE FUNCTION public.caught(oid, integer) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN PERFORM public.sing('operator'); RETURN true; END $$;
    CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = integer, FUNCTION = public.caught);
});
$node->safe_psql('postgres', q{
    SET ROLE attacker;
    CREATE TABLE lair.log (at timestamptz NOT NULL, i integer DEFAULT lair.in_default() CHECK (lair.in_check(i))) PARTITION BY RANGE (at);
    CREATE INDEX ON lair.log (lair.in_index(at));
    CREATE TRIGGER t AFTER INSERT ON lair.log FOR EACH ROW EXECUTE FUNCTION lair.in_trigger();
    CREATE TABLE lair.by_expression (at timestamptz NOT NULL) PARTITION BY RANGE (lair.in_index(at));
    CREATE TABLE lair.by_text (id text NOT NULL) PARTITION BY RANGE (id);
    SELECT * FROM steward.manage_partitions('lair.log', '1 day', future => 2, keep => '2 days', timezone => 'UTC', options => json_build_object(
        'start', now() - interval '1 day', 'before_create', 'lair.hook', 'after_create', 'lair.hook', 'before_drop', 'lair.hook',
        'after_drop', 'lair.hook', 'max_drop_percent', 100)::jsonb);
    CREATE TABLE lair.log_old PARTITION OF lair.log FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
    CREATE TABLE lair.log_default PARTITION OF lair.log DEFAULT;
    INSERT INTO lair.log VALUES ('2020-01-01 12:00'), ('2019-01-01')});
for my $register (q{'lair.by_expression', '1 day', future => 2, codec => 'timestamptz'},
    q{'lair.by_text', '1 day', future => 2, timezone => 'UTC', codec => 'functions', options => '{"encode": "lair.encoded", "decode": "lair.decoded"}'}) {
    my ($status, $stdout, $stderr) = $node->psql('postgres', "SET ROLE attacker; SELECT * FROM steward.manage_partitions($register)");
    is($status, 0, "registers $register") or diag $stderr;
}
$node->safe_psql('postgres', q{SET ROLE attacker; CREATE TABLE lair.by_text_default PARTITION OF lair.by_text DEFAULT;
    CREATE TABLE lair.by_expression_default PARTITION OF lair.by_expression DEFAULT;
    INSERT INTO lair.by_expression VALUES ('2019-01-01'); INSERT INTO lair.by_text VALUES ('20190101')});
$node->safe_psql('postgres', 'TRUNCATE canary');

for my $call ('SELECT * FROM partition_info', 'SELECT * FROM get_partition_stats()', 'SELECT * FROM steward.partition_plan()',
    q{SELECT * FROM steward.partition_plan('lair.by_text')}, 'SELECT * FROM steward.doctor()', 'SELECT * FROM maintain_partitions()',
    q{BEGIN; SELECT * FROM maintain_partitions(); COMMIT},
    q{UPDATE steward.partition_sets SET future = 4; BEGIN; SELECT * FROM maintain_partitions(); COMMIT},
    q{SELECT create_future_partitions('lair.by_text', 6)}, q{SELECT drop_old_partitions('lair.log', 1)},
    q{SELECT steward.restore_partition(partition::text) FROM steward.trash},
    q{SELECT * FROM steward.manage_partitions('lair.log', keep => '1 day')},
    q{UPDATE steward.partition_trash SET held_until = NULL, drop_after = now()},
    q{SELECT * FROM maintain_partitions()}, 'SELECT steward.empty_trash()', 'SELECT * FROM steward.partition_drift') {
    my ($status, $stdout, $stderr) = $node->psql('postgres', $call);
    diag("$call: $stderr") if $stderr ne '';
    is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT who || ' ' || what, ', ') FROM canary WHERE who NOT LIKE 'attacker/%'}), '',
        "superuser: $call");
    $node->safe_psql('postgres', q{DELETE FROM canary WHERE who NOT LIKE 'attacker/%'});
}
like($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT what, ' ' ORDER BY what) FROM canary}), qr/decode.*encode.*hook.*index/, 'the canary sings for the owner');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT detail, ' ') FROM steward.partition_history WHERE outcome = 'failed'}), '', 'and nothing fails');

$node->stop;
done_testing();
