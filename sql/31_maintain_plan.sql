-- SPDX-License-Identifier: PostgreSQL
-- Room maintain: what needs maintenance, why, and why not.

CREATE FUNCTION steward.remember_statistics() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_remember_statistics';
COMMENT ON FUNCTION steward.remember_statistics() IS
'notes the counters of all tables of this database in steward.table_memory, and how far the cluster''s transaction ids are in steward.wraparound_samples
to be called every ten minutes or so: after a crash or a promotion the plan goes by what was noted, where the server counts from 0 again
returns the tables whose note has changed';
REVOKE EXECUTE ON FUNCTION steward.remember_statistics() FROM PUBLIC;

CREATE FUNCTION steward.maintenance_plan(budget interval DEFAULT NULL, actions text[] DEFAULT NULL, wal_bytes bigint DEFAULT NULL,
    disk_bytes bigint DEFAULT NULL)
RETURNS TABLE (step integer, action text, object text, owner name, score double precision, reason text, lock_mode text,
               predicted_seconds double precision, predicted_wal_bytes bigint, predicted_disk_bytes bigint, predicted_from text,
               verdict text, detail text, sql text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 50
AS 'MODULE_PATHNAME', 'steward_maintenance_plan';
COMMENT ON FUNCTION steward.maintenance_plan(interval, text[], bigint, bigint) IS
'what steward.maintain() with the same arguments would do now, the most useful first; changes nothing and takes no lock on a table
of all tables for superusers, members of pg_maintain and the database''s owner (of this one''s tables), else of those the caller owns or may maintain
budget: only steps predicted to end within it run; wal_bytes: likewise for the WAL they write; disk_bytes: the most a step may take beside what is there; NULL: no limit
actions: freeze, vacuum, analyze, reindex, drop leftover; NULL: all
score: how far it is on the way to where autovacuum would begin, 1 = there; a reindex: bytes given back by bytes kept
lock_mode: on the table; predicted_disk_bytes: needed beside what is there while it runs; predicted_from: this table, other tables (both by steward.maintenance_ledger) or rule of thumb
verdict: run, no time, no WAL left, no disk left, blocked (somebody would keep it waiting), refused, covered (somebody is at it); detail: why it does not run
errors: 22023 what is wrong with an argument';

CREATE FUNCTION steward.why_not(tbl regclass)
RETURNS TABLE (action text, object text, verdict text, score double precision, due_from double precision, reason text, detail text,
               last_done timestamptz, last_done_by text)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 6
AS 'MODULE_PATHNAME', 'steward_why_not';
COMMENT ON FUNCTION steward.why_not(regclass) IS
'why a table is or is not maintained: a row for autovacuum, for each kind of action and for each index; for who may maintain it, and members of pg_monitor
verdict: not due, or what steward.maintenance_plan() says of the step; of autovacuum: on, off
score and due_from: how far it is, and from where on steward.maintain() does it; detail: the SQL that does it, or what stands in the way and the way out
last_done: of vacuum or freeze, and of analyze; NULL: never, or long ago and forgotten
errors: 42501 of somebody else''s table, 42809 not a table that can be maintained';
