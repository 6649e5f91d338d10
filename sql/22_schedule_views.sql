-- SPDX-License-Identifier: PostgreSQL
-- Room schedule: what jobs do. Everybody sees the jobs of the roles they are a member of, members of pg_monitor all.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION steward.scheduler_problem() RETURNS text
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'steward_scheduler_problem';
COMMENT ON FUNCTION steward.scheduler_problem() IS 'why no job of this cluster runs at present; NULL: they do';

CREATE FUNCTION steward.job_states()
RETURNS TABLE (job_id bigint, state text, next_run timestamptz, queued_since timestamptz, queued integer, running integer,
               skipped bigint, waiting_reason text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'steward_job_states';
COMMENT ON FUNCTION steward.job_states() IS 'what the launcher knows of the jobs of this database, for the view steward.jobs';

CREATE FUNCTION steward.run_states()
RETURNS TABLE (run_id bigint, job_id bigint, role_oid oid, kind text, attempt integer, due_at timestamptz, started_at timestamptz,
               state text, pid integer, waiting_reason text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'steward_run_states';
COMMENT ON FUNCTION steward.run_states() IS 'runs of this database that wait, start or run, for the view steward.job_runs';

CREATE VIEW steward.jobs WITH (security_barrier = true) AS
SELECT d.job_id, d.name, d.schedule, d.run_at, d.timezone, d.command,
       coalesce(r.rolname, d.role_name) AS role,
       s.next_run,
       CASE WHEN NOT p.is_here THEN 'paused' WHEN q.problem IS NOT NULL THEN 'stopped' ELSE coalesce(s.state, 'loading') END AS state,
       CASE WHEN NOT p.is_here THEN 'came with a dump or a copy of another database: steward.resume_jobs() lets it run'
            WHEN q.problem IS NOT NULL THEN q.problem
            ELSE nullif(s.waiting_reason, '') END AS waiting_reason,
       s.queued_since,
       coalesce(s.queued, 0) AS queued, coalesce(s.running, 0) AS running, coalesce(s.skipped, 0) AS skipped,
       g.last_outcome, g.last_started_at, g.last_ended_at,
       1000 * date_part('epoch', g.last_ended_at - g.last_started_at) AS last_duration_ms,
       g.last_sqlstate, g.last_error, g.last_success_at,
       coalesce(g.consecutive_failures, 0) AS consecutive_failures, g.usual_ms,
       d.is_paused OR a.is_all IS NOT NULL AS is_paused,
       CASE WHEN d.is_paused THEN d.paused_reason ELSE a.reason END AS paused_reason,
       CASE WHEN d.is_paused THEN d.paused_until ELSE a.until END AS paused_until,
       d.overlap, d.max_parallel, d.missed, d.missed_within, d.timeout, d.lock_timeout, d.retries, d.retry_delay, d.retry_on,
       d.priority, d.group_name, l.max_running AS group_max_running, d.after, d.on_success, d.on_failure, d.run_on,
       d.valid_from, d.valid_until, d.exclude_dates, d.atomic, d.on_error, d.keep_runs, d.keep_for,
       d.created_by, d.changed_at
FROM steward.job_definitions d
JOIN steward.job_places p ON p.job_id = d.job_id
CROSS JOIN (SELECT steward.scheduler_problem() AS problem) q
LEFT JOIN pg_roles r ON r.oid = p.role
LEFT JOIN steward.job_states() s ON s.job_id = d.job_id
LEFT JOIN steward.job_progress g ON g.job_id = d.job_id
LEFT JOIN steward.job_groups l ON l.group_name = d.group_name
LEFT JOIN steward.job_pause a ON a.until IS NULL OR a.until > now()
WHERE pg_has_role('pg_monitor', 'USAGE') OR pg_has_role(p.role, 'MEMBER');
COMMENT ON VIEW steward.jobs IS 'one row a job of this database: what it is, when it runs next, how it stands and what became of its last run';
COMMENT ON COLUMN steward.jobs.role IS 'role its command runs as';
COMMENT ON COLUMN steward.jobs.next_run IS 'next instant it is due; NULL: none is known';
COMMENT ON COLUMN steward.jobs.state IS
    'idle; queued: due, and waiting_reason says what it waits for; running; paused; finished: no run is to come; broken: it can never start; loading: the launcher has not read it yet; stopped: no job of the cluster runs';
COMMENT ON COLUMN steward.jobs.waiting_reason IS 'why it does not run though it is due, or cannot';
COMMENT ON COLUMN steward.jobs.queued IS 'runs that are due and have not begun';
COMMENT ON COLUMN steward.jobs.running IS 'runs that have begun and not ended';
COMMENT ON COLUMN steward.jobs.skipped IS 'runs given up since the launcher started, because an earlier one still ran or nobody could start them in time';
COMMENT ON COLUMN steward.jobs.last_outcome IS 'succeeded, failed, cancelled, timed_out, terminated or interrupted; NULL: it has never ended';
COMMENT ON COLUMN steward.jobs.last_duration_ms IS 'of the last run that ended';
COMMENT ON COLUMN steward.jobs.consecutive_failures IS 'runs since the last that succeeded';
COMMENT ON COLUMN steward.jobs.usual_ms IS 'usual duration of its successful runs: a moving average';
COMMENT ON COLUMN steward.jobs.is_paused IS 'by steward.pause_jobs(), alone or with all others';
COMMENT ON COLUMN steward.jobs.group_max_running IS 'how many of its group may run at once; NULL: not limited';
GRANT SELECT ON steward.jobs TO PUBLIC;

-- The barrier of a view whose outermost query is a UNION ALL does not hold: the planner takes its arms apart.
CREATE VIEW steward.job_runs WITH (security_barrier = true) AS
SELECT * FROM (
    SELECT s.run_id, s.job_id, d.name AS job, coalesce(r.rolname, d.role_name) AS role, s.kind, s.attempt, s.due_at, s.started_at,
           NULL::timestamptz AS ended_at,
           1000 * date_part('epoch', clock_timestamp() - s.started_at) AS duration_ms,
           1000 * date_part('epoch', coalesce(s.started_at, clock_timestamp()) - s.due_at) AS start_delay_ms,
           s.state AS outcome, s.pid,
           NULL::integer AS statements, NULL::bigint AS row_count, NULL::text AS tag, NULL::text AS sqlstate, s.waiting_reason AS message,
           NULL::text AS detail, NULL::text AS hint, NULL::text AS context, NULL::text AS statement, NULL::text AS notices
    FROM steward.run_states() s
    LEFT JOIN steward.job_definitions d ON d.job_id = s.job_id
    LEFT JOIN pg_roles r ON r.oid = s.role_oid
    WHERE NOT EXISTS (SELECT FROM steward.job_history h WHERE h.run_id = s.run_id)
      AND (pg_has_role('pg_monitor', 'USAGE') OR pg_has_role(s.role_oid, 'MEMBER'))
    UNION ALL
    SELECT h.run_id, h.job_id, coalesce(d.name, h.job_name), h.role_name, h.kind, h.attempt, h.due_at, h.started_at, h.ended_at,
           1000 * date_part('epoch', h.ended_at - h.started_at),
           1000 * date_part('epoch', h.started_at - h.due_at),
           h.outcome, h.pid, h.statements, h.row_count, h.tag, h.sqlstate, h.message, h.detail, h.hint, h.context, h.statement, h.notices
    FROM steward.job_history h
    LEFT JOIN steward.job_definitions d ON d.job_id = h.job_id
    WHERE pg_has_role('pg_monitor', 'USAGE')
       OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = h.role_oid AND r.rolname = h.role_name AND pg_has_role(r.oid, 'MEMBER'))
       OR EXISTS (SELECT FROM steward.job_places p JOIN pg_roles r ON r.oid = p.role
                  WHERE p.job_id = h.job_id AND r.oid = h.role_oid AND p.is_here AND pg_has_role(r.oid, 'MEMBER'))
) runs;
COMMENT ON VIEW steward.job_runs IS 'one row a run: those that wait, start or run, and the history of those that have ended; of several that are due for one job the first';
COMMENT ON COLUMN steward.job_runs.run_id IS 'its number; NULL while it waits, unless it was asked for by hand';
COMMENT ON COLUMN steward.job_runs.message IS 'of one that waits: for what; of one that has ended: its error';
COMMENT ON COLUMN steward.job_runs.job IS 'name of the job; of one that is gone: the name it had';
COMMENT ON COLUMN steward.job_runs.kind IS
    'scheduled; missed: makes up for runs nobody could start; retry; manual: steward.run_job(); chained: after other jobs; event: @startup and its kind';
COMMENT ON COLUMN steward.job_runs.attempt IS '1 = the first; retries count on';
COMMENT ON COLUMN steward.job_runs.due_at IS 'the instant the run was due, as the schedule has it';
COMMENT ON COLUMN steward.job_runs.duration_ms IS 'from its start to its end, or until now';
COMMENT ON COLUMN steward.job_runs.start_delay_ms IS 'how long after it was due it began';
COMMENT ON COLUMN steward.job_runs.outcome IS
    'waiting, starting, running; succeeded, failed, cancelled, timed_out; terminated: its process was ended from outside; interrupted: the server went down';
COMMENT ON COLUMN steward.job_runs.pid IS 'process it runs or ran in';
COMMENT ON COLUMN steward.job_runs.statements IS 'statements that were completed';
COMMENT ON COLUMN steward.job_runs.row_count IS 'rows returned or changed by all statements together';
COMMENT ON COLUMN steward.job_runs.statement IS 'the statement that failed';
COMMENT ON COLUMN steward.job_runs.notices IS 'what the command said by NOTICE and WARNING, the last 8 kB';
GRANT SELECT ON steward.job_runs TO PUBLIC;

CREATE FUNCTION steward.overdue_jobs()
RETURNS TABLE (job_id bigint, due_at timestamptz)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'steward_overdue_jobs';
COMMENT ON FUNCTION steward.overdue_jobs() IS
    'jobs of this database that were due over a minute ago and have not begun, whether the launcher runs or not; for the view steward.late_jobs';

-- Without a barrier of its own: all it reads is what its reader sees anyway. Not from job_runs, whose history is long.
CREATE VIEW steward.late_jobs AS
SELECT j.job_id, j.name AS job, j.role, 'did_not_run' AS kind, o.due_at AS since,
       coalesce(j.waiting_reason, 'was due and has not begun') AS detail
FROM steward.overdue_jobs() o JOIN steward.jobs j ON j.job_id = o.job_id
UNION ALL
SELECT j.job_id, j.name, j.role, 'runs_long', r.started_at,
       format('run %s runs for %s s, its usual duration is %s s', r.run_id, round((r.duration_ms / 1000)::numeric),
              round((j.usual_ms / 1000)::numeric, 1))
FROM (SELECT s.run_id, s.job_id, s.started_at, 1000 * date_part('epoch', clock_timestamp() - s.started_at) AS duration_ms
      FROM steward.run_states() s WHERE s.state = 'running') r
JOIN steward.jobs j ON j.job_id = r.job_id
WHERE r.duration_ms > greatest(3 * j.usual_ms, 60000) AND j.usual_ms IS NOT NULL
UNION ALL
SELECT j.job_id, j.name, j.role, 'broken', NULL, j.waiting_reason
FROM steward.jobs j WHERE j.state = 'broken';
COMMENT ON VIEW steward.late_jobs IS 'one row a job that should worry somebody: due and not begun for over a minute, running far beyond its usual time, or unable to begin';
COMMENT ON COLUMN steward.late_jobs.kind IS 'did_not_run: due over a minute ago; runs_long: over three times its usual duration, and over a minute; broken: it can never begin';
COMMENT ON COLUMN steward.late_jobs.since IS 'when it was due; of runs_long, when it began; NULL: since it was defined';
GRANT SELECT ON steward.late_jobs TO PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
