-- SPDX-License-Identifier: PostgreSQL
-- What is counted of statements, what of those that fail, what is shown to whom, and what a reset forgets.
SET client_min_messages = warning;
CREATE SCHEMA steward_cq;
CREATE ROLE steward_cq_one;
CREATE ROLE steward_cq_two;
GRANT USAGE, CREATE ON SCHEMA steward_cq TO steward_cq_one, steward_cq_two;
SET search_path = steward_cq;
CREATE TABLE t (a integer PRIMARY KEY, b text);
INSERT INTO t SELECT i, 'x' FROM generate_series(1, 1000) i;
CREATE FUNCTION many(n integer) RETURNS bigint LANGUAGE plpgsql AS
    $$ DECLARE c bigint; BEGIN EXECUTE 'SELECT count(*) FROM t WHERE a <= $1' INTO c USING n; RETURN c; END $$;
CREATE FUNCTION swallow() RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO t VALUES (1, 'x'); EXCEPTION WHEN unique_violation THEN NULL; END $$;
CREATE VIEW seen AS
    SELECT query, calls, errors, rows, plans, is_toplevel FROM steward.queries
    WHERE role LIKE 'steward\_cq\_%' AND query !~ 'steward\.|seen|SET ROLE' ORDER BY query COLLATE "C", is_toplevel;
CREATE VIEW failed AS
    SELECT q.query, e.sqlstate, e.count, e.is_toplevel FROM steward.query_errors e
    LEFT JOIN steward.queries q USING (queryid, database, role, is_toplevel)
    WHERE role LIKE 'steward\_cq\_%' ORDER BY q.query COLLATE "C", e.sqlstate, e.is_toplevel;
GRANT ALL ON ALL TABLES IN SCHEMA steward_cq TO steward_cq_one, steward_cq_two;
SELECT steward.reset_queries() > 0 AS was_reset;

-- Constants are no part of it, lists of them count as one; failures are calls too.
SET ROLE steward_cq_one;
SELECT b FROM t WHERE a = 5;
SELECT b FROM t WHERE a = 6;
SELECT count(*) FROM t WHERE a IN (1, 2, 3) AND b <> 'it''s';
SELECT 1 / 0;
SELECT 1 / (a - 1) FROM t ORDER BY a LIMIT 1;
SET statement_timeout = '500ms';
SELECT pg_sleep(60);
RESET statement_timeout;
INSERT INTO t VALUES (1, 'again');
INSERT INTO t VALUES (1, 'and again');
-- Once for all that is fetched of a cursor, and once for each FETCH.
BEGIN;
DECLARE c CURSOR FOR SELECT a FROM t ORDER BY a;
FETCH 2 FROM c;
FETCH 3 FROM c;
ROLLBACK;
-- What is executed counts, not EXECUTE.
PREPARE p AS SELECT a FROM t WHERE b = $1 LIMIT 2;
EXECUTE p('x');
EXECUTE p('y');
DEALLOCATE p;
COPY (SELECT a FROM t WHERE a < 4) TO STDOUT;
CREATE TABLE copied AS SELECT * FROM t;
SELECT many(10), many(20);
SELECT swallow();
RESET ROLE;
SELECT * FROM seen;
SELECT * FROM failed;

-- Within functions too, when it says so.
SELECT steward.reset_queries(role => 'steward_cq_one') > 0 AS was_reset;
SELECT count(*) FROM seen;
SET steward.capture = 'all';
SET ROLE steward_cq_two;
SELECT many(10), many(20);
SELECT swallow();
SELECT swallow();
DO $$ BEGIN PERFORM pg_sleep(0); RAISE division_by_zero; END $$;
RESET ROLE;
SET steward.capture = 'off';
SELECT * FROM seen;
SELECT * FROM failed;
SET ROLE steward_cq_two;
SET steward.capture = 'top';
RESET ROLE;
RESET steward.capture;

-- Numbers that belong together.
SELECT bool_and(min_ms <= p50_ms AND p50_ms <= p90_ms AND p90_ms <= p95_ms AND p95_ms <= p99_ms AND p99_ms <= max_ms AND max_ms <= total_ms
        AND abs(mean_ms * calls - total_ms) < 0.001 AND first_seen <= last_seen AND plan_ms >= 0 AND cpu_ms >= 0) AS fit,
    sum(shared_blks_hit) > 0 AS has_blocks, sum(wal_bytes) > 0 AS has_wal, max(total_ms) > 0 AS has_time
FROM steward.queries WHERE calls > 0;

-- The texts of others are hidden, and what they are the texts of.
SET ROLE steward_cq_one;
SELECT b FROM t WHERE a = 7;
SELECT count(*) FILTER (WHERE query = '<insufficient privilege>' AND queryid IS NULL) = count(*) AS hidden, sum(calls) > 0 AS counted
FROM steward.queries WHERE role <> current_user AND query <> '(evicted)';
SELECT query, calls FROM steward.queries WHERE role = current_user AND query LIKE 'SELECT b%';
SELECT count(*) FROM steward.query_errors WHERE queryid IS NOT NULL AND role <> current_user;
SELECT steward.reset_queries();
SELECT * FROM steward.capture_status;
RESET ROLE;
GRANT pg_read_all_stats TO steward_cq_one;
SET ROLE steward_cq_one;
SELECT query FROM steward.queries WHERE role = 'steward_cq_two' AND query LIKE 'SELECT many%';
RESET ROLE;

-- No secret is kept.
CREATE ROLE steward_cq_three PASSWORD 'very secret';
ALTER ROLE steward_cq_three PASSWORD 'more secret';
SELECT query, calls FROM steward.queries WHERE query LIKE '%ROLE steward_cq_three%' ORDER BY 1;
SELECT count(*) FROM steward.queries WHERE query LIKE '%secret%' AND query NOT LIKE '%steward.queries%';

-- A text that is cut, between two characters.
SET steward.capture = 'all';
DO $$ BEGIN EXECUTE 'SELECT /*' || repeat('ä', 20000) || '*/ 1'; END $$;
RESET steward.capture;
SELECT octet_length(query), is_cut, calls FROM steward.queries WHERE query LIKE 'SELECT /*ä%';

-- One query of a database; what is not there.
SELECT steward.reset_queries((SELECT queryid FROM steward.queries WHERE role = 'steward_cq_two' AND query LIKE 'SELECT many%'), current_database());
SELECT count(*) FROM steward.queries WHERE role = 'steward_cq_two' AND query LIKE 'SELECT many%';
SELECT steward.reset_queries(1, 'steward_no_database');
SELECT steward.reset_queries(role => 'steward_cq_nobody');
SELECT capture, has_query_ids, memory_bytes > text_bytes AS is_counted, queries BETWEEN 1 AND max_queries AS fits, untimed_calls
FROM steward.capture_status;
SET steward.capture = 'sometimes';

DROP SCHEMA steward_cq CASCADE;
DROP ROLE steward_cq_one, steward_cq_two, steward_cq_three;
