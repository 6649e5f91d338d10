-- SPDX-License-Identifier: PostgreSQL
-- What is looked at before a failover, on a server that is alone; who may look.
CREATE ROLE steward_route_monitor;
GRANT pg_monitor TO steward_route_monitor;
CREATE ROLE steward_route_anybody;

SELECT "check", verdict, detail, remedy FROM steward.failover_readiness() WHERE "check" IN ('nodes', 'candidate');
SELECT "check", verdict, remedy FROM steward.failover_readiness() WHERE "check" NOT IN ('nodes', 'candidate');
-- A node that nobody can ask.
SELECT steward.register_node('gone', '127.0.0.1', 1, '{"check": false}');
SELECT "check", verdict, remedy FROM steward.failover_readiness() WHERE "check" IN ('primary', 'candidate');
SELECT steward.remove_node('gone');

SELECT count(*) = count(DISTINCT "check") AS each_once, bool_and(verdict IN ('ok', 'warning', 'critical', 'unknown')) AS known,
    bool_and((verdict IN ('ok', 'unknown')) OR remedy IS NOT NULL) AS has_remedies
FROM steward.setup_replication_check();
SELECT pg_create_physical_replication_slot('steward_idle', true) IS NOT NULL AS made;
SELECT "check", verdict, detail, remedy FROM steward.setup_replication_check() WHERE "check" IN ('slots', 'max_slot_wal_keep_size', 'wal_keep_size');
SELECT pg_drop_replication_slot('steward_idle');

SET ROLE steward_route_monitor;
SELECT count(*) > 3 AS looked FROM steward.failover_readiness();
SELECT "check", verdict, detail, remedy FROM steward.setup_replication_check() WHERE "check" = 'pg_hba';
SET ROLE steward_route_anybody;
SELECT count(*) FROM steward.failover_readiness();
SELECT count(*) FROM steward.setup_replication_check();
RESET ROLE;
DROP ROLE steward_route_monitor, steward_route_anybody;
