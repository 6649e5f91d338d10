-- SPDX-License-Identifier: PostgreSQL
-- What needs maintenance, in which order and why; what does not; and who sees what.
SET client_min_messages = warning;
CREATE SCHEMA steward_mp;
CREATE ROLE steward_mp_owner;
CREATE ROLE steward_mp_other;
GRANT USAGE ON SCHEMA steward_mp TO steward_mp_owner, steward_mp_other;
SET search_path = steward_mp;

CREATE TABLE deleted (id integer PRIMARY KEY, v text) WITH (autovacuum_enabled = false);
INSERT INTO deleted SELECT i, 'x' FROM generate_series(1, 10000) i;
CREATE TABLE patient (LIKE deleted) WITH (autovacuum_enabled = false, autovacuum_vacuum_threshold = 100000, autovacuum_analyze_threshold = 100000);
INSERT INTO patient SELECT i, 'x' FROM generate_series(1, 10000) i;
CREATE TABLE quiet (id integer) WITH (autovacuum_enabled = false);
INSERT INTO quiet SELECT i FROM generate_series(1, 10000) i;
CREATE TABLE toasted (id integer, v text) WITH (autovacuum_enabled = false);
ALTER TABLE toasted ALTER v SET STORAGE EXTERNAL;
INSERT INTO toasted SELECT i, repeat('x', 30000) FROM generate_series(1, 40) i;
CREATE MATERIALIZED VIEW "Odd ""view" WITH (autovacuum_enabled = false) AS SELECT i FROM generate_series(1, 10) i;
-- A session that ends has told the statistics all that it did.
\c -
SET client_min_messages = warning;
SET search_path = steward_mp;
DO $$ BEGIN
    FOR i IN 1 .. 600 LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN (SELECT sum(pg_stat_get_ins_since_vacuum(c)) FROM unnest('{deleted,patient,quiet,toasted}'::regclass[]) c) = 30040
            AND pg_stat_get_live_tuples((SELECT reltoastrelid FROM pg_class WHERE oid = 'toasted'::regclass)) > 0;
        PERFORM pg_sleep(0.1);
    END LOOP;
END $$;
VACUUM ANALYZE deleted;
VACUUM ANALYZE patient;
VACUUM ANALYZE quiet;
VACUUM ANALYZE toasted;
VACUUM ANALYZE "Odd ""view";
DELETE FROM deleted WHERE id <= 5000;
DELETE FROM patient WHERE id <= 5000;
DELETE FROM toasted WHERE id <= 20;
CREATE TABLE fresh (id integer) WITH (autovacuum_enabled = false);
INSERT INTO fresh VALUES (1);
CREATE TABLE empty (id integer) WITH (autovacuum_enabled = false);
CREATE TABLE parted (id integer) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100) WITH (autovacuum_enabled = false);
-- Together: what is counted of the rows comes after the analysis.
BEGIN;
INSERT INTO parted SELECT i FROM generate_series(0, 99) i;
ANALYZE parted_1;
COMMIT;
CREATE TABLE owned (id integer) WITH (autovacuum_enabled = false);
INSERT INTO owned VALUES (1);
ALTER TABLE owned OWNER TO steward_mp_owner;
CREATE TEMPORARY TABLE passing (id integer);
INSERT INTO passing VALUES (1);
RESET search_path;

\c -
SET client_min_messages = warning;
DO $$ BEGIN
    FOR i IN 1 .. 600 LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN pg_stat_get_dead_tuples('steward_mp.deleted'::regclass) = 5000 AND pg_stat_get_dead_tuples('steward_mp.patient'::regclass) = 5000
            AND pg_stat_get_dead_tuples((SELECT reltoastrelid FROM pg_class WHERE oid = 'steward_mp.toasted'::regclass)) > 0
            AND pg_stat_get_live_tuples('steward_mp.owned'::regclass) = 1 AND pg_stat_get_mod_since_analyze('steward_mp.parted_1'::regclass) = 100;
        PERFORM pg_sleep(0.1);
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.plan(budget interval DEFAULT NULL, actions text[] DEFAULT NULL, wal_bytes bigint DEFAULT NULL)
RETURNS TABLE (action text, object text, owner name, score numeric, reason text, verdict text, detail text, sql text) LANGUAGE sql
AS $$ SELECT p.action, p.object, CASE WHEN p.owner = CURRENT_USER THEN 'me' ELSE p.owner END, round(p.score::numeric, 1), p.reason, p.verdict, p.detail, replace(p.sql, 'ONLY ', '')
      FROM steward.maintenance_plan(budget, actions, wal_bytes) p WHERE p.object LIKE 'steward_mp.%' ORDER BY p.score DESC, p.object $$;

\x on
SELECT * FROM pg_temp.plan();
\x off
SELECT DISTINCT lock_mode, predicted_from, predicted_seconds > 0 AS takes_time, predicted_wal_bytes > 0 AS writes, predicted_disk_bytes
FROM steward.maintenance_plan() WHERE object LIKE 'steward_mp.%';
SELECT bool_and(step = n) AS in_order FROM (SELECT step, row_number() OVER (ORDER BY step) AS n FROM steward.maintenance_plan()) p;

-- Budgets, actions, and the score from which on something is due.
SELECT object, verdict, detail FROM pg_temp.plan(budget => '1 millisecond', actions => '{vacuum}');
SELECT object, verdict FROM pg_temp.plan(budget => '1 day', actions => '{vacuum}');
SELECT object, verdict, detail LIKE 'it is predicted to write % of WAL, and 0 bytes are left' AS says FROM pg_temp.plan(wal_bytes => 0, actions => '{vacuum}');
SET steward.maintain_min_score = 3;
SELECT action, object FROM pg_temp.plan();
RESET steward.maintain_min_score;
SET steward.maintain_vacuum_score_weight = 0;
SELECT action, object FROM pg_temp.plan(actions => '{vacuum}');
RESET steward.maintain_vacuum_score_weight;
SELECT name, setting, min_val, max_val FROM pg_settings WHERE name LIKE 'steward.maintain%' ORDER BY name;

-- Bad arguments.
\set VERBOSITY verbose
SELECT * FROM pg_temp.plan(budget => '0');
SELECT * FROM pg_temp.plan(budget => '-1 hour');
SELECT * FROM pg_temp.plan(actions => '{vacuum,tidy}');
SELECT * FROM pg_temp.plan(actions => '{}');
SELECT * FROM pg_temp.plan(wal_bytes => -1);
SELECT * FROM steward.maintenance_plan(disk_bytes => -1);
\set VERBOSITY default

-- Who sees what.
SET ROLE steward_mp_owner;
SELECT object, sql FROM steward.maintenance_plan();
SELECT action, verdict FROM steward.why_not('steward_mp.owned');
SELECT * FROM steward.why_not('steward_mp.deleted');
SELECT steward.remember_statistics();
SET ROLE steward_mp_other;
SELECT * FROM steward.maintenance_plan();
RESET ROLE;

-- Why, and why not.
SELECT action, verdict, round(score::numeric, 1) AS score, due_from, reason, detail, last_done IS NOT NULL AS is_done, last_done_by FROM steward.why_not('steward_mp.deleted') WHERE action <> 'freeze';
SELECT action, verdict, round(score::numeric, 1) AS score, reason, detail FROM steward.why_not('steward_mp.quiet') WHERE action <> 'freeze';
SELECT action, verdict, reason, replace(detail, 'ONLY ', '') AS detail FROM steward.why_not('steward_mp.parted');
SELECT action, verdict, reason FROM steward.why_not('steward_mp.empty') WHERE action <> 'freeze';
SELECT count(*) FROM steward.why_not(NULL);
SELECT * FROM steward.why_not('steward.jobs');
SELECT * FROM steward.why_not('steward_mp.deleted_pkey');
SELECT * FROM steward.why_not(1::oid::regclass);
CREATE TEMPORARY TABLE passing (id integer);
SELECT * FROM steward.why_not('passing');

-- A ledger that says what went wrong the last time, and one that says it was ours.
INSERT INTO steward.maintenance_ledger (run_id, action, object, table_oid, owner_name, reason, started_at, ended_at, outcome, detail)
VALUES (1, 'vacuum', 'steward_mp.deleted', 'steward_mp.deleted'::regclass, 'me', '-', '2026-01-01 00:00+00', '2026-01-01 00:00+00', 'postponed', 'the window was over'),
       (1, 'analyze', 'steward_mp.deleted', 'steward_mp.deleted'::regclass, 'me', '-', now(), now(), 'done', NULL);
SELECT action, detail, last_done_by FROM steward.why_not('steward_mp.deleted') WHERE action IN ('vacuum', 'analyze');
DELETE FROM steward.maintenance_ledger WHERE table_oid = 'steward_mp.deleted'::regclass;

-- Counters are noted once, and again when they have changed.
SELECT steward.remember_statistics() > 0 AS noted;
SELECT dead_rows, modified_rows, forgotten_dead FROM steward.table_memory WHERE table_oid = 'steward_mp.deleted'::regclass;
SELECT count(*) FROM steward.wraparound_samples;
SELECT steward.remember_statistics() IS NOT NULL AS noted;
SELECT count(*) FROM steward.wraparound_samples;

-- The server forgets: what was noted counts on, until the next vacuum.
SELECT pg_stat_reset_single_table_counters('steward_mp.deleted'::regclass);
DO $$ BEGIN
    FOR i IN 1 .. 600 LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN pg_stat_get_dead_tuples('steward_mp.deleted'::regclass) = 0;
        PERFORM pg_sleep(0.1);
    END LOOP;
END $$;
SELECT action, score, reason FROM pg_temp.plan() WHERE object = 'steward_mp.deleted';
SELECT action, last_done_by FROM steward.why_not('steward_mp.deleted') WHERE action = 'vacuum';
SELECT steward.remember_statistics() > 0 AS noted;
SELECT dead_rows, forgotten_dead, last_vacuum IS NOT NULL AS knows_vacuum FROM steward.table_memory WHERE table_oid = 'steward_mp.deleted'::regclass;
TRUNCATE steward_mp.deleted;
SELECT action FROM pg_temp.plan(actions => '{vacuum}') WHERE object = 'steward_mp.deleted';

-- The wraparound of databases and tables.
SELECT counter, age >= 0 AS has_age, freeze_max_age, stop_age > 2000000000 AS has_end, percent_used < 1 AS is_far FROM steward.wraparound
WHERE kind = 'database' AND object = current_database() ORDER BY counter DESC;
SELECT counter, count(*) FROM steward.wraparound WHERE kind = 'table' GROUP BY counter ORDER BY counter;

SET client_min_messages = warning;
DROP SCHEMA steward_mp CASCADE;
SELECT steward.remember_statistics() IS NOT NULL AS noted;
SELECT count(*) FROM steward.table_memory m WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.table_oid);
DELETE FROM steward.table_memory;
DELETE FROM steward.wraparound_samples;
DROP ROLE steward_mp_owner, steward_mp_other;
