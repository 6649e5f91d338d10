-- SPDX-License-Identifier: PostgreSQL
-- Room route: reading what one wrote, on another server.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE PROCEDURE steward.wait_for_lsn(target pg_lsn, timeout interval DEFAULT '10 s')
LANGUAGE c
AS 'MODULE_PATHNAME', 'steward_wait_for_lsn';
COMMENT ON PROCEDURE steward.wait_for_lsn(pg_lsn, interval) IS
'waits on a standby until the WAL up to this target is replayed, so that the next statement sees what was committed there; holds no snapshot meanwhile
target: what steward.commit_lsn said after the commit, or pg_current_wal_insert_lsn(); on a primary that has written it there is nothing to wait for
errors: 57014 not within the timeout; 55000 a primary that has not written it; 25001 called where a snapshot is held; 22023 negative timeout; 22004 null';
