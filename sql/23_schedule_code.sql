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

SET LOCAL search_path = @extschema@, pg_temp;
