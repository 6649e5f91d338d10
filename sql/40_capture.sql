-- SPDX-License-Identifier: PostgreSQL
-- Room capture: statistics of every statement. Everybody may look; what others have run is hidden from those who are not members
-- of pg_read_all_stats.

CREATE FUNCTION steward.query_statistics(
    OUT database_oid oid, OUT role_oid oid, OUT is_toplevel boolean, OUT queryid bigint, OUT query text, OUT is_cut boolean,
    OUT calls bigint, OUT errors bigint, OUT rows bigint,
    OUT total_ms double precision, OUT mean_ms double precision, OUT min_ms double precision, OUT max_ms double precision,
    OUT stddev_ms double precision, OUT p50_ms double precision, OUT p90_ms double precision, OUT p95_ms double precision,
    OUT p99_ms double precision,
    OUT plans bigint, OUT plan_ms double precision, OUT cpu_ms double precision, OUT jit_ms double precision,
    OUT shared_blks_hit bigint, OUT shared_blks_read bigint, OUT shared_blks_dirtied bigint, OUT shared_blks_written bigint,
    OUT local_blks_hit bigint, OUT local_blks_read bigint, OUT local_blks_dirtied bigint, OUT local_blks_written bigint,
    OUT temp_blks_read bigint, OUT temp_blks_written bigint, OUT blk_read_ms double precision, OUT blk_write_ms double precision,
    OUT wal_records bigint, OUT wal_fpi bigint, OUT wal_bytes bigint,
    OUT first_seen timestamptz, OUT last_seen timestamptz)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'steward_query_statistics';
COMMENT ON FUNCTION steward.query_statistics() IS 'the statistics behind the view steward.queries';

CREATE VIEW steward.queries AS
SELECT s.queryid, d.datname AS database, r.rolname AS role, s.query,
       s.calls, s.errors, s.rows, s.total_ms, s.mean_ms, s.min_ms, s.max_ms, s.stddev_ms, s.p50_ms, s.p90_ms, s.p95_ms, s.p99_ms,
       s.plans, s.plan_ms, s.cpu_ms, s.jit_ms,
       s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written,
       s.local_blks_hit, s.local_blks_read, s.local_blks_dirtied, s.local_blks_written, s.temp_blks_read, s.temp_blks_written,
       s.blk_read_ms, s.blk_write_ms, s.wal_records, s.wal_fpi, s.wal_bytes,
       s.is_toplevel, s.is_cut, s.first_seen, s.last_seen
FROM steward.query_statistics() s
LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.database_oid
LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) s.role_oid;
COMMENT ON VIEW steward.queries IS 'one row a query, database, role and level: what it has taken since it was first seen';
COMMENT ON COLUMN steward.queries.queryid IS 'the server''s id of the query; of utility statements, and on PostgreSQL 13, an id of our own; null: what was evicted, or is hidden';
COMMENT ON COLUMN steward.queries.query IS 'its text without constants; "(evicted)": the sum of queries for which there was no room any more; null: no room for the text';
COMMENT ON COLUMN steward.queries.calls IS 'those that have ended, also by an error';
COMMENT ON COLUMN steward.queries.errors IS 'those that ended by an error, a timeout or a cancellation; their time counts';
COMMENT ON COLUMN steward.queries.total_ms IS 'time it ran, without planning; of a cursor, the time it was read';
COMMENT ON COLUMN steward.queries.p50_ms IS 'half of the calls took no longer; within 12.5 %, likewise p90_ms, p95_ms and p99_ms';
COMMENT ON COLUMN steward.queries.plans IS 'how often it was planned';
COMMENT ON COLUMN steward.queries.cpu_ms IS 'processor time of the session, without that of parallel workers; of short statements an estimate by one call of sixteen';
COMMENT ON COLUMN steward.queries.is_toplevel IS 'sent by a client; false: run within another statement, whose time contains it';
COMMENT ON COLUMN steward.queries.is_cut IS 'its text is longer than 16 kB';

CREATE FUNCTION steward.query_failures(
    OUT database_oid oid, OUT role_oid oid, OUT is_toplevel boolean, OUT queryid bigint, OUT sqlstate text, OUT count bigint,
    OUT total_ms double precision, OUT last_at timestamptz, OUT last_message text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'steward_query_failures';
COMMENT ON FUNCTION steward.query_failures() IS 'the counts behind the view steward.query_errors';

CREATE VIEW steward.query_errors AS
SELECT f.queryid, d.datname AS database, r.rolname AS role, f.sqlstate, f.count, f.total_ms, f.last_at, f.last_message, f.is_toplevel
FROM steward.query_failures() f
LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) f.database_oid
LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) f.role_oid;
COMMENT ON VIEW steward.query_errors IS 'how often which query has failed, and with which SQLSTATE; 57014 are timeouts and cancellations';
COMMENT ON COLUMN steward.query_errors.sqlstate IS 'null: the sum of those for which there was no room any more';
COMMENT ON COLUMN steward.query_errors.total_ms IS 'how long they had run when they failed';
COMMENT ON COLUMN steward.query_errors.last_message IS
    'the first 250 bytes of what the latest of them said that went to the server log; null: none did, as with errors that PL/pgSQL has caught';

CREATE FUNCTION steward.capture_state(
    OUT capture text, OUT has_query_ids boolean, OUT memory_bytes bigint, OUT session_bytes bigint, OUT text_bytes bigint,
    OUT text_bytes_used bigint, OUT queries bigint, OUT max_queries bigint, OUT queries_without_text bigint, OUT errors bigint,
    OUT evictions bigint, OUT returns bigint, OUT folds bigint, OUT untimed_calls bigint, OUT resets bigint, OUT loaded bigint,
    OUT saved_at timestamptz, OUT slow_bytes bigint, OUT slow_bytes_used bigint, OUT slow_events bigint, OUT slow_kept bigint,
    OUT slow_lost bigint, OUT slow_dropped bigint, OUT slow_thresholds bigint, OUT overhead_ms double precision, OUT overhead_percent double precision,
    OUT downshifted_sessions bigint, OUT first_downshift_at timestamptz)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'steward_capture_status';
COMMENT ON FUNCTION steward.capture_state() IS 'the state behind the view steward.capture_status';
REVOKE EXECUTE ON FUNCTION steward.capture_state() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.capture_state() TO pg_monitor;

CREATE VIEW steward.capture_status AS SELECT * FROM steward.capture_state();
COMMENT ON VIEW steward.capture_status IS 'what is counted, in how much memory, and what there was no room for';
COMMENT ON COLUMN steward.capture_status.has_query_ids IS 'false: compute_query_id is off, and only utility statements are counted';
COMMENT ON COLUMN steward.capture_status.memory_bytes IS 'shared memory of all of it, taken at server start';
COMMENT ON COLUMN steward.capture_status.session_bytes IS 'of that: what sessions count in, by max_connections';
COMMENT ON COLUMN steward.capture_status.evictions IS 'queries that were added to "(evicted)" since the server started';
COMMENT ON COLUMN steward.capture_status.returns IS 'of those: how many came again soon; many of them want a larger steward.capture_max_queries';
COMMENT ON COLUMN steward.capture_status.folds IS 'how often sessions have added what they counted to what all share';
COMMENT ON COLUMN steward.capture_status.untimed_calls IS 'calls counted without their time, of sessions with more than 128 statements under way at once';
COMMENT ON COLUMN steward.capture_status.loaded IS 'statistics that were read from the file when the server started';
COMMENT ON COLUMN steward.capture_status.saved_at IS 'when they were last written to it since then';
COMMENT ON COLUMN steward.capture_status.overhead_ms IS
    'what counting has taken since the server started: an estimate by one statement of 1,024, whose way through it is timed; null: none was yet';
COMMENT ON COLUMN steward.capture_status.overhead_percent IS 'that, of the time that the statements which clients sent were planned and run';
COMMENT ON COLUMN steward.capture_status.downshifted_sessions IS 'how many sessions now count less, since that took more than steward.capture_max_overhead';
COMMENT ON COLUMN steward.capture_status.first_downshift_at IS 'when that happened first since the server started; null: never';

COMMENT ON COLUMN steward.capture_status.slow_bytes IS 'memory for slow statements, part of memory_bytes';
COMMENT ON COLUMN steward.capture_status.slow_events IS 'slow statements that are kept now';
COMMENT ON COLUMN steward.capture_status.slow_kept IS 'slow statements that were kept since the server started';
COMMENT ON COLUMN steward.capture_status.slow_lost IS 'slow statements that were not, since there were many like them';
COMMENT ON COLUMN steward.capture_status.slow_dropped IS 'those that had to make room for others';
COMMENT ON COLUMN steward.capture_status.slow_thresholds IS 'rows of steward.slow_thresholds of all databases that are heeded now; 1,000 at most';

CREATE FUNCTION steward.reset_queries(queryid bigint DEFAULT NULL, database name DEFAULT NULL, role name DEFAULT NULL)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_reset_queries';
COMMENT ON FUNCTION steward.reset_queries(bigint, name, name) IS
    'forgets the statistics, errors and slow statements of one query, of a database, of a role, or of all; returns how many there were';
REVOKE EXECUTE ON FUNCTION steward.reset_queries(bigint, name, name) FROM PUBLIC;

GRANT SELECT ON steward.queries, steward.query_errors TO PUBLIC;
GRANT SELECT ON steward.capture_status TO pg_monitor;
