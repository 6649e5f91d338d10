-- SPDX-License-Identifier: PostgreSQL
-- Room capture: slow statements in full. What others have run is hidden from those who are not members of pg_read_all_stats.

CREATE FUNCTION steward.slow_query_events(
    of_database oid DEFAULT NULL, unlogged boolean DEFAULT false,
    OUT number bigint, OUT at timestamptz, OUT database_oid oid, OUT role_oid oid, OUT is_toplevel boolean,
    OUT severity text, OUT duration_ms double precision, OUT plan_ms double precision, OUT sqlstate text, OUT queryid bigint,
    OUT query text, OUT parameters text, OUT plan text, OUT tags jsonb, OUT application text, OUT client inet,
    OUT is_cut boolean, OUT rows bigint, OUT cpu_ms double precision, OUT jit_ms double precision,
    OUT shared_blks_hit bigint, OUT shared_blks_read bigint, OUT shared_blks_dirtied bigint, OUT shared_blks_written bigint,
    OUT local_blks_hit bigint, OUT local_blks_read bigint, OUT local_blks_dirtied bigint, OUT local_blks_written bigint,
    OUT temp_blks_read bigint, OUT temp_blks_written bigint, OUT blk_read_ms double precision, OUT blk_write_ms double precision,
    OUT wal_records bigint, OUT wal_fpi bigint, OUT wal_bytes bigint,
    OUT is_first boolean, OUT is_worst boolean, OUT is_latest boolean)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'steward_slow_query_events';
COMMENT ON FUNCTION steward.slow_query_events(oid, boolean) IS
    'the slow statements behind the view steward.slow_queries, the newest first: of one database, or those that steward.slow_query_log has not got yet';

CREATE VIEW steward.slow_queries AS
SELECT e.at, e.duration_ms, e.severity, e.sqlstate, e.queryid, e.query, e.parameters, e.plan, d.datname AS database, r.rolname AS role,
       e.application, e.client, e.tags, e.rows, e.plan_ms, e.cpu_ms, e.jit_ms,
       e.shared_blks_hit, e.shared_blks_read, e.shared_blks_dirtied, e.shared_blks_written,
       e.local_blks_hit, e.local_blks_read, e.local_blks_dirtied, e.local_blks_written, e.temp_blks_read, e.temp_blks_written,
       e.blk_read_ms, e.blk_write_ms, e.wal_records, e.wal_fpi, e.wal_bytes, e.is_toplevel, e.is_cut,
       e.is_first, e.is_worst, e.is_latest
FROM steward.slow_query_events() e
LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) e.database_oid
LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) e.role_oid
ORDER BY e.at DESC;
COMMENT ON VIEW steward.slow_queries IS 'statements that took longer than steward.capture_slow_threshold, or than is usual for their query, the newest first: of each query the first, the worst and the latest, and others as long as there is room';
COMMENT ON COLUMN steward.slow_queries.at IS 'when it ended';
COMMENT ON COLUMN steward.slow_queries.severity IS 'slow; or critical: longer than steward.capture_critical_threshold';
COMMENT ON COLUMN steward.slow_queries.sqlstate IS 'of the error that ended it; null: it did not fail';
COMMENT ON COLUMN steward.slow_queries.query IS 'its text as it ran; without constants where that is all that is known, and always of utility statements';
COMMENT ON COLUMN steward.slow_queries.parameters IS 'their values; "?": one that could not be shown; null: it had none, or steward.capture_parameters is off';
COMMENT ON COLUMN steward.slow_queries.plan IS 'as EXPLAIN shows it; null: it failed, is a utility statement, or had no plan to show';
COMMENT ON COLUMN steward.slow_queries.client IS 'null: it is on the same machine, or there was none';
COMMENT ON COLUMN steward.slow_queries.tags IS 'what the application wrote into a comment, as sqlcommenter has it';
COMMENT ON COLUMN steward.slow_queries.cpu_ms IS 'processor time of the session, without that of parallel workers; null: it was not measured';
COMMENT ON COLUMN steward.slow_queries.is_toplevel IS 'sent by a client; false: run within another statement';
COMMENT ON COLUMN steward.slow_queries.is_cut IS 'its text is longer than 16 kB';
COMMENT ON COLUMN steward.slow_queries.is_first IS 'the first of its query that was slow, as long as there is room; likewise is_worst and is_latest';
GRANT SELECT ON steward.slow_queries TO PUBLIC;

-- Partitions are made, and go, as steward.partition_sets says; the first slow statement enters it there. It has no index, which
-- a dump of its partitions would make twice.
CREATE TABLE steward.slow_query_log (
    at timestamptz NOT NULL, duration_ms double precision, severity text, sqlstate text, queryid bigint, query text, parameters text,
    plan text, role text, application text, client inet, tags jsonb, rows bigint, plan_ms double precision,
    cpu_ms double precision, jit_ms double precision,
    shared_blks_hit bigint, shared_blks_read bigint, shared_blks_dirtied bigint, shared_blks_written bigint,
    local_blks_hit bigint, local_blks_read bigint, local_blks_dirtied bigint, local_blks_written bigint,
    temp_blks_read bigint, temp_blks_written bigint, blk_read_ms double precision, blk_write_ms double precision,
    wal_records bigint, wal_fpi bigint, wal_bytes bigint, is_toplevel boolean, is_cut boolean
) PARTITION BY RANGE (at);
COMMENT ON TABLE steward.slow_query_log IS 'slow statements of this database, written down a few seconds after they ended: the columns of steward.slow_queries. Kept for 30 days unless steward.manage_partitions() is told otherwise';
SELECT pg_catalog.pg_extension_config_dump('steward.slow_query_log', '');
GRANT SELECT ON steward.slow_query_log TO pg_read_all_stats;

CREATE TABLE steward.slow_thresholds (
    application text UNIQUE CHECK (application <> ''),
    queryid     bigint UNIQUE,
    slow_ms     integer CHECK (slow_ms >= -1),
    critical_ms integer CHECK (critical_ms >= -1),
    CHECK ((application IS NULL) <> (queryid IS NULL)),
    CHECK (slow_ms IS NOT NULL OR critical_ms IS NOT NULL)
);
COMMENT ON TABLE steward.slow_thresholds IS 'what is slow of an application or a query in this database, in place of steward.capture_slow_threshold and steward.capture_critical_threshold: rows of your own. Sessions heed them a few seconds after the commit, on standbys within a minute';
COMMENT ON COLUMN steward.slow_thresholds.application IS 'application_name of the session';
COMMENT ON COLUMN steward.slow_thresholds.queryid IS 'the query, as steward.queries has it; it comes before the application';
COMMENT ON COLUMN steward.slow_thresholds.slow_ms IS 'in milliseconds; 0: any is, -1: none; null: as it is else';
COMMENT ON COLUMN steward.slow_thresholds.critical_ms IS 'in milliseconds; 0: any is, -1: none; null: as it is else';
SELECT pg_catalog.pg_extension_config_dump('steward.slow_thresholds', '');
GRANT SELECT ON steward.slow_thresholds TO pg_read_all_stats;
CREATE TRIGGER tell_launcher AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON steward.slow_thresholds
FOR EACH STATEMENT EXECUTE FUNCTION steward.tell_launcher();
COMMENT ON TRIGGER tell_launcher ON steward.slow_thresholds IS 'the launcher has them read anew';
