-- SPDX-License-Identifier: PostgreSQL
-- Room route: nodes that others know, and a standby that registers itself.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION steward.import_nodes(provider text, source text DEFAULT NULL, options jsonb DEFAULT '{}', dry_run boolean DEFAULT true,
    OUT action text, OUT node_name text, OUT host text, OUT port integer, OUT detail text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'steward_import_nodes';
COMMENT ON FUNCTION steward.import_nodes(text, text, jsonb, boolean) IS
'nodes of this cluster as another tool knows them, into steward.nodes; with dry_run, the default, only says what it would do
provider: patroni, source: http://host:port of its REST interface; pg_auto_failover, source: connection string of its monitor; repmgr, source: connection string of the database that has repmgr.nodes, null: this one
options: of each node that is registered, as of steward.register_node(); passwords are neither taken nor kept
action: register, move (to another host or port), keep, or skip; nodes that only we know are kept; nodes are not connected to first
errors: 22023 unknown provider, bad source or options, or another cluster; 08001 it cannot be asked within twice steward.route_probe_timeout; 25006 on a standby';
REVOKE EXECUTE ON FUNCTION steward.import_nodes(text, text, jsonb, boolean) FROM PUBLIC;

CREATE FUNCTION steward.register_standby(name text, host text, port integer, options jsonb DEFAULT '{}', "primary" text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_register_standby';
COMMENT ON FUNCTION steward.register_standby(text, text, integer, jsonb, text) IS
'on a standby: has the primary register this server by steward.register_node(), which connects back to it first
primary: connection string, without a password; null: primary_conninfo of this server, to the current database
the role it connects as needs EXECUTE on steward.register_node(), and SELECT and INSERT on steward.nodes
errors: 55000 on a primary, or without primary_conninfo; 08001 the primary cannot be reached; others are those of the primary';
REVOKE EXECUTE ON FUNCTION steward.register_standby(text, text, integer, jsonb, text) FROM PUBLIC;
