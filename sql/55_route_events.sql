-- SPDX-License-Identifier: PostgreSQL
-- Room route: what happened to the servers of the cluster.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION steward.topology_events_seen(
    OUT instance bigint, OUT number bigint, OUT at timestamptz, OUT seen_by text, OUT node_name text, OUT event text, OUT severity text,
    OUT timeline bigint, OUT previous_timeline bigint, OUT lsn pg_lsn, OUT other_node text, OUT detail text, OUT known jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 20
AS 'MODULE_PATHNAME', 'steward_topology_events_seen';
COMMENT ON FUNCTION steward.topology_events_seen() IS
    'what the prober of this server has seen happen to the nodes of this database since the server was started, the latest 128 of all databases';
REVOKE EXECUTE ON FUNCTION steward.topology_events_seen() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.topology_events_seen() TO pg_monitor;

CREATE TABLE steward.topology_event_log (
    instance bigint, number bigint, at timestamptz NOT NULL, seen_by text NOT NULL, node_name text NOT NULL, event text NOT NULL,
    severity text NOT NULL, timeline bigint, previous_timeline bigint, lsn pg_lsn, other_node text, detail text, known jsonb,
    PRIMARY KEY (instance, number)
);
COMMENT ON TABLE steward.topology_event_log IS
    'events of steward.topology_events, written down on a primary: its own, and those that it saw as a standby since it was started; the latest 10000';
COMMENT ON COLUMN steward.topology_event_log.instance IS 'life of the server that has seen it, which numbers its events';

SELECT pg_extension_config_dump('steward.topology_event_log', '');
GRANT SELECT ON steward.topology_event_log TO pg_monitor;

CREATE VIEW steward.topology_events AS
SELECT e.at, e.node_name, e.event, e.severity, e.timeline, e.previous_timeline, e.lsn, e.other_node, e.detail, e.seen_by, e.known
FROM (SELECT * FROM steward.topology_event_log
      UNION ALL
      SELECT s.* FROM steward.topology_events_seen() s
      WHERE NOT EXISTS (SELECT FROM steward.topology_event_log l WHERE l.instance = s.instance AND l.number = s.number)) e
ORDER BY e.at DESC, e.number DESC;
COMMENT ON VIEW steward.topology_events IS
    'what happened to the servers of the cluster, the newest first: what the primaries have written down, and what this server has seen, primary or standby';
COMMENT ON COLUMN steward.topology_events.at IS 'when it was seen, by the clock of the server that has seen it';
COMMENT ON COLUMN steward.topology_events.node_name IS 'of a split brain: the one on the older timeline';
COMMENT ON COLUMN steward.topology_events.event IS
    'loss: it does not answer; return: it answers again; promotion, demotion: it has become a primary, or a standby; timeline_change: a standby follows another timeline; split_brain: two servers were primaries at the same time; split_brain_end: one of them is a standby';
COMMENT ON COLUMN steward.topology_events.severity IS 'info, warning or critical';
COMMENT ON COLUMN steward.topology_events.lsn IS 'WAL that a primary had written, or a standby replayed, when it was seen last';
COMMENT ON COLUMN steward.topology_events.other_node IS 'of a split brain: the other primary';
COMMENT ON COLUMN steward.topology_events.known IS 'all nodes as they were known then: state, role, timeline, positions, and how many seconds old that was';
GRANT SELECT ON steward.topology_events TO pg_monitor;
