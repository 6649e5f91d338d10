-- SPDX-License-Identifier: PostgreSQL
-- The functions that make, change, run, stop, pause and drop jobs, with good and bad input, as owner, member and stranger;
-- and what the views show each of them.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
\pset format unaligned
\pset tuples_only on
\pset null '-'

CREATE ROLE steward_jobs_owner LOGIN;
CREATE ROLE steward_jobs_member LOGIN IN ROLE steward_jobs_owner;
CREATE ROLE steward_jobs_stranger LOGIN;
CREATE ROLE "Steward's ""Jobs""" LOGIN;
CREATE FUNCTION said(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text; message text; why text; way_out text;
BEGIN
    EXECUTE sql INTO result;
    RETURN 'ACCEPTED ' || coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, why = PG_EXCEPTION_DETAIL, way_out = PG_EXCEPTION_HINT;
    RETURN sqlstate || ' ' || message || CASE WHEN why <> '' THEN E'\n  detail: ' || why ELSE '' END
        || CASE WHEN way_out <> '' AND message NOT LIKE 'unknown option%' THEN E'\n  hint: ' || way_out ELSE '' END;
END $$;
-- Waits for what the launcher does; gives false after a minute.
CREATE PROCEDURE wait_for(condition text) LANGUAGE plpgsql AS $$
DECLARE
    is_true boolean;
BEGIN
    FOR i IN 1 .. 1200 LOOP
        EXECUTE 'SELECT ' || condition INTO is_true;
        IF is_true THEN RETURN; END IF;
        COMMIT;
        PERFORM pg_sleep(0.05);
    END LOOP;
    RAISE 'waited in vain for %', condition;
END $$;

-- Made, seen, made anew, altered, renamed.
SELECT steward.schedule('first', '@yearly', 'SELECT 1', 'europe/berlin') > 0;
CALL wait_for($$(SELECT state = 'idle' AND next_run > now() FROM steward.jobs WHERE name = 'first')$$);
SELECT name, schedule, run_at, timezone, command, role, state, waiting_reason, queued, running, last_outcome, consecutive_failures, is_paused,
    overlap, max_parallel, missed, missed_within, timeout, lock_timeout, retries, retry_delay, retry_on, priority, group_name, after, on_success,
    on_failure, run_on, valid_from, valid_until, exclude_dates, atomic, on_error, keep_runs, keep_for, created_by FROM steward.jobs;
SELECT job_id AS id, anchor FROM steward.job_definitions \gset
SELECT steward.schedule('first', '@yearly', 'SELECT 1', 'Europe/Berlin') = :id;
SELECT anchor = :'anchor' FROM steward.job_definitions;
SELECT steward.alter_job('first', schedule => '0 0 1 1 *', options => '{"retries": 2, "timeout": "90 seconds"}') = :id;
SELECT anchor > :'anchor', schedule, retries, timeout FROM steward.job_definitions;
SELECT steward.alter_job('first', options => '{"retries": null}', new_name => 'First "of" all''s') = :id;
SELECT name, retries, timeout FROM steward.job_definitions;
SELECT steward.schedule('second', NULL, 'SELECT 2', options => '{"after": "First \"of\" all''s"}') > 0;
SELECT steward.alter_job('First "of" all''s', new_name => 'first') = :id;
SELECT name, after FROM steward.job_definitions ORDER BY 1;
SELECT said($$SELECT steward.unschedule('first')$$);
SELECT steward.schedule_at('then', '2099-01-01 00:00+00', 'SELECT 3') > 0;
SELECT steward.alter_job('then', schedule => '@yearly') > 0;
SELECT schedule, run_at FROM steward.job_definitions WHERE name = 'then';
SELECT steward.unschedule('second') > 0, steward.unschedule('then') > 0;

-- Bad names, schedules, commands, zones, roles.
SELECT said(s) FROM (VALUES
    ($$SELECT steward.schedule(NULL, '@yearly', 'SELECT 1')$$), ($$SELECT steward.schedule('', '@yearly', 'SELECT 1')$$),
    ($$SELECT steward.schedule(repeat('x', 64), '@yearly', 'SELECT 1')$$), ($$SELECT steward.schedule('x', '50-10 * * * *', 'SELECT 1')$$),
    ($$SELECT steward.schedule('x', '', 'SELECT 1')$$), ($$SELECT steward.schedule('x', '0 0 30 2 *', 'SELECT 1')$$),
    ($$SELECT steward.schedule('x', '@yearly', NULL)$$), ($$SELECT steward.schedule('x', '@yearly', '')$$),
    ($$SELECT steward.schedule('x', '@yearly', ' ; -- nothing')$$), ($$SELECT steward.schedule('x', '@yearly', 'SELECT 1; SELEC 2')$$),
    ($$SELECT steward.schedule('x', '@yearly', 'COPY pg_class TO STDOUT')$$), ($$SELECT steward.schedule('x', '@yearly', 'SELECT 1', 'Nowhere/Land')$$),
    ($$SELECT steward.schedule('x', '@yearly', 'SELECT 1', role => 'pg_monitor')$$), ($$SELECT steward.schedule('x', '@yearly', 'SELECT 1', role => 'steward_jobs_nobody')$$),
    ($$SELECT steward.schedule_at('x', NULL, 'SELECT 1')$$), ($$SELECT steward.schedule_at('x', 'infinity', 'SELECT 1')$$),
    ($$SELECT steward.schedule_at('x', '2020-01-01', 'SELECT 1')$$), ($$SELECT steward.schedule_at(NULL, '2099-01-01', 'SELECT 1')$$),
    ($$SELECT steward.schedule_at('x', '2099-01-01', 'SELEC 1')$$), ($$SELECT steward.alter_job('nobody')$$), ($$SELECT steward.alter_job(NULL)$$),
    ($$SELECT steward.alter_job('first', schedule => '* * * *')$$), ($$SELECT steward.alter_job('first', command => '')$$),
    ($$SELECT steward.alter_job('first', timezone => 'x')$$), ($$SELECT steward.alter_job('first', new_name => '')$$),
    ($$SELECT steward.unschedule('nobody')$$), ($$SELECT steward.unschedule(NULL)$$), ($$SELECT steward.run_job('nobody')$$), ($$SELECT steward.run_job(NULL)$$),
    ($$SELECT steward.cancel_run(0)$$), ($$SELECT steward.cancel_run(NULL)$$), ($$SELECT steward.pause_jobs(NULL)$$), ($$SELECT steward.pause_jobs('')$$),
    ($$SELECT steward.pause_jobs('x', '2020-01-01')$$), ($$SELECT steward.pause_jobs('x', 'infinity')$$), ($$SELECT steward.pause_jobs('x', name => 'nobody')$$),
    ($$SELECT steward.resume_jobs('nobody')$$), ($$SELECT steward.limit_job_group(NULL, 1)$$), ($$SELECT steward.limit_job_group('', 1)$$),
    ($$SELECT steward.limit_job_group('g', 0)$$), ($$SELECT steward.limit_job_group('g', 1001)$$)) v(s);

-- Every option: the values it takes, and at and beyond its bounds.
CREATE FUNCTION option(options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text := said(format('SELECT steward.alter_job(%L, options => %L) > 0', 'first', options));
BEGIN
    IF answer NOT LIKE 'ACCEPTED%' THEN RETURN answer; END IF;
    RETURN (SELECT string_agg(e.key || ' ' || coalesce(e.value, '-'), ', ') FROM steward.job_definitions d
        CROSS JOIN LATERAL jsonb_each_text(to_jsonb(d)) e
        WHERE d.name = 'first' AND e.key IN (SELECT replace(k, 'group', 'group_name') FROM jsonb_object_keys(options::jsonb) k));
END $$;
SELECT o, option(o) FROM (VALUES
    ('[]'), ('1'), ('{"retrys": 1}'), ('{"Retries": 1}'), ('{"overlap": "queue"}'), ('{"overlap": "never"}'), ('{"overlap": 1}'), ('{"overlap": "parallel"}'),
    ('{"overlap": "parallel", "max_parallel": 2}'), ('{"max_parallel": 101}'), ('{"max_parallel": 0}'), ('{"overlap": "skip"}'), ('{"overlap": null, "max_parallel": null}'),
    ('{"missed": "all"}'), ('{"missed": "some"}'), ('{"missed_within": "1 hour"}'), ('{"missed_within": "0 seconds"}'), ('{"missed_within": 5}'), ('{"missed_within": "5"}'),
    ('{"timeout": "1 ms"}'), ('{"timeout": "24 days"}'), ('{"timeout": "25 days"}'), ('{"timeout": "0"}'), ('{"timeout": "soon"}'), ('{"timeout": "-1 minute"}'), ('{"timeout": null}'),
    ('{"lock_timeout": "5 seconds"}'), ('{"lock_timeout": "1 month"}'), ('{"retries": 100}'), ('{"retries": 101}'), ('{"retries": -1}'), ('{"retries": 1.5}'), ('{"retries": "x"}'),
    ('{"retry_delay": "0 seconds"}'), ('{"retry_delay": "8 days"}'), ('{"retry_on": ["40", "57014"]}'), ('{"retry_on": ["4"]}'), ('{"retry_on": [40]}'), ('{"retry_on": []}'),
    ('{"priority": -100}'), ('{"priority": 101}'), ('{"group": "Big, \"one\""}'), ('{"group": ""}'), ('{"group": 5}'), ('{"group": null}'),
    ('{"after": "first"}'), ('{"after": ["nobody"]}'), ('{"after": 1}'), ('{"after": [""]}'), ('{"on_success": "nobody"}'), ('{"on_failure": ["nobody"]}'), ('{"on_failure": null}'),
    ('{"run_on": "any"}'), ('{"run_on": "both"}'), ('{"valid_from": "2030-01-01 08:00"}'), ('{"valid_until": "2029-01-01"}'), ('{"valid_until": "infinity"}'), ('{"valid_from": "x"}'),
    ('{"valid_from": null}'), ('{"exclude_dates": ["2030-12-24", "2030-12-24", "2028-02-29"]}'), ('{"exclude_dates": ["2030-02-29"]}'), ('{"exclude_dates": "24.12.2030"}'),
    ('{"atomic": true}'), ('{"atomic": "yes"}'), ('{"on_error": "continue"}'), ('{"atomic": false, "on_error": "continue"}'), ('{"on_error": "go"}'),
    ('{"keep_runs": 1}'), ('{"keep_runs": 0}'), ('{"keep_runs": 1000001}'), ('{"keep_for": "1 year"}'), ('{"keep_for": "0 days"}')) v(o);
SELECT steward.unschedule('first') > 0;

-- A run by hand, its row of the history, and the end of one by cancel_run(); a run that fails.
SELECT steward.schedule('by hand', NULL, 'CREATE TEMP TABLE x AS SELECT generate_series(1, 3); SELECT * FROM x; DO ''BEGIN RAISE NOTICE ''''said''''; END''') > 0;
SELECT steward.run_job('by hand') AS run \gset
CALL wait_for($$EXISTS (SELECT FROM steward.job_runs WHERE job = 'by hand' AND ended_at IS NOT NULL)$$);
SELECT run_id = :run, job, role, kind, attempt, outcome, statements, row_count, tag, sqlstate, notices, started_at >= due_at, duration_ms >= 0, start_delay_ms >= 0 FROM steward.job_runs;
CALL wait_for($$(SELECT state = 'idle' FROM steward.jobs)$$);
SELECT last_outcome, consecutive_failures, last_success_at IS NOT NULL, usual_ms > 0, next_run FROM steward.jobs;
SELECT steward.alter_job('by hand', command => 'SELECT 1/0') > 0, steward.run_job('by hand') > 0;
CALL wait_for($$(SELECT count(*) = 2 FROM steward.job_runs WHERE ended_at IS NOT NULL)$$);
SELECT outcome, sqlstate, message, statement FROM steward.job_runs ORDER BY run_id DESC LIMIT 1;
SELECT last_outcome, last_sqlstate, last_error, consecutive_failures FROM steward.jobs;
-- Which numbers are used is looked up before the launcher has read the jobs, and not again at each run.
CREATE FUNCTION pg_temp.scans() RETURNS bigint LANGUAGE sql VOLATILE
AS $$SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::bigint FROM pg_stat_xact_all_tables WHERE schemaname = 'steward' AND relname IN ('job_progress', 'job_history')$$;
BEGIN;
SELECT pg_temp.scans() AS before \gset
SELECT steward.run_job('by hand') > 0;
SELECT pg_temp.scans() - :before;
ROLLBACK;
SELECT steward.alter_job('by hand', command => 'SELECT pg_sleep(600)') > 0;
SELECT steward.run_job('by hand') AS run \gset
CALL wait_for($$EXISTS (SELECT FROM steward.job_runs WHERE outcome = 'running' AND pid IS NOT NULL)$$);
SET ROLE steward_jobs_stranger;
SELECT regexp_replace(said(format('SELECT steward.cancel_run(%s)', :run)), 'run [0-9]+', 'run n'), (SELECT count(*) FROM steward.job_runs), (SELECT count(*) FROM steward.jobs);
RESET ROLE;
SELECT steward.cancel_run(:run);
CALL wait_for($$(SELECT count(*) = 3 FROM steward.job_runs WHERE ended_at IS NOT NULL)$$);
SELECT outcome, sqlstate FROM steward.job_runs ORDER BY run_id DESC LIMIT 1;
SELECT steward.cancel_run(:run);
-- A run that is asked for and rolled back is none.
BEGIN;
SELECT steward.run_job('by hand') > 0;
ROLLBACK;
SELECT count(*) FROM steward.job_runs;
SELECT count(*) FROM steward.late_jobs;
-- Which is asked for every few seconds, and does not read the history.
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END $$;
SELECT count(*) FROM pg_temp.plan_of('SELECT * FROM steward.late_jobs') line WHERE line LIKE '%job_history%';
SELECT steward.unschedule('by hand') > 0;
SELECT job, outcome FROM steward.job_runs ORDER BY run_id;

-- Pauses: of one, and of all.
SELECT steward.schedule('p', '@yearly', 'SELECT 1') > 0, steward.schedule('q', '@yearly', 'SELECT 1') > 0;
SELECT steward.pause_jobs('one', name => 'p'), steward.pause_jobs('all', '2099-01-01');
CALL wait_for($$(SELECT bool_and(state = 'paused') FROM steward.jobs)$$);
SELECT name, state, is_paused, paused_reason, paused_until FROM steward.jobs ORDER BY 1;
SELECT steward.resume_jobs(), steward.resume_jobs('q'), steward.resume_jobs('p'), steward.resume_jobs('p');
CALL wait_for($$(SELECT bool_and(state = 'idle') FROM steward.jobs)$$);
SELECT steward.limit_job_group('g', 2), steward.alter_job('p', options => '{"group": "g"}') > 0;
SELECT name, group_name, group_max_running FROM steward.jobs ORDER BY 1;
SELECT steward.limit_job_group('g', NULL);
SELECT count(*) FROM steward.job_groups;
SELECT steward.unschedule('p') > 0, steward.unschedule('q') > 0;

-- An owner, a member of it, a stranger.
SET ROLE steward_jobs_owner;
SET search_path = '';
SELECT steward.schedule('owned', '@yearly', 'SELECT 1') > 0;
RESET search_path;
SELECT name, role, created_by = session_user FROM steward.jobs;
SELECT said($$SELECT steward.schedule('x', '@yearly', 'SELECT 1', role => 'postgres')$$);
SELECT said($$SELECT steward.schedule('x', '@yearly', 'SELECT 1', role => 'steward_jobs_stranger')$$);
SELECT said($$SELECT steward.pause_jobs('all')$$);
SELECT said($$SELECT steward.resume_jobs()$$);
SELECT said($$SELECT steward.limit_job_group('g', 1)$$);
SELECT said($$INSERT INTO steward.job_definitions (name) VALUES ('x')$$);
SELECT steward.pause_jobs('mine', name => 'owned'), steward.resume_jobs('owned');
SET ROLE steward_jobs_member;
SELECT name FROM steward.jobs;
SELECT steward.alter_job('owned', command => 'SELECT 2') > 0;
SELECT role, command FROM steward.jobs;
SET ROLE steward_jobs_stranger;
SELECT count(*) FROM steward.jobs;
SELECT said($$SELECT steward.schedule('owned', '@yearly', 'SELECT 1')$$);
SELECT said($$SELECT steward.alter_job('owned', command => 'SELECT 3')$$);
SELECT said($$SELECT steward.unschedule('owned')$$);
SELECT said($$SELECT steward.run_job('owned')$$);
SELECT said($$SELECT steward.pause_jobs('x', name => 'owned')$$);
SELECT said($$SELECT steward.resume_jobs('owned')$$);
SELECT said($$SELECT count(*) FROM steward.job_definitions$$);
RESET ROLE;
GRANT pg_monitor TO steward_jobs_stranger;
SET ROLE steward_jobs_stranger;
SELECT name FROM steward.jobs;
SELECT said($$SELECT steward.unschedule('owned')$$);
RESET ROLE;
SELECT steward.unschedule('owned') > 0;
SELECT steward.schedule('Übung "x"', '@yearly', 'SELECT 1', role => '"Steward''s ""Jobs"""') > 0;
SELECT name, role FROM steward.jobs;
SELECT steward.unschedule('Übung "x"') > 0;

DROP PROCEDURE wait_for;
DROP FUNCTION option, said;
DROP ROLE steward_jobs_owner, steward_jobs_member, steward_jobs_stranger, "Steward's ""Jobs""";
