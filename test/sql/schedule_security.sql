-- SPDX-License-Identifier: PostgreSQL
-- A role sees the jobs and runs of the roles it is a member of, and no cheap function in a WHERE clause sees more.
SET client_min_messages = error;
CREATE ROLE steward_sec_boss LOGIN;
CREATE ROLE steward_sec_spy LOGIN;
SELECT steward.schedule('secret job', '@yearly', 'SELECT ''secret command''', role => 'steward_sec_boss') > 0 AS scheduled;
SELECT steward.schedule('own job', '@yearly', 'SELECT 1', role => 'steward_sec_spy') > 0 AS scheduled;
INSERT INTO steward.job_history (run_id, job_id, job_name, role_name, role_oid, kind, due_at, started_at, ended_at, outcome, message)
SELECT -d.job_id, d.job_id, d.name, d.role_name, d.role_oid, 'scheduled', now(), now(), now(), 'failed', d.name || ': message'
FROM steward.job_definitions d WHERE d.name IN ('secret job', 'own job');
INSERT INTO steward.job_progress (job_id, last_error, last_outcome)
SELECT d.job_id, d.name || ': error', 'failed' FROM steward.job_definitions d WHERE d.name IN ('secret job', 'own job');
RESET client_min_messages;

SET SESSION AUTHORIZATION steward_sec_spy;
SET client_min_messages = notice;
CREATE FUNCTION pg_temp.sees(what text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
AS $$ BEGIN IF what LIKE '%secret%' THEN RAISE NOTICE 'sees %', what; END IF; RETURN true; END $$;
CREATE FUNCTION pg_temp.is_secret(what bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
AS $$ BEGIN RAISE NOTICE 'sees a run'; RETURN true; END $$;

SELECT name FROM steward.jobs WHERE pg_temp.sees(name || ', ' || command || ', ' || coalesce(last_error, '-'));
SELECT job, message FROM steward.job_runs WHERE pg_temp.sees(message);
SELECT job FROM steward.job_runs WHERE pg_temp.is_secret(run_id);
SELECT count(*) FROM steward.late_jobs WHERE pg_temp.sees(job || ', ' || detail);
SELECT j.name, r.message FROM steward.jobs j JOIN steward.job_runs r USING (job_id) WHERE pg_temp.sees(j.name || r.message);
SELECT count(*) FROM (SELECT message FROM steward.job_runs OFFSET 0) r WHERE pg_temp.sees(message);
SELECT count(*) FROM steward.job_runs GROUP BY message HAVING pg_temp.sees(message);
SELECT u.message FROM (SELECT message FROM steward.job_runs UNION ALL SELECT last_error FROM steward.jobs) u WHERE pg_temp.sees(u.message) ORDER BY 1;

-- What the views stand on is not for it.
SELECT count(*) FROM steward.job_definitions;
SELECT count(*) FROM steward.job_history;
SELECT count(*) FROM steward.job_progress;
SELECT count(*) FROM steward.job_places;
RESET SESSION AUTHORIZATION;

-- Of a member it sees what the role has.
GRANT steward_sec_boss TO steward_sec_spy;
SET SESSION AUTHORIZATION steward_sec_spy;
SELECT name FROM steward.jobs ORDER BY name;
SELECT message FROM steward.job_runs ORDER BY message;
DROP FUNCTION pg_temp.sees, pg_temp.is_secret;
RESET SESSION AUTHORIZATION;

SELECT count(*) FROM (SELECT steward.unschedule(name) FROM steward.jobs WHERE name IN ('secret job', 'own job')) u;
DELETE FROM steward.job_history WHERE job_name IN ('secret job', 'own job');
DROP ROLE steward_sec_boss, steward_sec_spy;
