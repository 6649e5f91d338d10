-- SPDX-License-Identifier: PostgreSQL
-- Days with a change of the clock, in both directions: 23 or 25 hourly partitions, no gap, no overlap, no name twice.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned

-- What would be made in the days around an instant: real begin and end of each partition, read back from the plan.
CREATE FUNCTION pieces(parent regclass, at timestamptz, OUT name text, OUT lower timestamptz, OUT upper timestamptz) RETURNS SETOF record
LANGUAGE sql AS $$
    SELECT object, split_part(sql_bounds, '''', 2)::timestamptz, split_part(sql_bounds, '''', 4)::timestamptz
    FROM (SELECT object, substring(sql FROM 'FOR VALUES [^;]*') AS sql_bounds FROM steward.partition_plan(parent, at) WHERE action = 'create') plan
$$;
-- One line: how many begin on that local day, how long they are, and what is wrong with all of them.
CREATE FUNCTION day_of(parent regclass, day date, zone text, OUT pieces bigint, OUT shortest interval, OUT longest interval,
    OUT covered interval, OUT gaps_or_overlaps bigint, OUT names_twice bigint) LANGUAGE sql AS $$
    WITH all_pieces AS (SELECT *, lag(upper) OVER (ORDER BY lower) AS before FROM pieces(parent, timezone(zone, day - interval '1 day'))),
         of_day AS (SELECT * FROM all_pieces WHERE timezone(zone, lower)::date = day)
    SELECT count(*), min(upper - lower), max(upper - lower), sum(upper - lower),
        (SELECT count(*) FROM all_pieces WHERE lower <> before), (SELECT count(*) - count(DISTINCT name) FROM all_pieces)
    FROM of_day
$$;

CREATE TABLE dst_hourly (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE dst_daily (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE dst_days (zone text, day date);
INSERT INTO dst_days VALUES
    ('Europe/Berlin', '2024-03-31'), ('Europe/Berlin', '2024-10-27'),
    ('America/New_York', '2024-03-10'), ('America/New_York', '2024-11-03'),
    ('America/Santiago', '2023-09-03'), ('America/Santiago', '2023-04-01'),
    ('Australia/Lord_Howe', '2024-10-06'), ('Australia/Lord_Howe', '2024-04-07'),
    ('Asia/Kathmandu', '1986-01-01'), ('Pacific/Apia', '2011-12-29'), ('UTC', '2024-03-31');

CREATE FUNCTION each_day(parent regclass, step text, future int) RETURNS TABLE (zone text, day date, pieces bigint, shortest interval,
    longest interval, covered interval, gaps_or_overlaps bigint, names_twice bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR zone, day IN SELECT d.zone, d.day FROM dst_days d LOOP
        PERFORM steward.manage_partitions(parent, step, future, timezone => zone);
        RETURN QUERY SELECT zone, day, (day_of(parent, day, zone)).*;
    END LOOP;
END $$;
SELECT * FROM each_day('dst_hourly', 'hourly', 80);
SELECT * FROM each_day('dst_daily', 'daily', 4);

-- Names and bounds where the hour comes twice, and where it does not come.
SELECT interval FROM steward.manage_partitions('dst_hourly', '1 hour', 3, timezone => 'Europe/Berlin');
SELECT * FROM pieces('dst_hourly', '2024-10-26 23:30+00');
SELECT * FROM pieces('dst_hourly', '2024-03-30 23:30+00');
SELECT interval FROM steward.manage_partitions('dst_hourly', '30 minutes', 5, timezone => 'Australia/Lord_Howe');
SELECT * FROM pieces('dst_hourly', '2024-04-06 14:10+00');
SELECT interval FROM steward.manage_partitions('dst_daily', '1 day', 2, timezone => 'America/Santiago');
SELECT * FROM pieces('dst_daily', '2023-09-02 12:00+00');
SELECT * FROM pieces('dst_daily', '2023-04-01 12:00+00');
-- Bounds are written with their offset, whatever the session's zone and style, and are the same instants.
SELECT substring(sql FROM 'FOR VALUES [^;]*') FROM steward.partition_plan('dst_daily', '2023-09-02 12:00+00');
SET timezone = 'Asia/Kolkata';
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SELECT substring(sql FROM 'FOR VALUES [^;]*') FROM steward.partition_plan('dst_daily', '2023-09-02 12:00+00');
SET search_path = '';
SELECT object FROM steward.partition_plan('public.dst_daily', '2023-09-02 12:00+00');
RESET search_path;
-- Made by a session with such settings, and found complete by one with others.
SELECT create_future_partitions('dst_daily', 3);
SET timezone = 'America/St_Johns';
SET datestyle = 'German';
SET intervalstyle = 'iso_8601';
SELECT create_future_partitions('dst_daily', 3);
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
SET search_path = '';
SELECT public.create_future_partitions('public.dst_daily', 3);
SELECT public.create_future_partitions('public.dst_daily', 4);
SELECT gaps FROM public.get_partition_stats('public.dst_daily');
RESET search_path;

-- Zones are inferred from bounds: these days begin in Berlin, the session lives elsewhere.
SET timezone = 'Europe/Berlin';
CREATE TABLE dst_seen (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE dst_seen_2024_03_29 PARTITION OF dst_seen FOR VALUES FROM ('2024-03-29') TO ('2024-03-30');
CREATE TABLE dst_seen_2024_03_30 PARTITION OF dst_seen FOR VALUES FROM ('2024-03-30') TO ('2024-03-31');
SELECT object, substring(sql FROM 'FOR VALUES [^;]*') FROM steward.partition_plan('dst_seen', '2024-03-30 12:00+00');
-- Made by a worker, and still in the caller's zone; found in that of the bounds by a caller elsewhere.
CREATE TABLE dst_new (at timestamptz NOT NULL) PARTITION BY RANGE (at);
SELECT create_future_partitions('dst_new', 2);
SELECT count(*) FROM partition_info WHERE parent_table = 'dst_new'::regclass AND range_start ~ '-01 00:00:00';
SELECT create_future_partitions('dst_seen', 2) > 300;
SELECT count(*) FROM partition_info WHERE parent_table = 'dst_seen'::regclass AND range_start !~ ' 00:00:00';
SET timezone = 'UTC';

-- Clocks without a zone have 24 hours every day.
CREATE TABLE dst_wall (at timestamp NOT NULL) PARTITION BY RANGE (at);
SELECT interval, timezone_used FROM steward.manage_partitions('dst_wall', 'hourly', 30, timezone => 'Europe/Berlin');
SELECT count(*), count(DISTINCT object) FROM steward.partition_plan('dst_wall', '2024-03-30 22:59+00') WHERE sql ~ 'FROM \(''2024-03-31';
SELECT object FROM steward.partition_plan('dst_wall', '2024-03-30 22:59+00') WHERE step = 1;

DROP TABLE dst_hourly, dst_daily, dst_days, dst_seen, dst_new, dst_wall;
DROP FUNCTION each_day, day_of, pieces;
