-- SPDX-License-Identifier: PostgreSQL
-- Room partition: partitions that differ from their parent or from the set's template.

CREATE FUNCTION steward.find_partition_drift(parent regclass DEFAULT NULL,
    OUT parent_table regclass, OUT partition regclass, OUT aspect text, OUT subject text,
    OUT expected text, OUT actual text, OUT repair_sql text, OUT lock_mode text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'steward_find_partition_drift';
COMMENT ON FUNCTION steward.find_partition_drift(regclass) IS 'differences of all partitions below parent (of every partitioned table when NULL) from their parent or template, with the SQL that repairs each; changes nothing';

CREATE VIEW steward.partition_drift AS
SELECT d.parent_table, d.partition, d.aspect, d.subject, d.expected, d.actual, d.repair_sql, d.lock_mode
FROM steward.find_partition_drift() d
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.parent_table::pg_catalog.oid
WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE');
COMMENT ON VIEW steward.partition_drift IS 'one row per difference of a partition from its parent, or from the template of its set: of the tables the caller owns, and of all for members of pg_monitor';
COMMENT ON COLUMN steward.partition_drift.parent_table IS 'the partitioned table directly above the partition';
COMMENT ON COLUMN steward.partition_drift.partition IS 'the partition that differs';
COMMENT ON COLUMN steward.partition_drift.aspect IS 'what differs: index, invalid index, unique key, privileges, owner, replica identity, row security, policy, storage, compression, statistics target, column options, default, extended statistics, reloptions, tablespace, access method, comment, trigger, publication';
COMMENT ON COLUMN steward.partition_drift.subject IS 'the column, index, policy, statistics object, trigger or publication; NULL: the partition as a whole';
COMMENT ON COLUMN steward.partition_drift.expected IS 'how the parent or the template has it, or a publication the other partitions; NULL: not at all';
COMMENT ON COLUMN steward.partition_drift.actual IS 'how the partition has it; NULL: not at all';
COMMENT ON COLUMN steward.partition_drift.repair_sql IS 'statements that end the difference, separated by semicolons; one at a time and outside a transaction where CONCURRENTLY is among them, in psql: SELECT s FROM steward.partition_drift, regexp_split_to_table(repair_sql, E'';\n'') s \gexec; a comment with the reason where no statement can end it';
COMMENT ON COLUMN steward.partition_drift.lock_mode IS 'the strongest lock on the partition that the repair takes';
GRANT SELECT ON steward.partition_drift TO PUBLIC;
