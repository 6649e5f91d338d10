-- SPDX-License-Identifier: PostgreSQL
-- steward.doctor(): a whole installation, then one broken in every way.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

SELECT area, "check", verdict, remedy FROM steward.doctor() WHERE "check" NOT IN ('server', 'preload', 'locks');
SELECT verdict <> 'critical' AS runs, detail LIKE 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) || '%' AS names_the_server
FROM steward.doctor() WHERE "check" = 'server';
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
