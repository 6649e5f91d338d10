-- SPDX-License-Identifier: PostgreSQL
-- Room maintain: the schedule most databases want.

CREATE FUNCTION steward.enable_default_maintenance(timezone text DEFAULT NULL)
RETURNS TABLE (job_name text, outcome text, schedule text, next_run timestamptz, command text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 6
SET search_path = pg_catalog, pg_temp
AS $$
SELECT steward.limit_job_group('maintenance', 1)
WHERE NOT EXISTS (SELECT FROM steward.job_groups WHERE group_name = 'maintenance');

WITH wanted(place, name, schedule, command, options) AS (VALUES
    (1, 'daily maintenance', '0 2 * * *', 'CALL steward.maintain(''4 hours'', ''{freeze,vacuum,analyze}'')', '{"group": "maintenance"}'),
    (2, 'full maintenance', '0 1 * * sun', 'CALL steward.maintain(''6 hours'')', '{"group": "maintenance"}'),
    (3, 'partition maintenance', '17 * * * *', 'SELECT * FROM @extschema@.maintain_partitions()', '{"timeout": "1 hour"}'),
    (4, 'statistics memory', '*/10 * * * *', 'SELECT steward.remember_statistics()', '{"keep_runs": 20}'),
    (5, 'bloat samples', '30 0 * * *', 'SELECT * FROM steward.sample_bloat(50)', '{}'),
    (6, 'log clean-up', '0 3 * * *', 'SELECT * FROM steward.clean_logs()', '{}'))
SELECT w.name, CASE WHEN made.id IS NULL THEN 'was there' ELSE 'scheduled' END, coalesce(j.schedule, w.schedule), due.run_at,
       coalesce(j.command, w.command)
FROM wanted w
LEFT JOIN steward.jobs j ON j.name = w.name
LEFT JOIN LATERAL (SELECT steward.schedule(w.name, w.schedule, w.command, $1, options => w.options::jsonb) AS id WHERE j.name IS NULL) made ON true
LEFT JOIN LATERAL (
    SELECT e.run_at FROM steward.explain_schedule(coalesce(j.schedule, w.schedule), CASE WHEN j.name IS NULL THEN $1 ELSE j.timezone END, 1) e
    WHERE e.run_at IS NOT NULL) due ON true
ORDER BY w.place
$$;
COMMENT ON FUNCTION steward.enable_default_maintenance(text) IS
'schedules the maintenance of this database: daily at 02:00, in full on Sunday at 01:00, partitions every hour, the memory of statistics every ten minutes, bloat samples and a clean-up of the server''s log files every night
as the caller, who should be a superuser or own the database; a job of that name that is there stays as it is, so that it may be called again
timezone: zone the schedules are read in; NULL: the one new sessions of this database begin with
errors: 22023 unknown zone';
REVOKE EXECUTE ON FUNCTION steward.enable_default_maintenance(text) FROM PUBLIC;
