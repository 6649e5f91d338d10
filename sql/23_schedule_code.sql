-- SPDX-License-Identifier: PostgreSQL
-- Room schedule: schedules explained, jobs as code, and jobs of pg_cron taken over.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION steward.explain_schedule(schedule text, timezone text DEFAULT NULL, runs integer DEFAULT 5, after timestamptz DEFAULT now())
RETURNS TABLE (run_at timestamptz, local_time text, note text)
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 6
AS 'MODULE_PATHNAME', 'steward_explain_schedule';
COMMENT ON FUNCTION steward.explain_schedule(text, text, integer, timestamptz) IS
'what a schedule means and when it runs next; schedules nothing
first, with run_at NULL: a row with the schedule in words, and a row for each thing in it that its writer may not have meant
then a row for each of the next runs (1 to 1000): when, on the clock of the zone with its offset from UTC, and what the clock does to it there, such as falling into the gap of 29 March
timezone: zone the schedule is read in; NULL: the one new sessions of this database begin with
after: runs strictly after it; steps of "every <interval>" are counted from it, those of a job from when its schedule was given
errors: 22023 what is wrong with the schedule and at which position, or with zone or runs';

CREATE FUNCTION steward.jobs_export() RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_jobs_export';
COMMENT ON FUNCTION steward.jobs_export() IS
'the jobs the caller sees in steward.jobs, and the limits of their groups, as a document for steward.jobs_apply(); jobs_apply(jobs_export()) changes nothing
it holds what defines a job, in the order of names: not its id, its history or progress, nor whether it is paused; options only where they differ from the default; a command of several lines as an array of its lines
for a repository: psql -XAtc ''SELECT jsonb_pretty(steward.jobs_export())'' > jobs.json';

CREATE FUNCTION steward.jobs_apply(jobs jsonb, dry_run boolean DEFAULT true, prune boolean DEFAULT false)
RETURNS TABLE (action text, object text, name text, attribute text, old_value text, new_value text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20
AS 'MODULE_PATHNAME', 'steward_jobs_apply';
COMMENT ON FUNCTION steward.jobs_apply(jsonb, boolean, boolean) IS
'makes the jobs of this database what a document says, all of it or, after any error, nothing; unless dry_run is false it only shows the steps it would take, which are those it takes then
jobs: {"jobs": [{"name", "schedule" or "run_at", "timezone", "role", "command", "options"}], "groups": {"name": max_running}}; keys mean what the arguments of steward.schedule() and limit_job_group() do, and what is left out is as by default there; jobs may come after others anywhere in the document, or outside it
prune: also unschedule the jobs that the document lacks and the caller may manage, and, when it has groups and the caller may, lift the limits of those it lacks; otherwise what the document lacks is left alone
action: create (new_value: the job), alter (a row for each attribute, from old_value to new_value), unschedule (old_value: the job), keep, skip (its run_at is past and the job is gone); a pause, an id and the history of a job stay
errors: 22023 what is wrong in the document, unknown keys included; 42501 jobs or roles that are not the caller''s; 2BP01 other jobs run after one to be unscheduled; and those of steward.schedule()';

CREATE FUNCTION steward.import_pg_cron(dry_run boolean DEFAULT true)
RETURNS TABLE (cron_jobid bigint, action text, name text, definition jsonb, notes text, handover text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20
AS 'MODULE_PATHNAME', 'steward_import_pg_cron';
COMMENT ON FUNCTION steward.import_pg_cron(boolean) IS
'makes jobs of what pg_cron runs in this database, one row a job of pg_cron; unless dry_run is false it only shows them
nothing runs twice: the new jobs are paused and those of pg_cron are left as they are, until the statement in handover is run, which ends the one and resumes the other at once
they are read in the zone of cron.timezone (GMT if that is not set), run as the same role, queue one run while an earlier one runs, and do not make up for missed ones, as in pg_cron
action: create; keep: a job of that name exists and is not touched; elsewhere: belongs to another database, handover says what to run there; refuse: notes say why, and the others go on
notes: what means something else here than there
errors: 42704 pg_cron is not installed in this database';

SET LOCAL search_path = @extschema@, pg_temp;
