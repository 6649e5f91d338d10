-- SPDX-License-Identifier: PostgreSQL
-- Room maintain: the maintenance itself.

CREATE PROCEDURE steward.maintain(budget interval DEFAULT NULL, actions text[] DEFAULT NULL, wal_bytes bigint DEFAULT NULL,
    disk_bytes bigint DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'steward_maintain';
COMMENT ON PROCEDURE steward.maintain(interval, text[], bigint, bigint) IS
'runs the steps that steward.maintenance_plan() with the same arguments shows, the most useful first, each as its table''s owner and in transactions of its own
before each step it looks again whether it is still needed and still fits; it waits for replicas and load up to the end of the budget, without one ten minutes, and slows down while it runs (steward.maintain_max_lag, steward.maintain_max_load)
budget: no step runs past its end; wal_bytes, disk_bytes: as for the plan; what each step took and gained: steward.maintenance_ledger
tells of each step as it ends (INFO); a failed step stops no other, but the call ends with an error then
errors: 25001 inside a transaction block; 25006 on a standby; 55P03 maintenance of this database is under way already; 53400 no background worker is free; 22023 what is wrong with an argument; P0001 steps have failed';
