-- SPDX-License-Identifier: PostgreSQL
-- Room route: to which server a client should connect.

SET LOCAL search_path = @extschema@, pg_catalog, pg_temp;

CREATE FUNCTION get_optimal_connection(read_only boolean DEFAULT false, max_staleness interval DEFAULT NULL, min_lsn pg_lsn DEFAULT NULL,
    zone text DEFAULT NULL, max_rows integer DEFAULT 1, strategy text DEFAULT NULL,
    OUT node_name text, OUT host text, OUT port integer, OUT role text, OUT connection_string text, OUT connection_uri text,
    OUT multi_host_uri text, OUT jdbc_url text, OUT lag_bytes bigint, OUT lag_seconds double precision, OUT lag_kind text,
    OUT replay_lsn pg_lsn, OUT timeline bigint, OUT score double precision, OUT reason text, OUT as_of timestamptz,
    OUT valid_until timestamptz, OUT topology_epoch bigint)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1
AS 'MODULE_PATHNAME', 'steward_get_optimal_connection';
COMMENT ON FUNCTION get_optimal_connection(boolean, interval, pg_lsn, text, integer, text) IS
'where a client should connect, best first, on any server of the cluster and out of memory; no row where no answer is certain, steward.connection_candidates says why
read_only false: the primary, when it is certain who that is; true: a standby, or the primary where no standby can be taken
max_staleness: of reads, how old what they see may be at most, now and until valid_until; NULL: of any age; below two probe intervals few standbys keep it
min_lsn: of reads, what must have been replayed; zone: preferred until its nodes are nearly full; max_rows: at least 1
strategy: balanced (default: two are drawn by weight, the one that is less used, and less behind, is taken), nearest (zone, then round trip), least_lag, primary_only, round_robin
multi_host_uri, jdbc_url: the node first, then where to go on when it is gone; libpq tries them from left to right; jdbc_url is NULL for a socket
lag_*: as in replica_lag_status; score: less is better; as_of: when the node was asked; topology_epoch: of this server, grows with any change of nodes, roles, timelines and the certain primary
errors: 22023 unknown strategy, negative max_staleness, max_rows below 1; 22004 read_only is null; 55000 the library is not preloaded';

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION steward.node_candidates(max_staleness interval DEFAULT NULL, min_lsn pg_lsn DEFAULT NULL, zone text DEFAULT NULL,
    OUT node_name text, OUT host text, OUT port integer, OUT role text, OUT for_writes boolean, OUT write_reason text,
    OUT for_reads boolean, OUT read_reason text, OUT score double precision, OUT most_stale_seconds double precision,
    OUT lag_bytes bigint, OUT lag_seconds double precision, OUT lag_kind text, OUT replay_lsn pg_lsn, OUT timeline bigint,
    OUT node_zone text, OUT weight integer, OUT is_in_maintenance boolean, OUT connections integer, OUT max_connections integer,
    OUT assigned double precision, OUT round_trip_ms double precision, OUT is_this_server boolean, OUT as_of timestamptz)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 5
AS 'MODULE_PATHNAME', 'steward_node_candidates';
COMMENT ON FUNCTION steward.node_candidates(interval, pg_lsn, text) IS
'every node, whether get_optimal_connection() would take it for writes, and for reads with this bound and position, and why
errors: 22023 negative max_staleness; 55000 the library is not preloaded';
REVOKE EXECUTE ON FUNCTION steward.node_candidates(interval, pg_lsn, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.node_candidates(interval, pg_lsn, text) TO pg_monitor;

CREATE VIEW steward.connection_candidates AS SELECT * FROM steward.node_candidates();
COMMENT ON VIEW steward.connection_candidates IS
    'every node, whether get_optimal_connection() would take it, and why; steward.node_candidates() tells the same of reads with a bound';
COMMENT ON COLUMN steward.connection_candidates.score IS 'less is better: share of its connections in use and given away lately, against its weight, and of the bound';
COMMENT ON COLUMN steward.connection_candidates.most_stale_seconds IS 'how old what it shows may be at most, now: the age of what it lacked when it was last known, and the time since';
COMMENT ON COLUMN steward.connection_candidates.assigned IS 'clients sent to it lately by this server; half of them are forgotten every two seconds';
COMMENT ON COLUMN steward.connection_candidates.round_trip_ms IS 'how long it took to answer this server';
COMMENT ON COLUMN steward.connection_candidates.as_of IS 'when it was asked what it has last answered';
GRANT SELECT ON steward.connection_candidates TO pg_monitor;
