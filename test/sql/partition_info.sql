-- SPDX-License-Identifier: PostgreSQL
-- partition_info: every partition of every table, with bounds for people and sizes as the server gives them.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SCHEMA "Odd Schema";

-- Ranges of time, of every width, with a default and open ends.
CREATE TABLE info_month (id bigint, at timestamptz NOT NULL, note text) PARTITION BY RANGE (at);
CREATE TABLE info_month_old PARTITION OF info_month FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE info_month_01 PARTITION OF info_month FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE info_month_02 PARTITION OF info_month FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
CREATE TABLE info_month_03 PARTITION OF info_month FOR VALUES FROM ('2020-03-01') TO ('2020-04-01');
CREATE TABLE info_month_rest PARTITION OF info_month DEFAULT;
SELECT partition_name, strategy, key, "interval", range_start, range_end, is_default, is_current, state
FROM partition_info WHERE parent_table = 'info_month'::regclass;

-- Local midnights belong to the session's zone, and say which offset they were at.
SET timezone = 'Europe/Berlin';
CREATE TABLE info_day (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE info_day_28 PARTITION OF info_day FOR VALUES FROM ('2020-03-28') TO ('2020-03-29');
CREATE TABLE info_day_29 PARTITION OF info_day FOR VALUES FROM ('2020-03-29') TO ('2020-03-30');
CREATE TABLE info_day_30 PARTITION OF info_day FOR VALUES FROM ('2020-03-30') TO ('2020-03-31');
SELECT partition_name, "interval", range_start, range_end FROM partition_info WHERE parent_table = 'info_day'::regclass;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- Now lies in one of them.
CREATE TABLE info_now (day date NOT NULL) PARTITION BY RANGE (day);
DO $$
BEGIN
    FOR n IN -1 .. 1 LOOP
        EXECUTE format('CREATE TABLE info_now_%s PARTITION OF info_now FOR VALUES FROM (%L) TO (%L)', n + 1, current_date + n, current_date + n + 1);
    END LOOP;
END $$;
SELECT partition_name, "interval", is_current FROM partition_info WHERE parent_table = 'info_now'::regclass;

-- Numbers, lists, hash, several columns, expressions, text; odd names; subpartitions.
CREATE TABLE "Odd Schema"."Number ""Set" ("Key" int) PARTITION BY RANGE ("Key");
CREATE TABLE "Odd Schema"."P 0" PARTITION OF "Odd Schema"."Number ""Set" FOR VALUES FROM (-1000) TO (0);
CREATE TABLE "Odd Schema"."P 1" PARTITION OF "Odd Schema"."Number ""Set" FOR VALUES FROM (0) TO (1000);
CREATE TABLE "Odd Schema"."P 2" PARTITION OF "Odd Schema"."Number ""Set" FOR VALUES FROM (1000) TO (2000);
CREATE TABLE info_list (tenant text) PARTITION BY LIST (lower(tenant));
CREATE TABLE info_list_ab PARTITION OF info_list FOR VALUES IN ('a', 'it''s', NULL);
CREATE TABLE info_list_dates (day date) PARTITION BY LIST (day);
CREATE TABLE info_list_dates_1 PARTITION OF info_list_dates FOR VALUES IN ('2020-02-29', '2020-03-01');
CREATE TABLE info_hash (id int) PARTITION BY HASH (id);
CREATE TABLE info_hash_0 PARTITION OF info_hash FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE info_hash_13 PARTITION OF info_hash FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE info_two (at date NOT NULL, region text) PARTITION BY RANGE (at, region);
CREATE TABLE info_two_1 PARTITION OF info_two FOR VALUES FROM ('2020-01-01', 'a') TO ('2020-01-01', 'm');
CREATE TABLE info_two_2 PARTITION OF info_two FOR VALUES FROM ('2020-01-01', 'm') TO ('2020-02-01', MINVALUE);
CREATE TABLE info_text (code text) PARTITION BY RANGE (code);
CREATE TABLE info_text_1 PARTITION OF info_text FOR VALUES FROM ('a (') TO ('m'')');
CREATE TABLE info_sub (at date NOT NULL, id int) PARTITION BY RANGE (at);
CREATE TABLE info_sub_1 PARTITION OF info_sub FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY HASH (id);
CREATE TABLE info_sub_1_0 PARTITION OF info_sub_1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE info_uneven (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE info_uneven_1 PARTITION OF info_uneven FOR VALUES FROM ('2020-01-01') TO ('2020-01-06');
CREATE TABLE info_uneven_2 PARTITION OF info_uneven FOR VALUES FROM ('2020-01-06') TO ('2020-01-17');
CREATE TABLE info_uneven_3 PARTITION OF info_uneven FOR VALUES FROM ('2020-01-17') TO ('2020-01-20');
CREATE TEMP TABLE info_temp (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TEMP TABLE info_temp_1 PARTITION OF info_temp FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE info_none (at date NOT NULL) PARTITION BY RANGE (at);
SELECT parent_table, partition_name, strategy, key, "interval", range_start, range_end, is_default, is_current
FROM partition_info WHERE parent_table::text ~ '^(info_|"Odd)' AND partition_name !~ '^info_(month|day|now)' ORDER BY parent_table::text COLLATE "C", partition_name COLLATE "C";

-- Sizes are those of the server: toast, unlogged, temporary, with and without indexes, vacuumed and not.
CREATE INDEX ON info_month (id);
CREATE INDEX ON info_month (at);
INSERT INTO info_month SELECT i, '2019-12-31'::timestamptz + i * interval '1 hour', '' FROM generate_series(1, 1200) i;
ALTER TABLE info_month_02 ALTER note SET STORAGE EXTERNAL;
UPDATE info_month_02 SET note = repeat('x', 9000) WHERE id < 1000;
VACUUM ANALYZE info_month;
INSERT INTO info_month SELECT 1, '2020-03-10', 'later' FROM generate_series(1, 1000);
INSERT INTO info_temp VALUES ('2020-01-01');
CREATE INDEX ON info_temp (at);
ALTER TABLE info_now_1 SET UNLOGGED;
CREATE INDEX ON info_now_1 (day);
SELECT count(*) > 20 AS many,
       count(*) FILTER (WHERE total_bytes IS DISTINCT FROM pg_total_relation_size(partition)
                           OR table_bytes IS DISTINCT FROM pg_table_size(partition)
                           OR index_bytes IS DISTINCT FROM pg_indexes_size(partition)) AS wrong
FROM partition_info;
SELECT partition_name, row_estimate FROM partition_info WHERE partition IN ('info_month_01'::regclass, 'info_month_02'::regclass);
SELECT bool_and(last_vacuum IS NULL) AS never_vacuumed, bool_and(last_analyze IS NULL) AS never_analyzed
FROM partition_info WHERE parent_table = 'info_hash'::regclass;

-- The trash, also when its table is dropped.
BEGIN;
ALTER TABLE info_month DETACH PARTITION info_month_01;
INSERT INTO steward.partition_trash (partition, parent, bounds, range_start, range_end)
VALUES ('info_month_01', 'info_month', 'FOR VALUES FROM (...) TO (...)', '2020-01-01 00:00:00+00', '2020-02-01 00:00:00+00');
SELECT parent_table, partition_name, strategy, key, range_start, range_end, is_default, is_current, total_bytes = pg_total_relation_size(partition) AS same, state
FROM partition_info WHERE parent_table = 'info_month'::regclass AND state = 'trash';
DROP TABLE info_month_01;
SELECT count(*) FROM steward.partition_trash;
ROLLBACK;

-- A partition whose DETACH CONCURRENTLY was interrupted (13 has none).
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 140000 THEN
        UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'info_month_02'::regclass;
    END IF;
END $$;
\c -
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SELECT count(*), count(*) FILTER (WHERE partition = 'info_month_02'::regclass AND range_start ~ '2020-02-01 00:00:00' AND total_bytes > 0
    AND state = CASE WHEN current_setting('server_version_num')::int >= 140000 THEN 'detaching' ELSE 'attached' END) AS detaching
FROM partition_info WHERE parent_table = 'info_month'::regclass;
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 140000 THEN
        UPDATE pg_inherits SET inhdetachpending = false WHERE inhrelid = 'info_month_02'::regclass;
    END IF;
END $$;
\c -
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- A relation that is no table, or gone, has no size and raises no error.
SELECT * FROM steward.relation_size(0);
SELECT * FROM steward.partition_rows('pg_class'::regclass);

-- Whoever owns nothing sees the same.
CREATE ROLE steward_info_nobody;
CREATE TEMP TABLE seen AS SELECT count(*) AS all_rows, sum(total_bytes) AS all_bytes FROM partition_info;
GRANT SELECT ON seen TO steward_info_nobody;
SET ROLE steward_info_nobody;
SELECT (SELECT count(*) FROM partition_info) = all_rows AS same_rows, (SELECT sum(total_bytes) FROM partition_info) = all_bytes AS same_bytes FROM seen;
RESET ROLE;

-- An empty search path qualifies every name and breaks nothing.
SET search_path = '';
SELECT partition_name, range_start FROM public.partition_info WHERE parent_table = 'public.info_hash'::regclass;
RESET search_path;

-- A registered zone decides, not the session's; a set that cannot be understood is shown as the server writes it.
INSERT INTO steward.partition_sets (parent, codec, step, timezone) VALUES ('info_month', 'timestamptz', '1 month', 'America/New_York');
SELECT partition_name, "interval", range_start FROM partition_info WHERE partition = 'info_month_03'::regclass;
UPDATE steward.partition_sets SET timezone = 'Nowhere/Land' WHERE parent = 'info_month'::regclass;
SELECT partition_name, "interval", range_start FROM partition_info WHERE partition = 'info_month_03'::regclass;

-- Dropped tables take their settings along, whoever drops them and however.
CREATE TABLE info_template (LIKE info_day);
INSERT INTO steward.partition_sets (parent, codec, step, template) VALUES ('info_day', 'timestamptz', '1 day', 'info_template');
CREATE SCHEMA info_owned AUTHORIZATION steward_info_nobody;
SET ROLE steward_info_nobody;
CREATE TABLE info_owned.mine (at date NOT NULL) PARTITION BY RANGE (at);
RESET ROLE;
INSERT INTO steward.partition_sets (parent, codec, step) VALUES ('info_owned.mine', 'date', '1 day');
SELECT parent, template FROM steward.partition_sets WHERE parent::text ~ '^info_' ORDER BY parent::text;
SET ROLE steward_info_nobody;
SELECT count(*) FROM steward.partition_sets;
DROP SCHEMA info_owned CASCADE;
RESET ROLE;
DROP TABLE info_template;
DROP VIEW IF EXISTS no_such_view;
SELECT parent, template FROM steward.partition_sets WHERE parent::text ~ '^info_' ORDER BY parent::text;
BEGIN;
DROP TABLE info_day;
ROLLBACK;
SELECT parent FROM steward.partition_sets WHERE parent::text ~ '^info_' ORDER BY parent::text;
SELECT steward.forget_dropped_tables();

DROP TABLE seen;
DROP ROLE steward_info_nobody;
DROP TABLE info_month, info_day, info_now, info_list, info_list_dates, info_hash, info_two, info_text, info_sub, info_uneven, info_none;
DROP SCHEMA "Odd Schema" CASCADE;
SELECT count(*) FROM steward.partition_sets WHERE parent NOT IN (SELECT oid FROM pg_class);
SELECT count(*) FROM partition_info WHERE parent_table::text ~ '^info_';
