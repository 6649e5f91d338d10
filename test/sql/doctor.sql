-- SPDX-License-Identifier: PostgreSQL
-- steward.doctor(): a whole installation, then one broken in every way.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

SELECT area, "check", verdict, remedy FROM steward.doctor() WHERE "check" NOT IN ('server', 'preload', 'locks', 'settings');
SELECT verdict <> 'critical' AS runs, detail LIKE 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) || '%' AS names_the_server
FROM steward.doctor() WHERE "check" = 'server';
-- The tests' own server has fsync off.
SELECT area, verdict, detail, remedy FROM steward.doctor() WHERE "check" = 'settings' AND detail LIKE 'fsync %';
SELECT count(*) FROM steward.doctor() WHERE "check" = 'preload' AND (verdict = 'ok') = (remedy IS NULL);

-- Sets that cannot be maintained.
CREATE TABLE "Doctor's" (day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE doctor_two (day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE doctor_three (day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE doctor_template (day date);
CREATE FUNCTION doctor_hook(parent regclass, partition text, bounds text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
INSERT INTO steward.partition_sets (parent, codec, step, before_create) VALUES ('"Doctor''s"', 'date', '1 day', 'public.doctor_hook');
SELECT verdict, detail, remedy FROM steward.doctor() WHERE "check" IN ('registered sets', 'runway');
DROP FUNCTION doctor_hook;
INSERT INTO steward.partition_sets (parent, codec, step, timezone) VALUES ('doctor_two', 'date', '1 day', 'Nowhere/Land');
INSERT INTO steward.partition_sets (parent, codec, step, template) VALUES ('doctor_three', 'date', '1 day', 'doctor_template');
ALTER EVENT TRIGGER steward_forget_dropped_tables DISABLE;
DROP TABLE doctor_template;
UPDATE steward.partition_sets SET template = 1 WHERE template IS NOT NULL;
SELECT verdict, detail, remedy FROM steward.doctor() WHERE "check" = 'registered sets';
SELECT verdict, detail, remedy FROM steward.doctor() WHERE "check" = 'event trigger';
INSERT INTO steward.partition_sets (parent, codec, step) VALUES (2, 'date', '1 day');
SELECT verdict, detail, remedy FROM steward.doctor() WHERE detail LIKE '%gone%' AND detail NOT LIKE 'the template%';
DELETE FROM steward.partition_sets WHERE parent = 2;
ALTER EVENT TRIGGER steward_forget_dropped_tables ENABLE;

-- Jobs that do not run, each with what to do; the names as odd as they come.
CREATE ROLE "steward_doctor_o'dd" LOGIN;
SELECT steward.schedule('doctor''s "own"', '@yearly', 'SELECT 1', role => '"steward_doctor_o''dd"') > 0 AS scheduled;
SELECT verdict, detail, remedy FROM steward.doctor() WHERE area = 'schedule' AND verdict <> 'ok';
ALTER ROLE "steward_doctor_o'dd" NOLOGIN;
-- A broken job is looked at when it is read anew: jobs being written does that.
DO $$ BEGIN
    FOR i IN 1 .. 600 LOOP
        EXIT WHEN EXISTS (SELECT FROM steward.jobs WHERE state = 'broken');
        IF i % 50 = 1 THEN PERFORM steward.alter_job('doctor''s "own"', options => '{}'); COMMIT; END IF;
        PERFORM pg_sleep(0.1);
    END LOOP;
END $$;
SELECT "check", verdict, detail, remedy FROM steward.doctor() WHERE area = 'schedule' AND verdict <> 'ok';
SELECT steward.pause_jobs('the move');
SELECT "check", verdict, detail, remedy FROM steward.doctor() WHERE "check" = 'pauses';
SELECT steward.resume_jobs();
INSERT INTO steward.job_definitions (name, command, timezone, role_name, role_oid, system_identifier, database_oid)
VALUES ('from elsewhere', 'SELECT 1', 'UTC', 'postgres', 10, 1, 1);
SELECT "check", verdict, detail, remedy FROM steward.doctor() WHERE "check" = 'pauses';
SELECT steward.unschedule('from elsewhere') > 0 AS gone, steward.unschedule('doctor''s "own"') > 0 AS gone;
SELECT "check", verdict, detail, remedy FROM steward.doctor() WHERE area = 'schedule' AND verdict <> 'ok';
DROP ROLE "steward_doctor_o'dd";

-- Not for everybody, since it tells settings.
CREATE ROLE steward_doctor_nobody;
SET ROLE steward_doctor_nobody;
SELECT count(*) FROM steward.doctor();
RESET ROLE;
GRANT pg_monitor TO steward_doctor_nobody;
SET ROLE steward_doctor_nobody;
SELECT count(*) > 5 AS answers, count(*) FILTER (WHERE verdict = 'unknown') AS unknown FROM steward.doctor();
RESET ROLE;

DROP TABLE "Doctor's", doctor_two, doctor_three;
DROP ROLE steward_doctor_nobody;
