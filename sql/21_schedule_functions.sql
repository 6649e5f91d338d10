-- SPDX-License-Identifier: PostgreSQL
-- Room schedule: what changes jobs. Anybody may schedule what runs as a role they could SET ROLE to.

-- What follows means the operators of pg_catalog, whatever schema the extension goes into.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION steward.cluster_identifier() RETURNS bigint
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'steward_cluster_identifier';
COMMENT ON FUNCTION steward.cluster_identifier() IS 'system identifier of this cluster, as pg_control_system() has it';

-- Whoever wants to know whether a job is at home here, the launcher included, asks this view.
CREATE VIEW steward.job_places AS
SELECT d.job_id, h.is_here, CASE WHEN h.is_here THEN bound.oid ELSE named.oid END AS role
FROM steward.job_definitions d
CROSS JOIN LATERAL (SELECT d.system_identifier = (SELECT steward.cluster_identifier())
    AND d.database_oid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()) AS is_here) h
LEFT JOIN pg_roles bound ON bound.oid = d.role_oid
LEFT JOIN pg_roles named ON named.rolname = d.role_name;
COMMENT ON VIEW steward.job_places IS
    'whether each job was scheduled in this very database, or came into it with a dump or a copy and is paused; and the role it runs as';
COMMENT ON COLUMN steward.job_places.is_here IS 'scheduled or taken over here; else steward.resume_jobs() lets it run';
COMMENT ON COLUMN steward.job_places.role IS 'OID of the role, bound by OID where the job was scheduled, by name elsewhere; NULL: there is no such role';
GRANT SELECT ON steward.job_places TO pg_monitor;

CREATE FUNCTION steward.schedule(name text, schedule text, command text, timezone text DEFAULT NULL, role regrole DEFAULT NULL,
                                 options jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_schedule';
COMMENT ON FUNCTION steward.schedule(text, text, text, text, regrole, jsonb) IS
'schedules a command, or redefines the job of that name, which keeps its id, its history and its being paused; gives the job''s id
schedule: cron expression of 5 fields, or 6 with seconds first; @hourly and its kind; every <interval>; @startup, @promotion, @after_crash; NULL: runs only by hand or after other jobs
command: one or more SQL statements, each in a transaction of its own at top level
timezone: zone the schedule is read in; NULL: the one new sessions of this database begin with
role: role the command runs as, which the caller must be able to SET ROLE to and which may log in; NULL: the caller
options: policies, such as {"retries": 3, "timeout": "10 minutes"}; see docs/schedule.md
errors: 22023 what is wrong with schedule, zone or options; 42601 syntax of the command; 42501, 55000 role; 53400 too many jobs';

CREATE FUNCTION steward.schedule_at(name text, at timestamptz, command text, role regrole DEFAULT NULL, options jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_schedule_at';
COMMENT ON FUNCTION steward.schedule_at(text, timestamptz, text, regrole, jsonb) IS
    'schedules a command that runs once, at an instant to come (22023 otherwise); the rest as steward.schedule()';

CREATE FUNCTION steward.alter_job(name text, schedule text DEFAULT NULL, command text DEFAULT NULL, timezone text DEFAULT NULL,
                                  role regrole DEFAULT NULL, options jsonb DEFAULT NULL, new_name text DEFAULT NULL)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_alter_job';
COMMENT ON FUNCTION steward.alter_job(text, text, text, text, regrole, jsonb, text) IS
    'changes what is not NULL of a job; options are merged key by key, and null sets a key back to its default; jobs that run after it follow its new name. Runs under way go on as they are';

CREATE FUNCTION steward.unschedule(name text) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_unschedule';
COMMENT ON FUNCTION steward.unschedule(text) IS
    'drops a job and gives the id it had; its history stays, a run under way goes on; refused (2BP01) while other jobs run after it';

CREATE FUNCTION steward.run_job(name text) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_run_job';
COMMENT ON FUNCTION steward.run_job(text) IS
    'runs a job once more as soon as this transaction commits, paused or not, and gives the number of the run, by which steward.job_runs shows it; 55000 when no job of the cluster runs, 53400 when too many runs wait';

CREATE FUNCTION steward.cancel_run(run_id bigint) RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_cancel_run';
COMMENT ON FUNCTION steward.cancel_run(bigint) IS 'cancels a run of this database that waits, starts or runs; false when there is none of that number';

CREATE FUNCTION steward.pause_jobs(reason text, until timestamptz DEFAULT NULL, name text DEFAULT NULL) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_pause_jobs';
COMMENT ON FUNCTION steward.pause_jobs(text, timestamptz, text) IS
    'lets no run of a job begin but by steward.run_job(), or of any job of this database (superusers and the extension''s owner), until then or until steward.resume_jobs(); runs under way go on; gives the number of jobs';

CREATE FUNCTION steward.resume_jobs(name text DEFAULT NULL) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_resume_jobs';
COMMENT ON FUNCTION steward.resume_jobs(text) IS
    'ends the pause of one job, or the one of all jobs of this database; those paused by name stay so. Without a name it also takes over the jobs that came with a dump or a copy, their roles found by name. What was due in the pause is not made up for. Gives the number of jobs';

CREATE FUNCTION steward.limit_job_group(group_name text, max_running integer) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_limit_job_group';
COMMENT ON FUNCTION steward.limit_job_group(text, integer) IS
    'how many jobs of a group may run at once, 1 to 1000; NULL: as many as like. For superusers and the extension''s owner';

SET LOCAL search_path = @extschema@, pg_temp;
