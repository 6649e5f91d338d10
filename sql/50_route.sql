-- SPDX-License-Identifier: PostgreSQL
-- Room route: the servers of the cluster, and how far each is behind.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE steward.nodes (
    name          text PRIMARY KEY CHECK (name <> '' AND octet_length(name) <= 63),
    host          text NOT NULL CHECK (host <> '' AND octet_length(host) <= 255),
    port          integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    options       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object'
                      AND NOT options ?| ARRAY['password', 'passwd', 'sslpassword']),
    registered_by name NOT NULL DEFAULT SESSION_USER,
    registered_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (host, port)
);
COMMENT ON TABLE steward.nodes IS 'servers of this cluster, the primary and all standbys; written by steward.register_node() and steward.remove_node(), and read by the prober of each of them';
COMMENT ON COLUMN steward.nodes.host IS 'name, address, or directory of a socket, as the other nodes reach it';
COMMENT ON COLUMN steward.nodes.options IS 'parameters of the connection to it: dbname, passfile, service, sslcert, sslcrl, sslkey, sslmode, sslrootcert, user, never a password; and for those who are sent to it zone, weight and maintenance';

SELECT pg_extension_config_dump('steward.nodes', '');
GRANT SELECT ON steward.nodes TO pg_monitor;

CREATE FUNCTION steward.tell_prober() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_tell_prober';
COMMENT ON FUNCTION steward.tell_prober() IS 'trigger: the prober reads the nodes of this database anew when the transaction commits';
REVOKE EXECUTE ON FUNCTION steward.tell_prober() FROM PUBLIC;

CREATE TRIGGER tell_prober AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON steward.nodes
FOR EACH STATEMENT EXECUTE FUNCTION steward.tell_prober();
COMMENT ON TRIGGER tell_prober ON steward.nodes IS 'the prober reads the nodes anew';

CREATE FUNCTION steward.register_node(name text, host text, port integer, options jsonb DEFAULT '{}') RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_register_node';
COMMENT ON FUNCTION steward.register_node(text, text, integer, jsonb) IS
'registers a server of this cluster, on the primary; the servers then ask each other how they are
name: up to 63 bytes; host: a name, an address, or the directory of a socket, as the other nodes reach it
options: dbname, user, passfile, service, sslmode, sslrootcert, sslcert, sslkey, sslcrl of the connection, and check: false registers it without connecting to it first
zone: text, where it stands; weight: 1 to 1000, how much it takes, 100 is usual; maintenance: true sends nobody to it, and it has no vote on who is primary
the prober of each server connects as its operating system''s user does, and needs a role with pg_monitor; passwords come from a passfile
errors: 22023 bad name, host, port or option, or a server of another cluster; 42710 registered already; 08001 it cannot be asked; 25006 on a standby';
REVOKE EXECUTE ON FUNCTION steward.register_node(text, text, integer, jsonb) FROM PUBLIC;

CREATE FUNCTION steward.remove_node(name text) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_remove_node';
COMMENT ON FUNCTION steward.remove_node(text) IS
    'removes a server from steward.nodes, on the primary (42704 when it is not registered, 25006 on a standby); nothing is done to the server itself';
REVOKE EXECUTE ON FUNCTION steward.remove_node(text) FROM PUBLIC;

CREATE FUNCTION steward.node_facts(positions pg_lsn[] DEFAULT '{}',
    OUT instance bigint, OUT system_identifier bigint, OUT is_standby boolean, OUT is_replay_paused boolean, OUT timeline bigint,
    OUT flush_lsn pg_lsn, OUT replay_lsn pg_lsn, OUT receiver_state text, OUT upstream_host text, OUT upstream_port integer,
    OUT slot_name text, OUT conflicts bigint, OUT ages bigint[], OUT seen_instance bigint, OUT seen_timeline bigint, OUT seen_age bigint,
    OUT newest_timeline bigint, OUT connections integer, OUT max_connections integer,
    OUT blocking_reason text, OUT blocking_pid integer, OUT blocking_age bigint, OUT blocking_query text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1
AS 'MODULE_PATHNAME', 'steward_node_facts';
COMMENT ON FUNCTION steward.node_facts(pg_lsn[]) IS
'what this server says of itself to the probers of others
instance: of this life of the server; flush_lsn: written by a primary, received by a standby; conflicts: queries that replay has cancelled, in all databases
ages: on a primary, how old the oldest WAL behind each of the positions may be, in microseconds; 0: there is none, -1: unknown
seen_instance, seen_timeline: the primary as this server sees it; seen_age: microseconds since it has, NULL: it has no prober
newest_timeline: of all servers it has seen; connections: of clients
blocking_reason: what replay of a standby waits for; blocking_pid: the process, blocking_age: microseconds that its transaction has taken, blocking_query: as the caller may see it';
REVOKE EXECUTE ON FUNCTION steward.node_facts(pg_lsn[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.node_facts(pg_lsn[]) TO pg_monitor;

CREATE FUNCTION steward.node_status(
    OUT node_name text, OUT host text, OUT port integer, OUT role text, OUT state text, OUT upstream text, OUT sender_state text,
    OUT sync_state text, OUT timeline bigint, OUT sent_lsn pg_lsn, OUT flush_lsn pg_lsn, OUT replay_lsn pg_lsn,
    OUT is_replay_paused boolean, OUT receiver_state text, OUT slot_name text, OUT slot_wal_status text, OUT conflicts bigint,
    OUT lag_bytes bigint, OUT receive_lag_bytes bigint, OUT replay_lag_bytes bigint, OUT lag_seconds double precision,
    OUT lag_kind text, OUT last_contact timestamptz, OUT verdict text, OUT detail text, OUT catch_up_seconds double precision,
    OUT slot_hours_left double precision, OUT blocking_reason text, OUT blocking_pid integer, OUT blocking_seconds double precision, OUT blocking_query text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 5
AS 'MODULE_PATHNAME', 'steward_node_status';
COMMENT ON FUNCTION steward.node_status() IS 'the rows of replication_status and replica_lag_status';
REVOKE EXECUTE ON FUNCTION steward.node_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.node_status() TO pg_monitor;

SET LOCAL search_path = @extschema@, pg_temp;

CREATE VIEW replication_status AS
SELECT s.node_name, s.host, s.port, s.role, s.state, s.upstream, s.sender_state, s.sync_state, s.timeline, s.sent_lsn, s.flush_lsn,
       s.replay_lsn, s.is_replay_paused, s.receiver_state, s.slot_name, s.slot_wal_status, s.slot_hours_left, s.conflicts, s.last_contact, s.verdict, s.detail
FROM steward.node_status() s;
COMMENT ON VIEW replication_status IS
    'one row a server of the cluster, on each of them: the nodes of steward.nodes, this server, and the standbys and slots that only it knows of';
COMMENT ON COLUMN replication_status.role IS 'primary or standby; NULL: it has not answered yet';
COMMENT ON COLUMN replication_status.state IS 'up, down or unknown, as the prober of this server finds it';
COMMENT ON COLUMN replication_status.upstream IS 'server a standby streams from, as it reaches it';
COMMENT ON COLUMN replication_status.sender_state IS 'of the process of this server that sends it WAL; NULL: it streams from another one, or not at all';
COMMENT ON COLUMN replication_status.sync_state IS 'async, potential, sync or quorum, where this server sends it WAL';
COMMENT ON COLUMN replication_status.flush_lsn IS 'WAL a primary has written, and a standby received';
COMMENT ON COLUMN replication_status.slot_hours_left IS
    'until its slot loses WAL if its standby stays away from now on, by what was written in the last hour; where max_slot_wal_keep_size is -1, until the file system of pg_wal is full; NULL: nothing was written';
COMMENT ON COLUMN replication_status.conflicts IS 'queries on it that replay has cancelled, in all databases, since its statistics were reset';
COMMENT ON COLUMN replication_status.last_contact IS 'when it last answered, by the clock of this server';
COMMENT ON COLUMN replication_status.verdict IS 'ok, warning, critical or unknown; detail says why';

CREATE VIEW replica_lag_status AS
SELECT s.node_name, s.lag_bytes, s.lag_seconds, s.lag_kind,
       CASE WHEN s.lag_kind = 'unknown' THEN 'unknown' WHEN s.lag_bytes = 0 THEN 'caught up' ELSE 'behind' END AS status,
       s.receive_lag_bytes, s.replay_lag_bytes, s.catch_up_seconds, s.blocking_reason, s.blocking_pid, s.blocking_seconds, s.blocking_query,
       s.last_contact AS as_of, s.verdict, s.detail
FROM steward.node_status() s
WHERE s.role = 'standby' OR (s.role IS NULL AND s.port IS NOT NULL);
COMMENT ON VIEW replica_lag_status IS 'how far each standby is behind the primary, on each server of the cluster';
COMMENT ON COLUMN replica_lag_status.lag_seconds IS 'age of the oldest WAL that it has not replayed, by the primary''s clock alone: 0 while the primary is idle';
COMMENT ON COLUMN replica_lag_status.lag_kind IS
    'exact: so it was when it was last asked; upper_bound: it or the primary does not answer, or it has replayed more since; unknown: nobody could say';
COMMENT ON COLUMN replica_lag_status.receive_lag_bytes IS 'WAL that it has not received';
COMMENT ON COLUMN replica_lag_status.catch_up_seconds IS
    'until it has caught up if it replays, and the primary writes, as in the last ten probes; NULL: it gets no nearer, or that is unknown';
COMMENT ON COLUMN replica_lag_status.blocking_reason IS
    'what replay of this standby waits for: snapshot, lock, tablespace or buffer pin; NULL: nothing, when it was last asked';
COMMENT ON COLUMN replica_lag_status.blocking_pid IS 'process that is in the way, the one with the oldest snapshot of several; of a buffer pin it is unknown';
COMMENT ON COLUMN replica_lag_status.blocking_seconds IS 'that its transaction has taken';
COMMENT ON COLUMN replica_lag_status.blocking_query IS 'its first 255 bytes, as pg_stat_activity of the standby shows it to the role of the prober, or for this server itself to the caller';
COMMENT ON COLUMN replica_lag_status.replay_lag_bytes IS 'WAL that it has received and not replayed';

GRANT SELECT ON replication_status, replica_lag_status TO pg_monitor;
