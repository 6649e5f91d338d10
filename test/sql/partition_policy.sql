-- SPDX-License-Identifier: PostgreSQL
-- steward.manage_partitions(): what is understood, what is refused and why, and how a policy lives and ends with its table.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset tuples_only on

CREATE FUNCTION said(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text; message text; why text; way_out text;
BEGIN
    EXECUTE sql INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, why = PG_EXCEPTION_DETAIL, way_out = PG_EXCEPTION_HINT;
    RETURN sqlstate || ' ' || message || CASE WHEN why <> '' THEN E'\n  detail: ' || why ELSE '' END
        -- PostgreSQL 18 writes the setting's name as "DateStyle".
        || CASE WHEN way_out <> '' THEN E'\n  hint: ' || replace(way_out, 'DateStyle', 'datestyle') ELSE '' END;
END $$;
CREATE FUNCTION managed(arguments text) RETURNS text LANGUAGE sql AS $$
    SELECT said('SELECT m::text FROM steward.manage_partitions(' || arguments || ') m')
$$;

CREATE TABLE pol_time (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE pol_number (id bigint NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE pol_text (id text NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE pol_uuid (id uuid NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE pol_list (tenant text) PARTITION BY LIST (tenant);
CREATE TABLE pol_hash (id int) PARTITION BY HASH (id);

-- Words for intervals, any width.
SELECT managed(format('''pol_time'', %L', word)) FROM unnest('{hourly,DAILY,weekly,monthly,quarterly,yearly,decade,century}'::text[]) word;
SELECT managed(format('''pol_time'', %L', word)) FROM unnest('{1 second,15 minutes,6 hours,10 days,2 weeks,3 months,18 months,7 years,1 month 15 days,P1M,1:30}'::text[]) word;
SELECT managed(format('''pol_time'', %L', word)) FROM unnest('{1,12.5,0 days,-1 day,1 mon -1 day,0.5 seconds,fortnightly,1 moon,"",infinity,200000 years,1 day; DROP TABLE x}'::text[]) word;
SELECT managed(format('''pol_number'', %L', word)) FROM unnest('{1,1000000,9223372036854775807,1e6}'::text[]) word;
SELECT managed(format('''pol_number'', %L', word)) FROM unnest('{0,-5,1 month,1.5,99999999999999999999999999999999999999999,NaN,""}'::text[]) word;

-- How many are kept ready.
SELECT managed('''pol_time'', ''1 day'', 0');
SELECT managed('''pol_time'', ''1 day'', -1');
SELECT managed('''pol_time'', ''1 day'', 100001');
SELECT managed('''pol_time'', ''1 day'', 7');
-- What is not said stays.
SELECT managed('''pol_time''');
SELECT managed('''pol_time'', keep => ''1 year''');
SELECT managed('''pol_time'', timezone => ''Asia/Tokyo''');
SELECT step, timezone, origin, future, keep FROM steward.partition_sets WHERE parent = 'pol_time'::regclass;
SELECT count(*) FROM steward.partition_sets;

-- Retention: with a unit, not negative.
SELECT managed(format('''pol_time'', ''1 day'', keep => %L', word)) FROM unnest('{90,90.5,-1 day,1 mon -40 days,soon,"",0,0 days,90 days}'::text[]) word;
SELECT managed(format('''pol_number'', ''1000'', keep => %L', word)) FROM unnest('{-1,90 days,x,5000}'::text[]) word;
SELECT managed('''pol_hash'', keep => ''1 day'', options => ''{"modulus": 2}''');

-- Zones.
SELECT managed(format('''pol_time'', ''1 day'', timezone => %L', word)) FROM unnest('{Europe/Berlin,europe/berlin,UTC,Nowhere/Land,"",Asia/Tokyo,Europe/Berlin; x,../etc/passwd}'::text[]) word;

-- Codecs.
SELECT managed(format('''pol_time'', ''1 day'', codec => %L', codec)) FROM unnest('{epoch_s,ulid,date,integer,nonsense,"",timestamptz}'::text[]) codec;
SELECT managed(format('''pol_number'', ''1 day'', codec => %L', codec)) FROM unnest('{ulid,date,uuidv7,functions}'::text[]) codec;
SELECT managed(format('''pol_uuid'', ''1 day'', codec => %L', codec)) FROM unnest('{epoch_s,timestamptz,uuidv7}'::text[]) codec;
SELECT managed('''pol_text'', ''1 day''');
SELECT managed('''pol_text'', ''1 day'', codec => ''functions''');
SELECT managed('''pol_text'', ''1 day'', codec => ''functions'', options => ''{"encode": "pol_nothing", "decode": "pol_nothing"}''');
CREATE FUNCTION pol_wrong(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
SELECT managed('''pol_text'', ''1 day'', codec => ''functions'', options => ''{"encode": "pol_wrong", "decode": "pol_wrong"}''');
SELECT managed('''pol_text'', ''1 day'', codec => ''ulid''');
SELECT managed('''pol_list''');
SELECT managed('''pol_list'', ''1 day''');
SELECT managed('''pol_hash''');
SELECT managed('''pol_hash'', options => ''{"modulus": 4}''');
SELECT managed('''pol_hash'', ''1 day''');
SELECT managed('''pol_list'', keep => ''1 day''');
SELECT managed('''pol_list'', ''1 day'', codec => ''timestamptz''');

-- Options: unknown ones, and bad values of each.
SELECT managed(format('''pol_time'', ''1 day'', options => %L', options)) FROM unnest(ARRAY['[]', '7', 'null', '{"colour": "red"}',
    '{"origin": "soon"}', '{"start": "2025-13-01"}', '{"max_ahead": "90"}', '{"max_ahead": "-1 day"}', '{"retire": "burn"}',
    '{"grace": "7"}', '{"grace": "-7 days"}', '{"grace": "x"}', '{"retire": "schema"}', '{"retire": "schema", "retire_to": "pol_nowhere"}',
    '{"retire": "tablespace", "retire_to": "pol_nowhere"}', '{"retire": "archive"}', '{"retire": "archive", "retire_to": "relative"}',
    '{"max_drop_percent": "101"}', '{"max_drop_percent": "-1"}', '{"max_drop_percent": "many"}', '{"template": "pol_nothing"}',
    '{"schema": "pol_nowhere"}', '{"name_prefix": ""}', '{"subpartitions": 2}', '{"subpartition_by": "HASH (id)"}',
    '{"subpartition_by": "HASH (nothing)", "subpartitions": 2}', '{"subpartition_by": "HASH (at) ; DROP TABLE x", "subpartitions": 2}',
    '{"subpartition_by": "TREE (at)", "subpartitions": 2}', '{"subpartition_by": "HASH (at)", "subpartitions": 0}', '{"modulus": 0}', '{"modulus": 4.5}',
    '{"snowflake_epoch": "x"}', '{"before_create": "pol_nothing"}', '{"after_create": "pol_wrong"}', '{"before_drop": "1; SELECT 1"}',
    '{"after_drop": null}', '{"lists": 7}', '{"lists": {"a": "b"}}']) options;
-- Nothing of all that was stored.
SELECT said('SELECT p::text FROM (SELECT retire, grace, retire_to, max_drop_percent, max_ahead, template, partition_schema, name_prefix, subpartition_by,
    subpartitions, before_create, after_create, lists FROM steward.partition_sets WHERE parent = ''pol_time''::regclass) p');
-- NULL takes one back.
SELECT managed('''pol_time'', options => ''{"grace": "1 day", "retire": "keep", "max_ahead": "9 days", "max_drop_percent": 3}''') <> '' AS x;
SELECT managed('''pol_time'', options => ''{"grace": null, "retire": null, "max_ahead": null, "max_drop_percent": null, "before_drop": null, "template": null}''') <> '' AS x;
SELECT retire, grace, max_ahead, max_drop_percent, before_drop, template FROM steward.partition_sets WHERE parent = 'pol_time'::regclass;
-- Good ones.
CREATE SCHEMA pol_schema;
CREATE TABLE pol_template (at timestamptz PRIMARY KEY) WITH (fillfactor = 70);
CREATE FUNCTION pol_schema."Hook"(regclass, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT managed('''pol_time'', ''1 day'', options => ''{"origin": "2020-01-01 06:00", "start": "2025-01-01", "max_ahead": "30 days", "retire": "schema",
    "retire_to": "pol_schema", "grace": "3 days", "max_drop_percent": 20, "template": "pol_template", "schema": "pol_schema", "name_prefix": "t_",
    "subpartition_by": "HASH (at)", "subpartitions": 2, "before_create": "pol_schema.\"Hook\"", "after_drop": "pol_schema.\"Hook\""}''') ~ '^\("?public.pol_time' AS good;
SELECT said('SELECT p::text FROM (SELECT step, origin, start, timezone, retire, grace, retire_to, max_drop_percent, max_ahead, template, partition_schema,
    name_prefix, subpartition_by, subpartitions, before_create, after_create, after_drop FROM steward.partition_sets WHERE parent = ''pol_time''::regclass) p');
SELECT said('SELECT object || substring(sql FROM '' FOR VALUES FROM[^;]*'') FROM steward.partition_plan(''pol_time'', ''2025-01-02 12:00+09'') LIMIT 1');

-- The policy goes with the table: renamed, moved, in a transaction that is rolled back, dropped.
ALTER TABLE pol_number RENAME TO "pol Number";
CREATE SCHEMA "pol Moved";
ALTER TABLE "pol Number" SET SCHEMA "pol Moved";
SELECT parent, width FROM steward.partition_sets WHERE width IS NOT NULL;
SELECT action, object, locked_relation FROM steward.partition_plan('"pol Moved"."pol Number"') LIMIT 1;
BEGIN;
SELECT steward.unmanage_partitions('"pol Moved"."pol Number"'), steward.unmanage_partitions('"pol Moved"."pol Number"');
ROLLBACK;
BEGIN;
SELECT managed('''"pol Moved"."pol Number"'', ''77''');
ROLLBACK;
BEGIN;
DROP TABLE "pol Moved"."pol Number";
SELECT count(*) FROM steward.partition_sets WHERE width IS NOT NULL;
ROLLBACK;
SELECT parent, width FROM steward.partition_sets WHERE width IS NOT NULL;
DROP TABLE "pol Moved"."pol Number";
SELECT parent, width FROM steward.partition_sets WHERE width IS NOT NULL;
SELECT parent FROM steward.partition_sets ORDER BY parent::text;
SELECT steward.unmanage_partitions('pol_time'), steward.unmanage_partitions('pol_time');

-- One registered set that cannot be planned stops no other: each gets its row.
CREATE TABLE pol_good (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE pol_bad (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE pol_worse (id text NOT NULL) PARTITION BY RANGE (id);
SELECT managed('''pol_good'', ''1 day'', 1') <> '' AS x, managed('''pol_bad'', ''1 day'', 1') <> '' AS y, managed('''pol_worse'', ''1 day'', 1, codec => ''ulid''') <> '' AS z;
SELECT steward.unmanage_partitions(parent) FROM steward.partition_sets WHERE parent::text !~ 'pol_(good|bad|worse)';
CREATE TABLE pol_worse_1 PARTITION OF pol_worse FOR VALUES FROM ('x') TO ('y');
UPDATE steward.partition_sets SET timezone = 'Nowhere/Land' WHERE parent = 'pol_bad'::regclass;
SELECT parent, action, outcome, count(*), min(detail) FILTER (WHERE outcome <> 'done') FROM maintain_partitions() GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT parent_table, action, outcome, sqlstate, count(*) FROM steward.partition_history WHERE parent_table ~ 'pol_(good|bad|worse)' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
SELECT parent, action, outcome FROM maintain_partitions();
BEGIN;
SELECT parent, action, outcome FROM maintain_partitions();
COMMIT;

DROP TABLE pol_time, pol_text, pol_uuid, pol_list, pol_hash, pol_good, pol_bad, pol_worse, pol_template;
DROP SCHEMA pol_schema, "pol Moved" CASCADE;
DROP FUNCTION pol_wrong, managed, said;
SELECT count(*) FROM steward.partition_sets;
