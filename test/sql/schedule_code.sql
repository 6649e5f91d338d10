-- SPDX-License-Identifier: PostgreSQL
-- Jobs as code: what is exported is what is applied; what is shown is what is done; all of it or nothing.
SET client_min_messages = error;
SET timezone = 'UTC';
\pset format unaligned
\pset tuples_only on
\pset null '-'
CREATE ROLE steward_code_clerk LOGIN;
CREATE ROLE "Steward Code ""Odd""" LOGIN;
CREATE ROLE steward_code_stranger LOGIN;
CREATE ROLE steward_code_group LOGIN IN ROLE steward_code_clerk;

SELECT steward.jobs_export();
SELECT * FROM steward.jobs_apply('{"jobs": []}', false, true);

-- Edges in any order, odd names, commands of several lines, groups; a dry run changes nothing.
CREATE TABLE code_document (name text, document jsonb);
INSERT INTO code_document VALUES ('first', $${
    "groups": {"Etl, \"x\"": 2, "free": null},
    "jobs": [
        {"name": "It's \"the\" last", "command": ["VACUUM pg_class;", "", "SELECT 1;"], "timezone": "UTC",
         "options": {"after": ["Load, {all}"], "on_failure": ["null", "check"]}},
        {"name": "Load, {all}", "schedule": "30 2 * * *", "timezone": "europe/berlin", "command": "SELECT 1", "role": "steward_code_clerk",
         "options": {"group": "Etl, \"x\"", "retries": 3, "retry_on": ["40", "57014"], "timeout": "2 hours", "exclude_dates": ["2030-12-24"],
                     "valid_from": "2030-01-01 08:00", "overlap": "parallel", "max_parallel": 4, "priority": -5, "atomic": true}},
        {"name": "null", "schedule": "every 15 minutes", "timezone": "UTC", "command": "SELECT 1", "role": "Steward Code \"Odd\""},
        {"name": "check", "schedule": "@yearly", "timezone": "UTC", "command": "SELECT E'\\\\ \\n'", "role": null, "options": null},
        {"name": "once", "run_at": "2099-12-31 23:00", "timezone": "Europe/Berlin", "command": "SELECT 1"},
        {"name": "gone", "run_at": "2020-01-01 00:00+00", "command": "SELECT 1"}]}$$);
SELECT a.* FROM code_document, steward.jobs_apply(document) a;
SELECT count(*) FROM steward.job_definitions;
SELECT count(*) FROM steward.job_groups;
CREATE TABLE code_plan AS SELECT a.* FROM code_document, steward.jobs_apply(document, true) a;
CREATE TABLE code_done AS SELECT a.* FROM code_document, steward.jobs_apply(document, false) a;
SELECT count(*), (SELECT count(*) FROM (TABLE code_plan EXCEPT TABLE code_done) d) FROM code_plan;
SELECT DISTINCT action FROM code_document, steward.jobs_apply(document, false) ORDER BY 1;
SELECT jsonb_pretty(steward.jobs_export());

-- What was exported changes nothing, here or where it all has to be made anew.
INSERT INTO code_document SELECT 'exported', steward.jobs_export();
SELECT DISTINCT action FROM code_document, steward.jobs_apply(document, false, true) WHERE code_document.name = 'exported';
SELECT action, count(*) FROM steward.jobs_apply('{"jobs": [], "groups": {}}', false, true) GROUP BY 1 ORDER BY 1;
SELECT steward.jobs_export();
SELECT action, count(*) FROM code_document, steward.jobs_apply(document, false) WHERE code_document.name = 'exported' GROUP BY 1 ORDER BY 1;
SELECT steward.jobs_export() = document FROM code_document WHERE name = 'exported';

-- Changes, attribute by attribute; a job that stays keeps its id, its anchor and its pause.
SELECT steward.pause_jobs('x', name => 'null');
SELECT job_id AS id, anchor AS anchored FROM steward.job_definitions WHERE name = 'null' \gset
SELECT a.* FROM code_document, steward.jobs_apply(jsonb_set(jsonb_set(document,
    '{jobs,1}', '{"name": "Load, {all}", "schedule": "0 3 * * *", "timezone": "UTC", "command": "SELECT 2", "options": {"retries": 4, "retry_on": ["40"], "group": "free"}}'),
    '{jobs,2,options}', '{"keep_for": "1 day"}'), false) a WHERE code_document.name = 'first' AND action <> 'keep';
SELECT job_id = :id, anchor = :'anchored', is_paused, keep_for FROM steward.job_definitions WHERE name = 'null';
SELECT schedule, timezone, command, retries, retry_on, group_name, role FROM steward.jobs WHERE name = 'Load, {all}';

-- Jobs that the document lacks stay, unless asked for; not while others come after them.
SELECT action, name FROM steward.jobs_apply('{"jobs": [{"name": "new", "command": "SELECT 1", "options": {"on_success": "check"}}]}', false);
SELECT * FROM steward.jobs_apply('{"jobs": [{"name": "new", "command": "SELECT 1", "options": {"on_success": "check"}}]}', false, true);
SELECT action, object, name, attribute, old_value IS NOT NULL AS had, new_value IS NOT NULL AS has
FROM steward.jobs_apply('{"jobs": [{"name": "new", "command": "SELECT 1"}], "groups": {}}', false, true);
SELECT name FROM steward.jobs;
SELECT count(*) FROM steward.job_groups;

-- Whole or nothing.
SELECT * FROM steward.jobs_apply('{"jobs": [{"name": "good", "command": "SELECT 1"}, {"name": "bad", "command": "SELECT 1", "schedule": "50-10 * * * *"}]}', false);
SELECT name FROM steward.jobs;

-- What is wrong is said, with its name.
CREATE FUNCTION said(document jsonb, prune boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; why text; way_out text; at text;
BEGIN
    PERFORM steward.jobs_apply(document, true, prune);
    RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, why = PG_EXCEPTION_DETAIL, way_out = PG_EXCEPTION_HINT, at = PG_EXCEPTION_CONTEXT;
    RETURN sqlstate || ' ' || message || CASE WHEN why <> '' THEN E'\n  detail: ' || why ELSE '' END
        || CASE WHEN way_out <> '' THEN E'\n  hint: ' || way_out ELSE '' END
        || coalesce(E'\n  in: ' || substring(at FROM 'job "[^"]*" of the document'), '');
END $$;
SELECT said(d::jsonb) FROM (VALUES
    ('[]'), ('1'), ('null'), ('{}'), ('{"job": []}'), ('{"jobs": {}}'), ('{"jobs": null}'), ('{"jobs": [1]}'), ('{"jobs": [{}]}'), ('{"jobs": [{"name": 1}]}'),
    ('{"jobs": [{"name": "a"}]}'), ('{"jobs": [{"name": "a", "command": ""}]}'), ('{"jobs": [{"name": "a", "command": 1}]}'),
    ('{"jobs": [{"name": "a", "command": ["SELECT 1", 2]}]}'), ('{"jobs": [{"name": "", "command": "SELECT 1"}]}'),
    ('{"jobs": [{"name": "a", "command": "SELECT 1"}, {"name": "a", "command": "SELECT 2"}]}'),
    ('{"jobs": [{"name": "a", "command": "SELECT 1", "shedule": "@daily"}]}'), ('{"jobs": [{"name": "a", "command": "SELECT 1", "schedule": 5}]}'),
    ('{"jobs": [{"name": "a", "command": "SELEC 1"}]}'), ('{"jobs": [{"name": "a", "command": "SELECT 1", "schedule": "*5 * * * *"}]}'),
    ('{"jobs": [{"name": "a", "command": "SELECT 1", "timezone": "Nowhere"}]}'), ('{"jobs": [{"name": "a", "command": "SELECT 1", "role": "steward_code_nobody"}]}'),
    ('{"jobs": [{"name": "a", "command": "SELECT 1", "role": "pg_monitor"}]}'), ('{"jobs": [{"name": "a", "command": "SELECT 1", "options": []}]}'),
    ('{"jobs": [{"name": "a", "command": "SELECT 1", "options": {"retrys": 1}}]}'), ('{"jobs": [{"name": "a", "command": "SELECT 1", "options": {"retries": -1}}]}'),
    ('{"jobs": [{"name": "a", "command": "SELECT 1", "options": {"after": "b"}}]}'), ('{"jobs": [{"name": "a", "command": "SELECT 1", "options": {"after": "a"}}]}'),
    ('{"jobs": [{"name": "a", "command": "SELECT 1", "options": {"after": "b"}}, {"name": "b", "command": "SELECT 1", "options": {"on_failure": ["a"]}}]}'),
    ('{"jobs": [{"name": "a", "command": "SELECT 1", "schedule": "@daily", "run_at": "2099-01-01"}]}'), ('{"jobs": [{"name": "a", "command": "SELECT 1", "run_at": "soon"}]}'),
    ('{"jobs": [{"name": "a", "command": "SELECT 1", "run_at": "infinity"}]}'), ('{"jobs": [{"name": "new", "command": "SELECT 1", "run_at": "2020-01-01"}]}'),
    ('{"jobs": [], "groups": []}'), ('{"jobs": [], "groups": {"g": 0}}'), ('{"jobs": [], "groups": {"g": 1001}}'), ('{"jobs": [], "groups": {"g": 1.5}}'),
    ('{"jobs": [], "groups": {"g": "2"}}'), ('{"jobs": [], "groups": {"": 2}}'), ('{"jobs": [], "group": {}}')) v(d);
SELECT * FROM steward.jobs_apply(NULL);

-- A clerk: his own jobs only, whatever a document says.
SET ROLE steward_code_clerk;
SELECT steward.jobs_export();
SELECT action, name FROM steward.jobs_apply('{"jobs": [{"name": "mine", "schedule": "@yearly", "command": "SELECT 1", "timezone": "UTC", "options": {"group": "g"}}]}', false, true);
SELECT said('{"jobs": [{"name": "new", "command": "SELECT 1"}]}');
SELECT said('{"jobs": [{"name": "a", "command": "SELECT 1", "role": "postgres"}]}');
SELECT said('{"jobs": [{"name": "a", "command": "SELECT 1", "role": "steward_code_stranger"}]}');
SELECT said('{"jobs": [], "groups": {"g": 1}}');
SELECT said('{"jobs": [], "groups": {"g": null}}');
RESET ROLE;
SELECT steward.limit_job_group('g', 2);
SELECT steward.limit_job_group('other', 2);
SET ROLE steward_code_group;
SELECT steward.jobs_export();
SELECT DISTINCT action FROM steward.jobs_apply(steward.jobs_export(), false, true) ORDER BY 1;
SET ROLE steward_code_stranger;
SELECT steward.jobs_export();
SELECT said('{"jobs": [{"name": "mine", "schedule": "@yearly", "command": "SELECT 1"}]}');
RESET ROLE;
GRANT pg_monitor TO steward_code_stranger;
SET ROLE steward_code_stranger;
SELECT jsonb_array_length(steward.jobs_export() -> 'jobs'), steward.jobs_export() -> 'groups';
RESET ROLE;
SET search_path = '';
SELECT name, action FROM steward.jobs_apply(steward.jobs_export(), false, true);
RESET search_path;

SELECT count(*) FROM steward.jobs_apply('{"jobs": [], "groups": {}}', false, true);
DROP FUNCTION said;
DROP TABLE code_document, code_plan, code_done;
DROP ROLE steward_code_clerk, "Steward Code ""Odd""", steward_code_stranger, steward_code_group;
