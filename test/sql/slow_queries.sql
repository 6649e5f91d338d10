-- SPDX-License-Identifier: PostgreSQL
-- What is kept of slow statements: what ran, with which values, by which plan, and what of it is shown to whom.
-- The last test by its name: from then on the log of slow statements is one more managed table.
SET client_min_messages = warning;
CREATE SCHEMA steward_sq;
CREATE ROLE steward_sq_one;
CREATE ROLE steward_sq_two;
GRANT USAGE, CREATE ON SCHEMA steward_sq TO steward_sq_one, steward_sq_two;
SET search_path = steward_sq;
CREATE TABLE t (a integer PRIMARY KEY, b text);
INSERT INTO t SELECT i, 'x' FROM generate_series(1, 1000) i;
ANALYZE t;
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE FUNCTION many(n integer) RETURNS bigint LANGUAGE plpgsql AS
    $$ DECLARE c bigint; BEGIN SELECT count(*) INTO c FROM t WHERE a <= n; RETURN c; END $$;
-- A type whose output raises an error.
CREATE TYPE mute;
CREATE FUNCTION mute_in(cstring) RETURNS mute LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION mute_out(mute) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'trigger_out';
CREATE TYPE mute (INPUT = mute_in, OUTPUT = mute_out, LIKE = integer);
-- PostgreSQL 18 leaves PREPARE out of the text of what it prepares.
CREATE FUNCTION prepared(query text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(query, '^PREPARE [^)]*\) AS\s+', '') $$;
CREATE VIEW kept AS
    SELECT prepared(query) AS query, parameters, severity, sqlstate, rows, is_toplevel FROM steward.slow_queries
    WHERE role LIKE 'steward\_sq\_%' AND query !~ 'kept|ROLE|steward\.' ORDER BY prepared(query) COLLATE "C", parameters COLLATE "C", is_toplevel;
CREATE VIEW plans AS
    SELECT prepared(query) AS query, plan FROM steward.slow_queries
    WHERE role LIKE 'steward\_sq\_%' AND query !~ 'kept|plans|ROLE|steward\.' ORDER BY prepared(query) COLLATE "C", at;
GRANT ALL ON ALL TABLES IN SCHEMA steward_sq TO steward_sq_one, steward_sq_two;

-- As long as nothing is slow, nothing is kept.
SET steward.capture_slow_threshold = -1;
SET steward.capture_critical_threshold = -1;
SELECT steward.reset_queries() > 0 AS was_reset;
SET ROLE steward_sq_one;
SELECT 'not slow';
RESET ROLE;
SELECT count(*) FROM kept;

-- What ran is kept as it ran, each statement of a string by itself; a utility statement without its constants.
SET steward.capture_slow_threshold = 0;
SET ROLE steward_sq_one;
SELECT b FROM t WHERE a = 5;
SELECT 1 AS one\; SELECT 2 AS two \g /dev/null
SELECT count(*) FROM t WHERE b = 'it''s' /*route='%2Fa%20b',app='shop'*/;
UPDATE t SET b = 'y' WHERE a < 0;
SELECT 1 / (a - 1) FROM t ORDER BY a LIMIT 1;
CREATE TEMP TABLE copied AS SELECT 17 AS seventeen;
DROP TABLE copied;
BEGIN;
DECLARE c CURSOR FOR SELECT a FROM t ORDER BY a;
FETCH 2 FROM c;
COMMIT;
PREPARE p (integer, text, numeric, positive, mood, integer[], timestamptz, bytea, boolean) AS
    SELECT a FROM t WHERE a = $1 AND b <> $2 AND $3 > 0 AND $4 > 0 AND $5 = 'sad' AND a = ANY ($6) AND $7 > '-infinity' AND $8 <> '' AND $9;
EXECUTE p(5, 'it''s ä', 3.14, 7, 'sad', '{1,5}', '2026-01-01 00:00:00+00', '\x00ff', true);
EXECUTE p(6, NULL, NULL, 7, 'glad', '{}', NULL, NULL, NULL);
DEALLOCATE p;
-- A value that cannot be shown does not keep the others from it, nor the statement from its end.
PREPARE q (mute, text) AS SELECT count($1), $2;
EXECUTE q('1', 'shown');
DEALLOCATE q;
SELECT count(*) AS of_mute FROM t WHERE CASE WHEN a > 7 THEN '1'::mute END IS NOT NULL;
-- Neither does one that fails.
PREPARE r (integer, mute, numeric, timestamptz, jsonb, bytea) AS SELECT 1 / ($1 - a), $2, $3, $4, $5, $6 FROM t ORDER BY a LIMIT 1;
EXECUTE r(1, '1', 2.5, '2026-01-01 00:00:00+00', '{}', '\x00ff');
DEALLOCATE r;
RESET ROLE;
SET steward.capture_slow_threshold = -1;
SELECT * FROM kept;
SELECT query, tags FROM steward.slow_queries WHERE tags IS NOT NULL;
SELECT query, replace(regexp_replace(plan, 'cost=\S+ rows=\d+ width=\d+', '...', 'g'), 'HashAggregate', 'Aggregate') AS plan
FROM plans WHERE query ~ 'WHERE|one|of_mute' AND query !~ '\$1';
SELECT bool_and(duration_ms > 0 AND plan_ms >= 0 AND at <= clock_timestamp() AND application IS NOT NULL) AS fit,
    sum(shared_blks_hit) > 0 AS has_blocks FROM steward.slow_queries;

-- Critical is what takes longer still, and what is not slow may yet be critical.
SET steward.capture_critical_threshold = 0;
SET ROLE steward_sq_one;
SELECT 'critical';
RESET ROLE;
SET steward.capture_critical_threshold = -1;
SELECT query, severity FROM kept WHERE severity = 'critical';

-- Without values: the text is that of the query, and the plan has none either.
SELECT steward.reset_queries() > 0 AS was_reset, count(*) FROM kept;
SET steward.capture_parameters = off;
SET steward.capture_slow_threshold = 0;
SET ROLE steward_sq_one;
SELECT a FROM t WHERE a = 5 AND b <> 'secret';
PREPARE p (text) AS SELECT a FROM t WHERE a = 6 AND b = $1;
EXECUTE p('secret');
DEALLOCATE p;
RESET ROLE;
SET steward.capture_slow_threshold = -1;
RESET steward.capture_parameters;
SELECT query, parameters FROM kept;
SELECT plan FROM plans;

-- No password is kept, with values or without.
SELECT steward.reset_queries() > 0 AS was_reset;
SET steward.capture_slow_threshold = 0;
CREATE ROLE steward_sq_three PASSWORD 'very secret';
ALTER ROLE steward_sq_three PASSWORD 'more secret';
DO $$ BEGIN EXECUTE 'ALTER ROLE steward_sq_three PASSWORD ''most secret'''; END $$;
SET steward.capture_slow_threshold = -1;
SELECT query FROM steward.slow_queries WHERE query ~ '^(CREATE|ALTER|DO)' ORDER BY 1;
SELECT count(*) FROM steward.slow_queries s WHERE s::text ~ 'secret';

-- Within functions, when they are counted: a variable is a parameter.
SELECT steward.reset_queries() > 0 AS was_reset;
SET steward.capture = 'all';
SET steward.capture_slow_threshold = 0;
SET ROLE steward_sq_two;
SELECT many(10);
RESET ROLE;
SET steward.capture_slow_threshold = -1;
RESET steward.capture;
SELECT * FROM kept;

-- Rows of others show numbers.
SET ROLE steward_sq_one;
SELECT count(*) > 0 AS has_any, count(queryid) AS queryids, min(query) AS query, count(parameters) AS parameters, count(plan) AS plans, count(tags) AS tags,
    count(application) AS applications, count(duration_ms) > 0 AS has_numbers FROM steward.slow_queries WHERE role = 'steward_sq_two';
SET ROLE steward_sq_two;
SELECT count(query) FROM kept WHERE query LIKE 'SELECT many%';
-- Only superusers say what is kept.
SET steward.capture_slow_threshold = 0;
SET steward.capture_critical_threshold = 0;
SET steward.capture_parameters = on;
RESET ROLE;

-- A text that is cut, between two characters, and a value.
SET steward.capture = 'all';
SET steward.capture_slow_threshold = 0;
DO $$ BEGIN EXECUTE 'SELECT /*' || repeat('ä', 20000) || '*/ $1' USING repeat('ö', 5000); END $$;
SET steward.capture_slow_threshold = -1;
RESET steward.capture;
SELECT octet_length(query), is_cut, octet_length(parameters), right(parameters, 5) FROM steward.slow_queries WHERE query LIKE 'SELECT /*ä%';

\set VERBOSITY sqlstate
SET steward.capture_slow_threshold = '-2s';
\set VERBOSITY default
SET steward.capture_slow_threshold = 'slow';
SET steward.capture_slow_memory = '1GB';
SELECT slow_bytes > 0 AND slow_bytes < memory_bytes AS is_counted, slow_bytes_used > 0 AS is_used, slow_events > 0 AS has_any, slow_lost >= 0 AS counts,
    slow_kept >= slow_events AS kept FROM steward.capture_status;

DROP SCHEMA steward_sq CASCADE;
DROP ROLE steward_sq_one, steward_sq_two, steward_sq_three;
