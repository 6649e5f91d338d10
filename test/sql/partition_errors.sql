-- SPDX-License-Identifier: PostgreSQL
-- Bad input gets a clear error with SQLSTATE, detail and hint, and leaves nothing changed.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset tuples_only on

-- What a statement says: its result, or its error.
CREATE FUNCTION said(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text; message text; why text; way_out text;
BEGIN
    EXECUTE sql INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, why = PG_EXCEPTION_DETAIL, way_out = PG_EXCEPTION_HINT;
    RETURN sqlstate || ' ' || regexp_replace(message, 'pg_temp_\d+', 'pg_temp') || CASE WHEN why <> '' THEN E'\n  detail: ' || why ELSE '' END
        || CASE WHEN way_out <> '' THEN E'\n  hint: ' || way_out ELSE '' END;
END $$;

CREATE TABLE err_months (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE err_months_2024_01 PARTITION OF err_months FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE err_plain (at timestamptz);
CREATE VIEW err_view AS SELECT * FROM err_months;
CREATE TEMP TABLE err_temp (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE FOREIGN DATA WRAPPER err_wrapper;
CREATE SERVER err_server FOREIGN DATA WRAPPER err_wrapper;
CREATE FOREIGN TABLE err_foreign (at timestamptz) SERVER err_server;
CREATE SEQUENCE err_sequence;
CREATE TABLE err_irregular (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE err_irregular_1 PARTITION OF err_irregular FOR VALUES FROM ('2020-01-01') TO ('2020-01-06');
CREATE TABLE err_irregular_2 PARTITION OF err_irregular FOR VALUES FROM ('2020-01-06') TO ('2020-01-17');
CREATE TABLE err_irregular_3 PARTITION OF err_irregular FOR VALUES FROM ('2020-01-17') TO ('2020-01-20');
CREATE TABLE err_irregular_4 PARTITION OF err_irregular FOR VALUES FROM ('2020-01-20') TO ('2020-05-20');
CREATE TABLE err_numbers (id bigint NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE err_text (code text NOT NULL) PARTITION BY RANGE (code);
CREATE TABLE err_text_1 PARTITION OF err_text FOR VALUES FROM ('a') TO ('m');
CREATE TABLE err_list (tenant text) PARTITION BY LIST (tenant);
CREATE TABLE err_hash (id int) PARTITION BY HASH (id);
CREATE TABLE err_hash_0 PARTITION OF err_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE err_hash_empty (id int) PARTITION BY HASH (id);
CREATE TEMP TABLE before AS SELECT oid, relname, relpartbound FROM pg_class WHERE relname ~ '^err_';

-- Not a partitioned table: each kind of relation is named for what it is.
SELECT said(format('SELECT create_future_partitions(%L)', name)) FROM unnest('{err_plain,err_view,err_foreign,err_sequence,err_temp}'::text[]) name;
SELECT said(format('SELECT drop_old_partitions(%L, 1)', name)) FROM unnest('{err_plain,err_view,err_foreign,err_sequence,err_temp}'::text[]) name;
SELECT said(format('SELECT steward.manage_partitions(%L)', name)) FROM unnest('{err_plain,err_view,err_foreign,err_sequence,err_temp}'::text[]) name;
SELECT said(format('SELECT count(*) FROM steward.partition_plan(%L)', name)) FROM unnest('{err_plain,err_view,err_foreign,err_sequence,err_temp}'::text[]) name;
SELECT said('SELECT steward.unmanage_partitions(''err_plain'')');

-- A partition instead of its parent, an index, nothing at all.
SELECT said('SELECT create_future_partitions(''err_months_2024_01'')');
SELECT said('SELECT drop_old_partitions(''err_months_2024_01'', 1)');
SELECT said('SELECT steward.manage_partitions(''err_months_2024_01'', ''1 month'')');
SELECT said('SELECT create_future_partitions(''pg_class_oid_index'')');
SELECT said('SELECT create_future_partitions(''err_nothing'')');
SELECT said('SELECT create_future_partitions(4294967295::oid::regclass)');
SELECT said('SELECT create_future_partitions(0::oid::regclass)');

-- NULL where something is needed.
SELECT said('SELECT create_future_partitions(NULL)');
SELECT said('SELECT drop_old_partitions(NULL)');
SELECT said('SELECT steward.manage_partitions(NULL)');
SELECT said('SELECT steward.unmanage_partitions(NULL)');
SELECT said('SELECT steward.restore_partition(NULL)');

-- Counts.
SELECT said(format('SELECT create_future_partitions(''err_months'', %s)', n)) FROM unnest('{-1,-2147483648,100001,2147483647}'::int[]) n;
SELECT said(format('SELECT drop_old_partitions(''err_months'', %s)', n)) FROM unnest('{-1,-2147483648,100001,2147483647}'::int[]) n;
SELECT said('SELECT drop_old_partitions(''err_months'')');
SELECT said('SELECT drop_old_partitions(''err_hash'', 1)');
SELECT said('SELECT create_future_partitions(''err_hash_empty'')');
SELECT said('SELECT steward.manage_partitions(''err_hash_empty'')');
SELECT said('SELECT drop_old_partitions(''err_list'', 1)');

-- What cannot be inferred.
SELECT said('SELECT create_future_partitions(''err_irregular'')');
SELECT said('SELECT steward.manage_partitions(''err_irregular'')');
SELECT said('SELECT create_future_partitions(''err_numbers'')');
SELECT said('SELECT steward.manage_partitions(''err_numbers'')');
SELECT said('SELECT create_future_partitions(''err_text'')');
SELECT said('SELECT steward.manage_partitions(''err_text'', ''1 month'')');
-- Lists and hashes have no period: what is to be made was never said.
SELECT said('SELECT create_future_partitions(''err_list'')');

-- Ranges that overlap: what is in the way is attached already, so that the hole around it is all there is to fill.
CREATE TABLE err_overlap (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE err_overlap_1 PARTITION OF err_overlap FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE err_overlap_2 PARTITION OF err_overlap FOR VALUES FROM ('2025-02-20') TO ('2025-03-20');
SELECT said('SELECT missing_partitions FROM steward.manage_partitions(''err_overlap'', ''1 month'', 0, options => ''{"origin": "2025-01-01"}'')') <> '' AS managed;
SELECT substring(sql FROM 'FOR VALUES [^;]*') FROM steward.partition_plan('err_overlap', '2025-03-25') WHERE action = 'create';
-- A hook that attaches the very range first: the step fails with the server's own words, and leaves nothing behind.
CREATE FUNCTION err_before_me(parent regclass, partition text, bounds text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE public.err_thief PARTITION OF %s %s', parent, bounds);
    RETURN true;
END $$;
CREATE TABLE err_stolen (id bigint NOT NULL) PARTITION BY RANGE (id);
SELECT said('SELECT missing_partitions FROM steward.manage_partitions(''err_stolen'', ''1000'', 0, options => ''{"before_create": "err_before_me"}'')');
SELECT said('SELECT create_future_partitions(''err_stolen'')');
SELECT create_future_partitions('err_stolen');
SELECT to_regclass('err_thief'), to_regclass('err_stolen_0');
SELECT outcome, sqlstate, count(*) FROM steward.partition_history WHERE parent_table = 'public.err_stolen' GROUP BY 1, 2;
DROP TABLE err_overlap, err_stolen;
DROP FUNCTION err_before_me;

-- The trash.
SELECT said('SELECT steward.restore_partition(''err_nothing'')');
SELECT said('SELECT steward.restore_partition(''err_plain'')');
SELECT said('SELECT steward.restore_partition(''err_months_2024_01'')');
SELECT said('SELECT steward.restore_partition('''')');
SELECT said('SELECT steward.restore_partition(''a.b.c.d'')');
SELECT said('SELECT steward.restore_partition(''odd"name'')');

-- Somebody else's tables.
CREATE ROLE steward_err_nobody;
GRANT SELECT ON err_months TO steward_err_nobody;
SET ROLE steward_err_nobody;
SELECT said('SELECT create_future_partitions(''err_months'')');
SELECT said('SELECT drop_old_partitions(''err_months'', 1)');
SELECT said('SELECT steward.manage_partitions(''err_months'')');
SELECT said('SELECT steward.unmanage_partitions(''err_months'')');
SELECT said('SELECT count(*) FROM steward.partition_plan(''err_months'')');
SELECT said('SELECT count(*) FROM steward.partition_plan()');
SELECT said('SELECT count(*) FROM maintain_partitions()');
SELECT said('SELECT steward.empty_trash()');
SELECT said('SELECT count(*) FROM steward.trash');
SELECT said('SELECT count(*) FROM steward.partition_history');
SELECT said('INSERT INTO steward.partition_sets (parent, codec) VALUES (''err_months'', ''timestamptz'') RETURNING parent');
SELECT said('DELETE FROM steward.partition_trash RETURNING 1');
RESET ROLE;
REVOKE SELECT ON err_months FROM steward_err_nobody;
DROP ROLE steward_err_nobody;

-- A read-only transaction.
BEGIN TRANSACTION READ ONLY;
SELECT said('SELECT create_future_partitions(''err_months'')');
SELECT said('SELECT drop_old_partitions(''err_months'', 1)');
SELECT said('SELECT count(*) FROM maintain_partitions()');
SELECT said('SELECT steward.manage_partitions(''err_months'', ''1 month'')');
SELECT said('SELECT steward.unmanage_partitions(''err_months'')');
SELECT said('SELECT steward.restore_partition(''err_plain'')');
SELECT said('SELECT steward.empty_trash()');
SELECT said('SELECT count(*) > 0 FROM steward.partition_plan(''err_months'', ''2024-01-15'')');
ROLLBACK;

-- Nothing has changed.
SELECT count(*) FROM steward.partition_sets;
SELECT count(*) FROM steward.partition_trash;
SELECT count(*) FROM (SELECT oid, relname, relpartbound::text FROM before EXCEPT SELECT oid, relname, relpartbound::text FROM pg_class) gone;
SELECT count(*) FROM (SELECT oid FROM pg_class WHERE relname ~ '^err_' EXCEPT SELECT oid FROM before) added;

DROP TABLE err_months CASCADE;
DROP TABLE err_plain, err_temp, err_irregular, err_numbers, err_text, err_list, err_hash;
DROP SEQUENCE err_sequence;
DROP FOREIGN DATA WRAPPER err_wrapper CASCADE;
DROP FUNCTION said(text);
