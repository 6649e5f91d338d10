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

-- What is not a partitioned table.
SELECT * FROM get_partition_stats('stats_day_1');
SELECT * FROM get_partition_stats('pg_class');
SELECT * FROM get_partition_stats(0::regclass);
SELECT * FROM get_partition_stats('no_such_table');

DROP TABLE stats_day, stats_past, stats_number, stats_list, stats_text, stats_hash, stats_sub;
DROP ROLE steward_stats_nobody;
