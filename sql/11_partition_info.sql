-- SPDX-License-Identifier: PostgreSQL
-- Room partition: what is there. One row a partition, and one row a set.

CREATE FUNCTION steward.partition_rows(parent oid)
RETURNS TABLE (partition oid, strategy text, key text, "interval" text, range_start text, range_end text, is_default boolean,
               is_current boolean, row_estimate bigint, table_bytes bigint, index_bytes bigint, state text)
LANGUAGE c STABLE STRICT PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'steward_partition_rows';
COMMENT ON FUNCTION steward.partition_rows(oid) IS 'partitions of one partitioned table, for the view partition_info; never waits for a lock';

CREATE FUNCTION steward.relation_size(relation oid)
RETURNS TABLE (row_estimate bigint, table_bytes bigint, index_bytes bigint)
LANGUAGE c STABLE STRICT PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'steward_relation_size';
COMMENT ON FUNCTION steward.relation_size(oid) IS
    'planner''s row estimate, and sizes in bytes as pg_table_size() and pg_indexes_size() give them; NULL for a table that is gone; takes no lock';

CREATE FUNCTION steward.partition_key(parent oid, OUT strategy text, OUT key text)
RETURNS SETOF record
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN p.partstrat = 'r' THEN 'range' WHEN p.partstrat = 'l' THEN 'list' WHEN p.partstrat = 'h' THEN 'hash' END,
           (SELECT string_agg(coalesce(quote_ident(a.attname), '(expression)'), ', ' ORDER BY k.n)
            FROM unnest(p.partattrs::int2[]) WITH ORDINALITY k(attnum, n)
            LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum <> 0)
    FROM pg_partitioned_table p WHERE p.partrelid = parent
$$;
COMMENT ON FUNCTION steward.partition_key(oid) IS
    'strategy and key of a partitioned table, for the view partition_info; expressions are not written out, since that would wait for locks';

CREATE VIEW partition_info AS
SELECT t.oid::pg_catalog.regclass AS parent_table,
       r.partition::pg_catalog.regclass::pg_catalog.text AS partition_name,
       r.strategy, r.key, r."interval", r.range_start, r.range_end, r.is_default, r.is_current,
       r.row_estimate, r.table_bytes, r.index_bytes,
       r.table_bytes OPERATOR(pg_catalog.+) r.index_bytes AS total_bytes,
       GREATEST(pg_catalog.pg_stat_get_last_vacuum_time(r.partition),
                pg_catalog.pg_stat_get_last_autovacuum_time(r.partition)) AS last_vacuum,
       GREATEST(pg_catalog.pg_stat_get_last_analyze_time(r.partition),
                pg_catalog.pg_stat_get_last_autoanalyze_time(r.partition)) AS last_analyze,
       r.state,
       r.partition::pg_catalog.regclass AS partition
FROM pg_catalog.pg_class t CROSS JOIN LATERAL steward.partition_rows(t.oid) r
WHERE t.relkind OPERATOR(pg_catalog.=) 'p'
UNION ALL
SELECT d.parent,
       d.partition::pg_catalog.text,
       k.strategy, k.key,
       NULL, d.range_start, d.range_end,
       d.bounds OPERATOR(pg_catalog.=) 'DEFAULT', false,
       s.row_estimate, s.table_bytes, s.index_bytes,
       s.table_bytes OPERATOR(pg_catalog.+) s.index_bytes,
       GREATEST(pg_catalog.pg_stat_get_last_vacuum_time(d.partition),
                pg_catalog.pg_stat_get_last_autovacuum_time(d.partition)),
       GREATEST(pg_catalog.pg_stat_get_last_analyze_time(d.partition),
                pg_catalog.pg_stat_get_last_autoanalyze_time(d.partition)),
       'trash',
       d.partition
FROM steward.partition_trash d
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.partition::pg_catalog.oid AND NOT c.relispartition
LEFT JOIN LATERAL steward.partition_key(d.parent) k ON true
CROSS JOIN LATERAL steward.relation_size(d.partition) s;

COMMENT ON VIEW partition_info IS
    'one row a partition of every partitioned table of this database, on every level, registered or not, and those in the trash';
COMMENT ON COLUMN partition_info.parent_table IS 'partitioned table right above the partition';
COMMENT ON COLUMN partition_info.partition_name IS 'name of the partition, with its schema where the search path does not lead to it';
COMMENT ON COLUMN partition_info.strategy IS 'range, list or hash';
COMMENT ON COLUMN partition_info.key IS 'columns or expressions of the partition key';
COMMENT ON COLUMN partition_info."interval" IS
    'length of a period on a time key, width on a number key; as registered, else as the bounds tell; NULL where they follow no rule';
COMMENT ON COLUMN partition_info.range_start IS
    'lower bound, included: instants with their offset in the zone of the set, decoded where the key is a number or an id; list: the values; hash: modulus and remainder; keys of several columns: as the server writes them';
COMMENT ON COLUMN partition_info.range_end IS 'upper bound, not included; NULL for list and hash';
COMMENT ON COLUMN partition_info.is_default IS 'rows that fit no other partition go here';
COMMENT ON COLUMN partition_info.is_current IS 'now lies between its bounds; NULL where the key does not follow the clock';
COMMENT ON COLUMN partition_info.row_estimate IS 'rows as the planner estimates them; NULL where never analyzed';
COMMENT ON COLUMN partition_info.table_bytes IS
    'as pg_table_size(): rows, free space and visibility maps, toast; 0 for a partition that is partitioned itself, whose own partitions have rows of their own';
COMMENT ON COLUMN partition_info.index_bytes IS 'as pg_indexes_size()';
COMMENT ON COLUMN partition_info.total_bytes IS 'as pg_total_relation_size(): table_bytes + index_bytes';
COMMENT ON COLUMN partition_info.last_vacuum IS 'when it was last vacuumed, by hand or by autovacuum';
COMMENT ON COLUMN partition_info.last_analyze IS 'when it was last analyzed, by hand or by autovacuum';
COMMENT ON COLUMN partition_info.state IS
    'attached; detaching: DETACH CONCURRENTLY was begun and not finished; trash: retired, steward.restore_partition() brings it back';
COMMENT ON COLUMN partition_info.partition IS 'the partition as regclass';
GRANT SELECT ON partition_info TO PUBLIC;

CREATE FUNCTION get_partition_stats(parent regclass DEFAULT NULL)
RETURNS TABLE (parent_table regclass, partitions integer, future_partitions integer, oldest_start text, newest_end text,
               runway interval, default_rows bigint, total_rows bigint, total_bytes bigint, avg_bytes bigint,
               largest_partition regclass, largest_bytes bigint, growth_bytes_per_day bigint, gaps integer, is_registered boolean,
               next_retirement timestamptz, locks_needed bigint, lock_capacity bigint, skew_ratio double precision)
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 20
AS 'MODULE_PATHNAME', 'steward_partition_stats';
COMMENT ON FUNCTION get_partition_stats(regclass) IS
'one row a partitioned table, or one row for the table named (42809 when it is not partitioned). What lies below subpartitions is counted in. Among all tables, one that somebody has locked exclusively has NULLs.
partitions: direct ones without the default; future_partitions: those that begin after now (number keys: after the largest key that maintenance has seen)
runway: time until inserts of now hit the default partition or fail: a gap ends it; NULL where there is no end or it is not known. Number keys, once registered: as the keys rose in the last day or week, whichever is faster, from the last maintenance on
default_rows: rows in the default partition: exactly 0 when it is empty, else the planner''s estimate, NULL when not known
total_rows: the planner''s estimate; total_bytes, avg_bytes, largest_bytes: with indexes and toast
growth_bytes_per_day: bytes of the last 7 finished periods by their length; number keys: a key of those, by the keys of a day
gaps: holes between the oldest and the newest partition that no partition in the trash fills
next_retirement: when the oldest partition passes its retention
locks_needed: locks that one query without pruning takes, tables and indexes; lock_capacity: max_locks_per_transaction * (max_connections + max_prepared_transactions)
skew_ratio: hash: rows of the fullest partition by the average';
