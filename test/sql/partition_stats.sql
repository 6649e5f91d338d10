-- SPDX-License-Identifier: PostgreSQL
-- get_partition_stats(): one row a set.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- Four days back to three days ahead, with a hole the day after tomorrow.
CREATE TABLE stats_day (day date NOT NULL, note text) PARTITION BY RANGE (day);
CREATE INDEX ON stats_day (day);
DO $$
BEGIN
    FOR n IN -4 .. 3 LOOP
        CONTINUE WHEN n = 2;
        EXECUTE format('CREATE TABLE stats_day_%s PARTITION OF stats_day FOR VALUES FROM (%L) TO (%L)', n + 4, current_date + n, current_date + n + 1);
    END LOOP;
END $$;
CREATE TABLE stats_day_rest PARTITION OF stats_day DEFAULT;
INSERT INTO stats_day SELECT current_date - 1, repeat('x', 100) FROM generate_series(1, 1000);
INSERT INTO stats_day SELECT current_date, '' FROM generate_series(1, 10);
VACUUM ANALYZE stats_day;
SELECT parent_table, partitions, future_partitions, oldest_start = (current_date - 4)::text AS oldest, newest_end = (current_date + 4)::text AS newest,
       runway BETWEEN interval '1 day' AND interval '2 days' AS runway_ends_at_the_hole, default_rows, total_rows, gaps,
       largest_partition, growth_bytes_per_day > 0 AS grows, is_registered, next_retirement, locks_needed, skew_ratio
FROM get_partition_stats('stats_day');
SELECT s.total_bytes = sum(i.total_bytes) AS same_total, s.largest_bytes = max(i.total_bytes) AS same_largest,
       s.avg_bytes = (sum(i.total_bytes) FILTER (WHERE NOT i.is_default) / s.partitions)::bigint AS same_average
FROM get_partition_stats('stats_day') s JOIN partition_info i USING (parent_table) GROUP BY s.total_bytes, s.largest_bytes, s.avg_bytes, s.partitions;
SELECT lock_capacity = current_setting('max_locks_per_transaction')::int
                       * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) AS as_documented
FROM get_partition_stats('stats_day');

-- Rows in the default partition: 0 is certain, another number is an estimate, NULL is not known.
INSERT INTO stats_day VALUES (current_date + 2);
SELECT default_rows FROM get_partition_stats('stats_day');
ANALYZE stats_day_rest;
SELECT default_rows FROM get_partition_stats('stats_day');
DELETE FROM stats_day_rest;
SELECT default_rows FROM get_partition_stats('stats_day');
CREATE ROLE steward_stats_nobody;
SET ROLE steward_stats_nobody;
SELECT default_rows FROM get_partition_stats('stats_day');
RESET ROLE;

-- A registered retention tells when the oldest partition goes.
INSERT INTO steward.partition_sets (parent, codec, step, keep) VALUES ('stats_day', 'date', '1 day', '10 days');
SELECT is_registered, next_retirement = (current_date + 7)::timestamptz AS in_a_week FROM get_partition_stats('stats_day');

-- No partition for now: no runway. No end: none either, but NULL.
CREATE TABLE stats_past (at timestamptz NOT NULL) PARTITION BY RANGE (at);
SELECT partitions, runway, gaps, oldest_start, total_rows, total_bytes, avg_bytes, largest_partition, locks_needed FROM get_partition_stats('stats_past');
CREATE TABLE stats_past_1 PARTITION OF stats_past FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE stats_past_2 PARTITION OF stats_past FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
SELECT partitions, future_partitions, runway, oldest_start, newest_end FROM get_partition_stats('stats_past');
CREATE TABLE stats_past_3 PARTITION OF stats_past FOR VALUES FROM ('2020-03-01') TO (MAXVALUE);
SELECT partitions, future_partitions, runway, oldest_start, newest_end FROM get_partition_stats('stats_past');

-- Keys that do not follow the clock.
CREATE TABLE stats_number (id int) PARTITION BY RANGE (id);
CREATE TABLE stats_number_1 PARTITION OF stats_number FOR VALUES FROM (0) TO (10);
CREATE TABLE stats_number_2 PARTITION OF stats_number FOR VALUES FROM (20) TO (30);
CREATE TABLE stats_list (tenant text) PARTITION BY LIST (tenant);
CREATE TABLE stats_list_a PARTITION OF stats_list FOR VALUES IN ('a');
CREATE TABLE stats_text (code text) PARTITION BY RANGE (code);
CREATE TABLE stats_text_a PARTITION OF stats_text FOR VALUES FROM ('a') TO ('b');
CREATE TABLE stats_hash (id int) PARTITION BY HASH (id);
CREATE TABLE stats_hash_0 PARTITION OF stats_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE stats_hash_1 PARTITION OF stats_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO stats_hash SELECT 1 FROM generate_series(1, 100);
ANALYZE stats_hash;
CREATE TABLE stats_sub (day date NOT NULL, id int PRIMARY KEY) PARTITION BY HASH (id);
CREATE TABLE stats_sub_0 PARTITION OF stats_sub FOR VALUES WITH (MODULUS 1, REMAINDER 0) PARTITION BY RANGE (id);
CREATE TABLE stats_sub_0_1 PARTITION OF stats_sub_0 FOR VALUES FROM (0) TO (10);
CREATE TABLE stats_sub_0_2 PARTITION OF stats_sub_0 FOR VALUES FROM (10) TO (20);
INSERT INTO stats_sub SELECT current_date, i FROM generate_series(1, 19) i;
ANALYZE stats_sub_0_1, stats_sub_0_2;
SELECT parent_table, partitions, oldest_start, newest_end, runway, gaps, total_rows, locks_needed, skew_ratio
FROM get_partition_stats() WHERE parent_table::text ~ '^stats_' AND parent_table <> 'stats_day'::regclass;
SELECT partitions, oldest_start, newest_end, total_rows FROM get_partition_stats('stats_sub_0');

-- Number keys: maintenance notes the largest, and by the pace of the keys it is known when they come to an end.
CREATE TABLE stats_pace (id bigint PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE stats_pace_0 PARTITION OF stats_pace FOR VALUES FROM (0) TO (1000);
CREATE TABLE stats_pace_1000 PARTITION OF stats_pace FOR VALUES FROM (1000) TO (2000);
CREATE FUNCTION stats_shift(by interval) RETURNS void LANGUAGE sql AS $$
    UPDATE steward.partition_pace SET seen_at = seen_at - by WHERE parent = 'stats_pace'::regclass
$$;
CREATE FUNCTION stats_pace() RETURNS text LANGUAGE sql AS $$
    SELECT format('future %s, runway %s h, a day %s times the bytes of a key, retires in %s h', future_partitions,
        round((date_part('epoch', runway) / 3600)::numeric),
        round((growth_bytes_per_day / (SELECT sum(total_bytes) / 2000 FROM partition_info WHERE partition_name ~ '^stats_pace_(0|1000)$'))::numeric, -2),
        round((date_part('epoch', next_retirement - clock_timestamp()) / 3600)::numeric))
    FROM get_partition_stats('stats_pace')
$$;
SELECT interval, missing_partitions FROM steward.manage_partitions('stats_pace', '1000', 2, keep => '3000');
SELECT count(*) FROM maintain_partitions() WHERE parent = 'public.stats_pace';
SELECT stats_pace(), (SELECT count(*) FROM steward.partition_pace);
-- One look is no pace yet, and looks are not noted one right after the other.
INSERT INTO stats_pace SELECT i, repeat('x', 1000) FROM generate_series(0, 1999) i;
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.stats_pace';
SELECT stats_pace(), (SELECT newest_key FROM steward.partition_pace);
INSERT INTO stats_pace SELECT i, repeat('x', 1000) FROM generate_series(2000, 2499) i;
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.stats_pace';
SELECT newest_key FROM steward.partition_pace;
-- 500 keys in 12 hours: 1,000 a day, 2,501 to the end at 5,000, and the first partition retires at 4,000.
SELECT stats_shift('12 hours');
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.stats_pace';
SELECT stats_pace(), (SELECT array_agg(newest_key ORDER BY seen_at) FROM steward.partition_pace);
-- Nobody looked for a day: what has come by then is told, and the row of the doctor is still good. After three days it is not.
SELECT stats_shift('1 day');
SELECT stats_pace();
SELECT verdict FROM steward.doctor() WHERE "check" = 'runway';
BEGIN;
SELECT stats_shift('3 days');
SELECT stats_pace();
SELECT verdict, detail, remedy FROM steward.doctor() WHERE "check" = 'runway';
ROLLBACK;
-- Nothing came: the mean of the time, and after a week of rest the last pace, from now on.
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.stats_pace';
SELECT stats_pace();
SELECT stats_shift('20 days');
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.stats_pace';
SELECT stats_pace(), (SELECT array_agg(newest_key ORDER BY seen_at) FROM steward.partition_pace);
-- Keys that are gone are forgotten, and what is noted goes with the policy and with the table.
SELECT stats_shift('1 day');
DELETE FROM stats_pace WHERE id > 2200;
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.stats_pace';
SELECT array_agg(newest_key ORDER BY seen_at) FROM steward.partition_pace;
SELECT steward.unmanage_partitions('stats_pace');
SELECT count(*) FROM steward.partition_pace;
SELECT interval FROM steward.manage_partitions('stats_pace', '1000');
SELECT count(*) FROM maintain_partitions() WHERE parent = 'public.stats_pace';
SELECT count(*) FROM steward.partition_pace;
DROP TABLE stats_pace;
SELECT count(*) FROM steward.partition_pace;
DROP FUNCTION stats_pace, stats_shift;
-- Digits behind the point.
CREATE TABLE stats_decimal (n numeric NOT NULL) PARTITION BY RANGE (n);
CREATE TABLE stats_decimal_0 PARTITION OF stats_decimal FOR VALUES FROM (0) TO (0.5);
CREATE TABLE stats_decimal_1 PARTITION OF stats_decimal FOR VALUES FROM (0.5) TO (1);
INSERT INTO stats_decimal VALUES (0.3);
SELECT interval FROM steward.manage_partitions('stats_decimal', '0.5', 0);
SELECT count(*) FROM maintain_partitions() WHERE parent = 'public.stats_decimal';
UPDATE steward.partition_pace SET seen_at = seen_at - interval '1 day';
INSERT INTO stats_decimal VALUES (0.4);
SELECT count(*) FROM maintain_partitions() WHERE parent = 'public.stats_decimal';
SELECT round((date_part('epoch', runway) / 86400)::numeric, 1) FROM get_partition_stats('stats_decimal');
DROP TABLE stats_decimal;

-- What is not a partitioned table.
SELECT * FROM get_partition_stats('stats_day_1');
SELECT * FROM get_partition_stats('pg_class');
SELECT * FROM get_partition_stats(0::regclass);
SELECT * FROM get_partition_stats('no_such_table');

DROP TABLE stats_day, stats_past, stats_number, stats_list, stats_text, stats_hash, stats_sub;
DROP ROLE steward_stats_nobody;
