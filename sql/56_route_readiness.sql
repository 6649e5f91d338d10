-- SPDX-License-Identifier: PostgreSQL
-- Room route: what is looked at before a failover.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION steward.failover_readiness(OUT "check" text, OUT verdict text, OUT detail text, OUT remedy text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20
AS 'MODULE_PATHNAME', 'steward_failover_readiness';
COMMENT ON FUNCTION steward.failover_readiness() IS
'what a failover would cost now, and what would stop it or hurt after; on any server, which asks the registered nodes as its prober does
check: nodes, primary, candidate, loss, settings of each standby, the candidate as a primary, rewind, synchronous_standby_names, slots
verdict: ok, warning, critical or unknown; remedy: null when there is nothing to do
a node that does not answer within steward.route_probe_timeout is told as unknown';
REVOKE EXECUTE ON FUNCTION steward.failover_readiness() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.failover_readiness() TO pg_monitor;

CREATE FUNCTION steward.setup_replication_check(OUT "check" text, OUT verdict text, OUT detail text, OUT remedy text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20
AS 'MODULE_PATHNAME', 'steward_setup_replication_check';
COMMENT ON FUNCTION steward.setup_replication_check() IS
'whether this server is set up as replication needs it: settings, slots, access, roles, archive, and what a standby follows
verdict: ok, warning, critical or unknown; remedy: null when there is nothing to do; pg_hba.conf is read where the caller may';
REVOKE EXECUTE ON FUNCTION steward.setup_replication_check() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.setup_replication_check() TO pg_monitor;
