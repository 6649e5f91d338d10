-- SPDX-License-Identifier: PostgreSQL
-- steward.explain_schedule(): what a schedule means, what surprises in it, when it runs, and why nonsense is refused.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset tuples_only on
\pset null '-'

-- In words, with what its writer may not have meant.
CREATE FUNCTION words(schedule text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT note FROM steward.explain_schedule(schedule, 'Europe/Berlin', 1, '2026-01-01 00:00+00') WHERE run_at IS NULL $$;
SELECT s.schedule, words(s.schedule) FROM (VALUES
    ('30 2 * * *'), ('0 0 13 * 5'), ('0 0 */2 * 1'), ('0 12 $ * *'), ('0 12 L-3 * *'), ('0 12 15W * *'), ('0 18 * * FRI#2'), ('0 18 * * FRIL'),
    ('*/7 * * * *'), ('0 0 31 * *'), ('0 0 29 2 *'), ('30 0 2 * * *'), ('0 8-18/2 * jan-mar,nov fri-sun'), ('0 0 * * 7'), ('  0   0 * *	0  '),
    ('@hourly'), ('@DAILY'), ('@midnight'), ('@weekly'), ('@monthly'), ('@yearly'), ('@annually'), ('@startup'), ('@promotion'), ('@after_crash'),
    ('every 15 seconds'), ('every 90 min'), ('every day'), ('every 24 hours'), ('30 seconds')) s(schedule);

-- When, and what the clock does: gaps, overlaps, months without such a day, leap years.
SELECT run_at, local_time, note FROM steward.explain_schedule('30 2 * * *', 'europe/berlin', 3, '2026-03-28 00:00+00');
SELECT run_at, local_time, note FROM steward.explain_schedule('30 2 * * *', 'Europe/Berlin', 2, '2026-10-24 12:00+00');
SELECT run_at, local_time, note FROM steward.explain_schedule('*/30 * * * *', 'America/New_York', 3, '2026-03-08 06:00+00');
SELECT run_at, local_time, note FROM steward.explain_schedule('30 * * * *', 'America/New_York', 3, '2026-11-01 05:00+00');
SELECT run_at, local_time, note FROM steward.explain_schedule('0 0 31 * *', 'UTC', 3, '2026-01-31 00:00+00');
SELECT run_at, local_time, note FROM steward.explain_schedule('0 0 29 2 *', 'UTC', 2, '2096-02-29 00:00+00');
SELECT run_at, local_time, note FROM steward.explain_schedule('0 12 * * *', 'Pacific/Apia', 2, '2011-12-29 00:00+00');
SELECT run_at, local_time, note FROM steward.explain_schedule('every 12 hours', 'Europe/Berlin', 3, '2026-03-28 12:00+00');
SELECT run_at, local_time, note FROM steward.explain_schedule('every 1 day', 'Europe/Berlin', 3, '2026-03-28 01:30+00');
SELECT run_at, local_time, note FROM steward.explain_schedule('@startup', 'UTC', 3, '2026-01-01');

-- Without words for everything: the zone is the database's, five runs, from now on.
SELECT count(*) FILTER (WHERE run_at > now()), count(*) FILTER (WHERE run_at IS NULL), max(run_at) < now() + interval '6 minutes'
FROM steward.explain_schedule('* * * * *');
SELECT count(*) FROM steward.explain_schedule('* * * * *', NULL, NULL, NULL);
SELECT count(*) FROM steward.explain_schedule('0 0 29 2 *', runs => 1000);
ALTER DATABASE :DBNAME SET timezone = 'Asia/Tokyo';
SELECT local_time FROM steward.explain_schedule('0 9 * * *', runs => 1, after => '2026-01-01 00:00+00') WHERE run_at IS NOT NULL;
ALTER DATABASE :DBNAME RESET timezone;
-- Nobody needs a right, nor any setting of the session to be so or so.
CREATE ROLE steward_explain_nobody;
SET ROLE steward_explain_nobody;
SET search_path = '';
SET datestyle = 'SQL, DMY';
SELECT run_at, local_time FROM steward.explain_schedule('30 2 * * 1-5', 'Europe/Berlin', 1, '2026-07-03 12:00+00');
RESET datestyle;
RESET search_path;
RESET ROLE;
SET datestyle = 'ISO, YMD';
DROP ROLE steward_explain_nobody;

-- Refused, each with its reason and position.
CREATE FUNCTION refused(schedule text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; way_out text;
BEGIN
    PERFORM steward.explain_schedule(schedule);
    RETURN 'ACCEPTED ' || schedule;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, way_out = PG_EXCEPTION_HINT;
    RETURN sqlstate || ' ' || message || CASE WHEN way_out <> '' THEN E'\n    ' || way_out ELSE '' END;
END $$;
SELECT refused(s.schedule) FROM (VALUES
    ('50-10 * * * *'), ('5;10 * * * *'), ('*5 * * * *'), ('*/0 * * * *'), ('0 24 * * *'), ('60 * * * *'), ('0 0 0 * *'), ('0 0 32 * *'),
    ('0 0 * 13 *'), ('0 0 * 0 *'), ('0 0 * * 8'), ('0 0 * * mon#6'), ('0 0 * * mon#0'), ('0 0 30 2 *'), ('0 0 31 4,6,9,11 *'), ('0 0 * * * * x'),
    ('0 3 * * * rm'), ('* * * *'), ('*'), (''), ('   '), ('@never'), ('@reboot'), ('@daily now'), ('1,,2 * * * *'), ('1, * * * *'), ('-5 * * * *'),
    ('5- * * * *'), ('5-10/ * * * *'), ('0 0 * foo *'), ('0 0 * * montag'), ('0 0 LX * *'), ('0 0 L-31 * *'), ('0 0 15WW * *'), ('0 0 32W * *'),
    ('1.5 * * * *'), ('0x5 * * * *'), ('99999999999 * * * *'), ('every'), ('every 0 seconds'), ('every -5 minutes'), ('every 5'), ('every 2 months'),
    ('every 100 years'), ('every 5 fortnights'), ('every 1 hour 30 minutes'), ('every 99999999999999999999 days'), ('ümlaut * * * *'),
    (repeat('1,', 300) || '1 * * * *')) s(schedule);

SELECT steward.explain_schedule(NULL);
SELECT steward.explain_schedule('@daily', 'Nowhere/Land');
SELECT steward.explain_schedule('@daily', '');
SELECT steward.explain_schedule('@daily', runs => 0);
SELECT steward.explain_schedule('@daily', runs => 1001);
SELECT steward.explain_schedule('@daily', after => 'infinity');
SELECT steward.explain_schedule('@daily', after => '-infinity');
-- At the ends of time there is nothing, not an error.
SELECT count(run_at) FROM steward.explain_schedule('@yearly', 'UTC', 3, '294276-12-31 23:59+00');
SELECT count(run_at) FROM steward.explain_schedule('@yearly', 'UTC', 3, '4714-11-24 00:00+00 BC');

DROP FUNCTION words, refused;
