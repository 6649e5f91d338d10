-- SPDX-License-Identifier: PostgreSQL
-- Partitions that are missing: found by the plan at a fixed time, and made by calls at the time of the test.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset tuples_only on

-- What the plan makes, one line a partition; a refusal stands in place of the bounds.
CREATE FUNCTION planned(parent regclass, at timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s %s%s', action, object, coalesce(substring(sql FROM 'FOR VALUES [^;]*'), '-'),
                  CASE WHEN risk = 'refused' THEN ' refused: ' || reason WHEN reason = 'a future period' THEN '' ELSE ': ' || reason END)
    FROM steward.partition_plan(parent, at) ORDER BY step
$$;

-- The first lines of the README: one partition made by hand is enough.
CREATE TABLE learning_sessions_partitioned (id bigint, start_time timestamptz NOT NULL) PARTITION BY RANGE (start_time);
CREATE TABLE learning_sessions_2025_01 PARTITION OF learning_sessions_partitioned FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
SELECT planned('learning_sessions_partitioned', '2025-01-15');
SELECT count(*) FROM steward.partition_sets;
-- Nothing was registered, nothing was made: it was a plan. Then the call, which goes from that partition to now and on.
SELECT create_future_partitions('learning_sessions_partitioned', 2)
    = (date_part('year', now()) - 2025) * 12 + date_part('month', now()) - 1 + 2 AS as_many_as_months;
SELECT partition_name, range_start, range_end FROM partition_info WHERE parent_table = 'learning_sessions_partitioned'::regclass ORDER BY range_start LIMIT 3;
SELECT create_future_partitions('learning_sessions_partitioned', 2);
SELECT create_future_partitions('learning_sessions_partitioned', 5);
SELECT gaps, future_partitions FROM get_partition_stats('learning_sessions_partitioned');
-- A gap is filled, in a transaction block as well.
ALTER TABLE learning_sessions_partitioned DETACH PARTITION learning_sessions_2025_03;
DROP TABLE learning_sessions_2025_03;
BEGIN;
SELECT create_future_partitions('learning_sessions_partitioned', 0);
SELECT 'learning_sessions_2025_03'::regclass;
ROLLBACK;
SELECT to_regclass('learning_sessions_2025_03');
SELECT create_future_partitions('learning_sessions_partitioned', 0);
SELECT partition_name, range_start, range_end FROM partition_info WHERE partition = 'learning_sessions_2025_03'::regclass;
-- History has a line for each.
SELECT action, outcome, count(*) > 3 AS many FROM steward.partition_history WHERE parent_table ~ 'learning_sessions' GROUP BY 1, 2;

-- No partition yet: months.
CREATE TABLE cr_empty (at timestamptz NOT NULL) PARTITION BY RANGE (at);
SELECT planned('cr_empty', '2025-01-15');
SELECT create_future_partitions('cr_empty', 1), create_future_partitions('cr_empty', 1);
SELECT count(*) FROM partition_info WHERE parent_table = 'cr_empty'::regclass AND "interval" = '1 mon';

-- Gaps of mixed width are filled up to the neighbours, and the new lower bound is the last real upper bound.
CREATE TABLE cr_gaps (day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE cr_gaps_2024_11 PARTITION OF cr_gaps FOR VALUES FROM ('2024-10-10') TO ('2024-11-17');
CREATE TABLE cr_gaps_2024_12 PARTITION OF cr_gaps FOR VALUES FROM ('2024-12-01') TO ('2025-01-01');
CREATE TABLE cr_gaps_2025_01 PARTITION OF cr_gaps FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE cr_gaps_2025_02 PARTITION OF cr_gaps FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
CREATE TABLE cr_gaps_half PARTITION OF cr_gaps FOR VALUES FROM ('2025-04-01') TO ('2025-04-16');
SELECT planned('cr_gaps', '2025-03-15');
SELECT missing_partitions > 3 AS many FROM steward.manage_partitions('cr_gaps', '1 month');
SELECT planned('cr_gaps', '2025-03-15');

-- Open ends: what MINVALUE and MAXVALUE or infinity cover is not made again.
CREATE TABLE cr_open (at timestamp NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE cr_open_old PARTITION OF cr_open FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
CREATE TABLE cr_open_2025_01 PARTITION OF cr_open FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE cr_open_2025_02 PARTITION OF cr_open FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
SELECT planned('cr_open', '2025-01-15');
CREATE TABLE cr_open_rest PARTITION OF cr_open FOR VALUES FROM ('2025-04-01') TO (MAXVALUE);
SELECT planned('cr_open', '2025-01-15');
CREATE TABLE cr_infinite (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE cr_infinite_old PARTITION OF cr_infinite FOR VALUES FROM ('-infinity') TO ('2025-01-01');
CREATE TABLE cr_infinite_2025_01 PARTITION OF cr_infinite FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE cr_infinite_rest PARTITION OF cr_infinite FOR VALUES FROM ('2025-03-01') TO ('infinity');
SELECT planned('cr_infinite', '2025-01-15');

-- Keys: what each codec writes at the same time.
CREATE TABLE cr_int (id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE cr_int_0 PARTITION OF cr_int FOR VALUES FROM (0) TO (1000);
CREATE TABLE cr_int_1000 PARTITION OF cr_int FOR VALUES FROM (1000) TO (2000);
INSERT INTO cr_int VALUES (1500);
SELECT planned('cr_int', now());
CREATE TABLE cr_small (id smallint NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE cr_small_1 PARTITION OF cr_small FOR VALUES FROM (31000) TO (32000);
SELECT * FROM steward.manage_partitions('cr_small', '1000');
INSERT INTO cr_small VALUES (31999);
SELECT planned('cr_small', now());
SELECT create_future_partitions('cr_small'), create_future_partitions('cr_small');
INSERT INTO cr_small VALUES (32767) RETURNING tableoid::regclass;
CREATE TABLE cr_big (id bigint NOT NULL) PARTITION BY RANGE (id);
SELECT * FROM steward.manage_partitions('cr_big', '10000000', 2);
SELECT planned('cr_big', now());
SELECT create_future_partitions('cr_big', 1);
INSERT INTO cr_big VALUES (25000000) RETURNING 'no partition';
INSERT INTO cr_big VALUES (15000000);
SELECT create_future_partitions('cr_big', 1);
SELECT partition_name, range_start, range_end FROM partition_info WHERE parent_table = 'cr_big'::regclass;
CREATE TABLE cr_numeric (price numeric NOT NULL) PARTITION BY RANGE (price);
SELECT * FROM steward.manage_partitions('cr_numeric', '2.5', 1, options => '{"start": "-5"}');
SELECT planned('cr_numeric', now());
SELECT create_future_partitions('cr_numeric');
SELECT planned('cr_numeric', now());
CREATE TABLE cr_epoch_s (ts bigint NOT NULL) PARTITION BY RANGE (ts);
CREATE TABLE cr_epoch_ms (ts bigint NOT NULL) PARTITION BY RANGE (ts);
CREATE TABLE cr_epoch_us (ts bigint NOT NULL) PARTITION BY RANGE (ts);
CREATE TABLE cr_epoch_ns (ts bigint NOT NULL) PARTITION BY RANGE (ts);
CREATE TABLE cr_snowflake (id bigint NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE cr_uuid (id uuid NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE cr_ulid (id text COLLATE "C" NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE cr_objectid (id char(24) COLLATE "C" NOT NULL) PARTITION BY RANGE (id);
SELECT codec_used, "interval", timezone_used FROM unnest('{epoch_s,epoch_ms,epoch_us,epoch_ns,snowflake,ulid,objectid}'::text[]) codec,
    steward.manage_partitions(('cr_' || codec)::regclass, '1 day', 1, codec => codec);
SELECT codec_used, "interval", timezone_used FROM steward.manage_partitions('cr_uuid', '1 day', 1, codec => 'uuidv7');
SELECT planned(('cr_' || codec)::regclass, '2025-01-15 12:00') FROM unnest('{epoch_s,epoch_ms,epoch_us,epoch_ns,snowflake,uuid,ulid,objectid}'::text[]) codec;
SELECT codec_used, missing_partitions FROM steward.manage_partitions('cr_snowflake', options => '{"snowflake_epoch": "2020-01-01 00:00:00+00"}');
SELECT planned('cr_snowflake', '2025-01-15 12:00');
SELECT codec, create_future_partitions(('cr_' || codec)::regclass, 3) FROM unnest('{epoch_s,epoch_ms,epoch_us,epoch_ns,snowflake,uuid,ulid,objectid}'::text[]) codec;
SELECT codec, create_future_partitions(('cr_' || codec)::regclass, 3) FROM unnest('{epoch_s,epoch_ms,epoch_us,epoch_ns,snowflake,uuid,ulid,objectid}'::text[]) codec;
INSERT INTO cr_epoch_ms SELECT floor(date_part('epoch', now()) * 1000) RETURNING 'fits';
INSERT INTO cr_epoch_ns SELECT floor(date_part('epoch', now())) * 1000000000 RETURNING 'fits';
-- Epoch keys of a table that was never registered are seen to be epochs.
CREATE TABLE cr_epoch_seen (ts bigint NOT NULL) PARTITION BY RANGE (ts);
CREATE TABLE cr_epoch_seen_2025_01_01 PARTITION OF cr_epoch_seen FOR VALUES FROM (1735689600) TO (1735776000);
CREATE TABLE cr_epoch_seen_2025_01_02 PARTITION OF cr_epoch_seen FOR VALUES FROM (1735776000) TO (1735862400);
CREATE TABLE cr_epoch_seen_2025_01_03 PARTITION OF cr_epoch_seen FOR VALUES FROM (1735862400) TO (1735948800);
SELECT planned('cr_epoch_seen', '2025-01-03 12:00');
-- The user's own functions.
CREATE FUNCTION cr_encode(timestamptz) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'K' || to_char($1 AT TIME ZONE 'UTC', 'YYYYMMDD') $$;
CREATE FUNCTION cr_decode(text) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT timezone('UTC', to_timestamp(substr($1, 2), 'YYYYMMDD')::timestamp) $$;
CREATE TABLE cr_functions (code text COLLATE "C" NOT NULL) PARTITION BY RANGE (code);
SELECT codec_used, "interval" FROM steward.manage_partitions('cr_functions', '1 week', 2, codec => 'functions',
    options => '{"encode": "cr_encode", "decode": "cr_decode"}');
SELECT planned('cr_functions', '2025-01-15 12:00');
SELECT create_future_partitions('cr_functions'), create_future_partitions('cr_functions');
INSERT INTO cr_functions VALUES (cr_encode(now())) RETURNING 'fits';
SELECT drop_old_partitions('cr_functions', 0);
-- A bound that nothing reads is no bound of 1970.
CREATE TABLE cr_ulid_odd PARTITION OF cr_ulid FOR VALUES FROM ('x') TO ('y');
SELECT planned('cr_ulid', '2025-01-15 12:00');
SELECT create_future_partitions('cr_ulid');
DROP TABLE cr_ulid_odd;

-- Lists: by steps, and as told.
CREATE TABLE cr_list_days (day date) PARTITION BY LIST (day);
SELECT codec_used, "interval", missing_partitions FROM steward.manage_partitions('cr_list_days', '1 day', 2);
SELECT planned('cr_list_days', '2025-01-15 12:00');
SELECT create_future_partitions('cr_list_days'), create_future_partitions('cr_list_days');
CREATE TABLE cr_list (tenant text, region text) PARTITION BY LIST (lower(region));
SELECT codec_used, "interval", missing_partitions FROM steward.manage_partitions('cr_list', options => '{"lists": {"europe": ["de", "fr"], "it''s \"odd\"": ["x''y"]}}');
SELECT planned('cr_list', now());
SELECT create_future_partitions('cr_list'), create_future_partitions('cr_list');
SELECT codec_used, missing_partitions FROM steward.manage_partitions('cr_list', options => '{"lists": {"europe": ["de", "fr", "es"], "asia": ["jp"]}}');
SELECT planned('cr_list', now());
SELECT create_future_partitions('cr_list'), create_future_partitions('cr_list');

-- Hash: N, from nothing, or what is missing of the modulus that is there.
CREATE TABLE cr_hash (id int) PARTITION BY HASH (id);
SELECT codec_used, missing_partitions FROM steward.manage_partitions('cr_hash', options => '{"modulus": 4}');
SELECT planned('cr_hash', now());
SELECT create_future_partitions('cr_hash'), create_future_partitions('cr_hash');
CREATE TABLE cr_hash_part (id int) PARTITION BY HASH (id);
CREATE TABLE cr_hash_part_a PARTITION OF cr_hash_part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT planned('cr_hash_part', now());
SELECT create_future_partitions('cr_hash_part');
CREATE TABLE cr_hash_mixed (id int) PARTITION BY HASH (id);
CREATE TABLE cr_hash_mixed_0 PARTITION OF cr_hash_mixed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE cr_hash_mixed_1 PARTITION OF cr_hash_mixed FOR VALUES WITH (MODULUS 8, REMAINDER 5);
SELECT planned('cr_hash_mixed', now());
SELECT create_future_partitions('cr_hash_mixed'), create_future_partitions('cr_hash_mixed');
INSERT INTO cr_hash_mixed SELECT generate_series(1, 100);

-- Expressions, several columns, keys that may be null.
CREATE TABLE cr_expression (payload jsonb, at timestamptz) PARTITION BY RANGE (timezone('UTC', at));
CREATE TABLE cr_expression_2025_01_01 PARTITION OF cr_expression FOR VALUES FROM ('2025-01-01') TO ('2025-01-02');
CREATE TABLE cr_expression_2025_01_02 PARTITION OF cr_expression FOR VALUES FROM ('2025-01-02') TO ('2025-01-03');
SELECT planned('cr_expression', '2025-01-02 12:00');
SELECT create_future_partitions('cr_expression', 0) > 300;
CREATE TABLE cr_two (at date NOT NULL, tenant int NOT NULL) PARTITION BY RANGE (at, tenant);
CREATE TABLE cr_two_2025_01 PARTITION OF cr_two FOR VALUES FROM ('2025-01-01', MINVALUE) TO ('2025-02-01', MINVALUE);
SELECT planned('cr_two', '2025-01-15');
CREATE TABLE cr_two_odd PARTITION OF cr_two FOR VALUES FROM ('2025-02-01', MINVALUE) TO ('2025-03-01', 7);
SELECT planned('cr_two', '2025-01-15');
SELECT create_future_partitions('cr_two', 1) > 0, create_future_partitions('cr_two', 1);
CREATE TABLE cr_null (at date) PARTITION BY RANGE (at);
CREATE TABLE cr_null_2025_01 PARTITION OF cr_null FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE cr_null_rest PARTITION OF cr_null DEFAULT;
INSERT INTO cr_null VALUES (NULL), ('2025-01-05');
SELECT planned('cr_null', '2025-01-15');
SELECT create_future_partitions('cr_null', 1) > 0, create_future_partitions('cr_null', 1);

-- Subpartitions.
CREATE TABLE cr_sub (at timestamptz NOT NULL, tenant int NOT NULL, PRIMARY KEY (at, tenant)) PARTITION BY RANGE (at);
SELECT missing_partitions FROM steward.manage_partitions('cr_sub', '1 year', 0, options => '{"subpartition_by": "HASH (tenant)", "subpartitions": 2}');
SELECT create_future_partitions('cr_sub');
SELECT count(*), count(*) FILTER (WHERE isleaf), max(level) FROM pg_partition_tree('cr_sub');
INSERT INTO cr_sub SELECT now(), i FROM generate_series(1, 10) i;
SELECT count(*) FROM cr_sub;

-- A default partition: empty, with rows outside of what comes, and with rows inside.
CREATE TABLE cr_default (id int, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE cr_default_2025_01 PARTITION OF cr_default FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE cr_default_rest PARTITION OF cr_default DEFAULT;
SELECT planned('cr_default', '2025-01-15');
INSERT INTO cr_default VALUES (1, '1999-01-01');
SELECT planned('cr_default', '2025-01-15');
INSERT INTO cr_default VALUES (1, '2025-03-10');
SELECT planned('cr_default', '2025-01-15');
SELECT create_future_partitions('cr_default', 1) > 0;
SELECT outcome, count(*), min(detail) FROM steward.partition_history WHERE parent_table = 'public.cr_default' AND outcome <> 'done' GROUP BY 1;
SELECT count(*) FROM partition_info WHERE parent_table = 'cr_default'::regclass AND range_start = '2025-03-01';
-- A large one is guarded before ranges ahead of now are attached, and the guard goes.
CREATE TABLE cr_guard (id int, note text, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE cr_guard_rest PARTITION OF cr_guard DEFAULT;
SELECT create_future_partitions('cr_guard', 0);
INSERT INTO cr_guard SELECT i, repeat('x', 1000), '1999-01-01' FROM generate_series(1, 20000) i;
SELECT create_future_partitions('cr_guard', 3);
SELECT action, outcome, count(*) FROM steward.partition_history WHERE parent_table = 'public.cr_guard' GROUP BY 1, 2 ORDER BY min(history_id);
SELECT conname FROM pg_constraint WHERE conrelid = 'cr_guard_rest'::regclass AND contype = 'c';
SELECT count(*) FROM cr_guard;

-- Names: mixed case, odd schemas, 63 bytes, taken already.
CREATE SCHEMA "Odd ""Schema""";
CREATE TABLE "Odd ""Schema"""."Event's Log" ("Wann?" timestamptz NOT NULL) PARTITION BY RANGE ("Wann?");
SELECT planned('"Odd ""Schema"""."Event''s Log"', '2025-01-15');
SELECT create_future_partitions('"Odd ""Schema"""."Event''s Log"', 1), create_future_partitions('"Odd ""Schema"""."Event''s Log"', 1);
CREATE TABLE cr_a234567890123456789012345678901234567890123456789012345678xyz (at date NOT NULL) PARTITION BY RANGE (at);
SELECT planned('cr_a234567890123456789012345678901234567890123456789012345678xyz', '2025-01-15');
SELECT create_future_partitions('cr_a234567890123456789012345678901234567890123456789012345678xyz', 2);
CREATE TABLE "cr_äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü" (at date NOT NULL) PARTITION BY RANGE (at);
SELECT planned('"cr_äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü"', '2025-01-15');
CREATE TABLE cr_taken (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE cr_taken_2025_01 (at date NOT NULL);
CREATE SEQUENCE cr_taken_2025_02;
SELECT planned('cr_taken', '2025-01-15');
-- The other name may be taken as well.
SELECT format('CREATE VIEW %s AS SELECT 1', object) FROM steward.partition_plan('cr_taken', '2025-01-15') WHERE step <= 2 \gexec
SELECT planned('cr_taken', '2025-01-15');
SELECT format('CREATE VIEW %s AS SELECT 1', object) FROM steward.partition_plan('cr_taken', '2025-01-15') WHERE step <= 2 \gexec
SELECT count(DISTINCT object) FROM steward.partition_plan('cr_taken', '2025-01-15');
-- Into another schema, and with another prefix.
CREATE SCHEMA cr_elsewhere;
CREATE TABLE cr_moved (at date NOT NULL) PARTITION BY RANGE (at);
SELECT missing_partitions FROM steward.manage_partitions('cr_moved', 'weekly', 1, options => '{"schema": "cr_elsewhere", "name_prefix": "P-"}');
SELECT planned('cr_moved', '2025-01-15');
SELECT create_future_partitions('cr_moved'), create_future_partitions('cr_moved');

-- A long way: capped by max_ahead, and zero periods is the current one only.
CREATE TABLE cr_capped (at timestamptz NOT NULL) PARTITION BY RANGE (at);
SELECT future_periods, missing_partitions FROM steward.manage_partitions('cr_capped', '1 day', 1000, options => '{"max_ahead": "10 days"}');
SELECT count(*) FROM steward.partition_plan('cr_capped', '2025-01-15');
SELECT create_future_partitions('cr_capped', 0);
SELECT create_future_partitions('cr_capped');
-- Longer than one run makes: the plan says at its end that it is not all.
CREATE TABLE cr_long (at timestamptz NOT NULL) PARTITION BY RANGE (at);
SELECT missing_partitions FROM steward.manage_partitions('cr_long', '1 hour', 1, timezone => 'UTC', options => '{"start": "2020-01-01"}');
SELECT step, object, reason FROM steward.partition_plan('cr_long', '2025-01-15 12:00+00') WHERE step = 1 OR reason ~ ';' OR step > 10000 ORDER BY step;

DROP SCHEMA "Odd ""Schema""", cr_elsewhere CASCADE;
DO $$
DECLARE name regclass;
BEGIN
    FOR name IN SELECT oid FROM pg_class WHERE relname ~ '^(cr_|learning)' AND relkind IN ('p', 'r', 'v') AND NOT relispartition LOOP
        EXECUTE format('DROP %s %s CASCADE', CASE WHEN (SELECT relkind FROM pg_class WHERE oid = name) = 'v' THEN 'VIEW' ELSE 'TABLE' END, name);
    END LOOP;
END $$;
DROP SEQUENCE cr_taken_2025_02;
DROP FUNCTION cr_encode, cr_decode, planned;
SELECT count(*) FROM steward.partition_sets;
