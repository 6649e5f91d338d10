-- SPDX-License-Identifier: PostgreSQL
-- Bloat by a sample is what pgstattuple counts, exactly where every page is read; what has no pages is refused; a relation's
-- figures are for its owner and for those who watch; what was found is void when the relation has been rewritten.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

CREATE FUNCTION said(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text; message text; why text; way_out text;
BEGIN
    EXECUTE sql INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, why = PG_EXCEPTION_DETAIL, way_out = PG_EXCEPTION_HINT;
    RETURN sqlstate || ' ' || message || CASE WHEN why <> '' THEN E'\n  detail: ' || why ELSE '' END
        || CASE WHEN way_out <> '' THEN E'\n  hint: ' || way_out ELSE '' END;
END $$;

-- Without pgstattuple nothing is measured exactly, and the rest works.
CREATE TABLE heap (id int, note text) WITH (autovacuum_enabled = off);
SELECT said($$SELECT steward.measure_bloat('heap')$$);
SELECT * FROM steward.estimate_bloat('heap');
CREATE EXTENSION pgstattuple;

-- What pgstattuple says of a table, and of an index what its rebuild would give back, by pgstatindex.
CREATE FUNCTION table_truth(t regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT dead_tuple_len + free_space FROM pgstattuple(t) $$;
CREATE FUNCTION index_truth(t regclass, fillfactor float8) RETURNS float8 LANGUAGE sql AS $$
    SELECT greatest(1 - (1 + internal_pages + leaf_pages * coalesce(nullif(avg_leaf_density, 'NaN'), 0) / fillfactor)
                    / (index_size / current_setting('block_size')::float8), 0) FROM pgstatindex(t) $$;
CREATE FUNCTION same_table(t regclass) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', 'exact', is_exact, 'bloat', bloat_bytes = table_truth(t), 'no width', bloat_bytes_low = bloat_bytes_high,
                     'dead', dead_bytes = (SELECT dead_tuple_len FROM pgstattuple(t)), 'pages', pages_read = relation_bytes / 8192,
                     'bytes', relation_bytes = pg_relation_size(t))
    FROM steward.estimate_bloat(t) $$;
CREATE FUNCTION same_index(t regclass, fillfactor float8 DEFAULT 90) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', 'exact', is_exact, 'bloat', abs(bloat_share - index_truth(t, fillfactor)) < 0.001, 'dead', dead_bytes)
    FROM steward.estimate_bloat(t) $$;

-- ---- Tables ----
INSERT INTO heap SELECT n, repeat('x', n % 200) FROM generate_series(1, 10000) n;
SELECT same_table('heap');
SELECT bloat_share < 0.02 FROM steward.estimate_bloat('heap');
DELETE FROM heap WHERE id % 3 = 0;
SELECT same_table('heap');
SELECT bloat_share BETWEEN 0.25 AND 0.35, dead_bytes > 0.25 * relation_bytes FROM steward.estimate_bloat('heap');
UPDATE heap SET note = note || '.' WHERE id % 10 = 1;
SELECT same_table('heap');
-- Rows of a transaction that is still running are not dead, and those it has deleted are not dead yet.
BEGIN;
INSERT INTO heap SELECT n, 'new' FROM generate_series(1, 1000) n;
DELETE FROM heap WHERE id % 3 = 1;
SELECT same_table('heap');
ROLLBACK;
SELECT same_table('heap');
VACUUM heap;
SELECT same_table('heap');
SELECT dead_bytes FROM steward.estimate_bloat('heap');
DELETE FROM heap;
SELECT same_table('heap');
SELECT bloat_share > 0.7 FROM steward.estimate_bloat('heap');
VACUUM heap;
SELECT * FROM steward.estimate_bloat('heap');

-- More pages than are read: the half that is empty lies in one place.
CREATE TABLE large (id int, note text) WITH (autovacuum_enabled = off);
INSERT INTO large SELECT n, repeat('x', 200) FROM generate_series(1, 35000) n;
DELETE FROM large WHERE id <= 17000;
VACUUM large;
SELECT pages_read, is_exact, table_truth('large') BETWEEN bloat_bytes_low AND bloat_bytes_high, bloat_share_high - bloat_share_low < 0.05
FROM steward.estimate_bloat('large');
CREATE MATERIALIZED VIEW copied AS SELECT * FROM heap;
SELECT same_table('copied');
CREATE TABLE long (id int, note text) WITH (autovacuum_enabled = off);
ALTER TABLE long ALTER note SET STORAGE EXTERNAL;
INSERT INTO long SELECT n, repeat('x', 5000) FROM generate_series(1, 100) n;
DELETE FROM long WHERE id % 2 = 0;
SELECT same_table(reltoastrelid) FROM pg_class WHERE oid = 'long'::regclass;
CREATE TEMP TABLE own_temporary AS SELECT generate_series(1, 100) AS n;
SELECT same_table('own_temporary');
SELECT bloat_share < 1 FROM steward.estimate_bloat('pg_catalog.pg_class');

-- ---- B-trees ----
CREATE TABLE keyed (id bigint, note text) WITH (autovacuum_enabled = off);
CREATE INDEX keyed_id ON keyed (id);
SELECT same_index('keyed_id');
INSERT INTO keyed SELECT n, repeat('x', 10 + n % 50) FROM generate_series(1, 30000) n;
CREATE INDEX keyed_half ON keyed (id) WITH (fillfactor = 50);
CREATE INDEX keyed_note ON keyed (note, id);
SELECT same_index('keyed_id'), same_index('keyed_half', 50), same_index('keyed_note');
SELECT bloat_share < 0.02 FROM steward.estimate_bloat('keyed_half');
-- Two ranges that become whole empty pages, and every second key of the rest.
DELETE FROM keyed WHERE id BETWEEN 6000 AND 12000 OR id > 27000;
VACUUM keyed;
SELECT same_index('keyed_id'), same_index('keyed_half', 50), same_index('keyed_note');
SELECT bloat_share BETWEEN 0.25 AND 0.35 FROM steward.estimate_bloat('keyed_half');
DELETE FROM keyed WHERE id % 2 = 0;
VACUUM keyed;
SELECT same_index('keyed_id'), same_index('keyed_half', 50), same_index('keyed_note');
SELECT bloat_share BETWEEN 0.6 AND 0.7 FROM steward.estimate_bloat('keyed_half');
REINDEX INDEX keyed_half;
SELECT bloat_share < 0.02 FROM steward.estimate_bloat('keyed_half');

-- ---- What cannot be sampled ----
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE INDEX parted_id ON parted (id);
CREATE VIEW seen AS SELECT 1 AS one;
CREATE SEQUENCE counted;
CREATE INDEX keyed_hash ON keyed USING hash (id);
CREATE TYPE pair AS (a int, b int);
SELECT said(format('SELECT steward.estimate_bloat(%L)', r)) FROM unnest('{parted,parted_id,seen,counted,keyed_hash,pair}'::text[]) r;
SELECT said(format('SELECT steward.measure_bloat(%L)', r)) FROM unnest('{parted,seen,keyed_hash}'::text[]) r;
SELECT said('SELECT steward.estimate_bloat(4294967295::oid::regclass)');
SELECT count(*) FROM steward.estimate_bloat(NULL);
SELECT said('SELECT steward.sample_bloat(0)');

-- ---- What is kept and shown ----
ANALYZE large, keyed;
SELECT relation, kind, of_table, relation_bytes = pg_relation_size(relation), round(guessed_share::numeric, 1), sampled_at, bloat_bytes, measured_at
FROM steward.bloat WHERE relation IN ('large'::regclass, 'keyed'::regclass, 'keyed_id'::regclass, 'keyed_half'::regclass, 'keyed_note'::regclass) ORDER BY 1;
SELECT count(*) FROM steward.bloat
WHERE relation::oid IN ('parted'::regclass, 'parted_id'::regclass, 'seen'::regclass, 'counted'::regclass, 'keyed_hash'::regclass, 'own_temporary'::regclass);
SELECT kind, of_table FROM steward.bloat WHERE of_table = 'long'::regclass ORDER BY 1;
SELECT count(*) FROM steward.bloat WHERE relation_bytes IS DISTINCT FROM pg_relation_size(relation);
SELECT relation, outcome, relation_bytes = pg_relation_size(relation), pages_read, bloat_share BETWEEN bloat_share_low AND bloat_share_high, detail
FROM steward.sample_bloat(1000) WHERE relation IN ('large'::regclass, 'keyed_note'::regclass, 'keyed_half'::regclass) ORDER BY 1;
SELECT relation, sampled_at > now() - interval '1 hour', sampled_pages, bloat_bytes = round(bloat_share * relation_bytes) FROM steward.bloat
WHERE relation IN ('large'::regclass, 'keyed_note'::regclass, 'keyed_half'::regclass) ORDER BY 1;
-- Enough is enough for 12 hours, then the oldest come first.
SELECT count(*) FROM steward.sample_bloat(1000) WHERE relation IN ('large'::regclass, 'keyed_note'::regclass);
UPDATE steward.bloat_estimates SET taken_at = taken_at - interval '13 hours';
SELECT count(*) FROM steward.sample_bloat(2);
UPDATE steward.bloat_estimates SET taken_at = taken_at - interval '13 hours' WHERE relation_oid <> 'large'::regclass;
UPDATE steward.bloat_estimates SET taken_at = taken_at - interval '300 days' WHERE relation_oid = 'large'::regclass;
SELECT relation FROM steward.sample_bloat(1);
SELECT relation_bytes = pg_relation_size('large'), bloat_bytes = table_truth('large') FROM steward.measure_bloat('large');
SELECT abs(bloat_share - index_truth('keyed_note', 90)) < 1e-9, dead_bytes FROM steward.measure_bloat('keyed_note');
-- pgstatindex rounds the density.
SELECT relation, measured_share BETWEEN bloat_share_low - 0.0001 AND bloat_share_high + 0.0001 FROM steward.bloat WHERE measured_at IS NOT NULL ORDER BY 1;
-- Void, and then gone.
VACUUM FULL large;
SELECT sampled_at, measured_at FROM steward.bloat WHERE relation = 'large'::regclass;
SELECT count(*) FROM steward.bloat_estimates WHERE relation_oid = 'large'::regclass;
SELECT count(*) FROM steward.sample_bloat(1);
SELECT count(*) FROM steward.bloat_estimates WHERE relation_oid = 'large'::regclass AND method = 'pgstattuple';
BEGIN READ ONLY;
SELECT bloat_bytes IS NOT NULL FROM steward.estimate_bloat('large');
SELECT bloat_bytes IS NOT NULL FROM steward.measure_bloat('large');
SELECT said('SELECT steward.sample_bloat()');
COMMIT;
SELECT count(*) FROM steward.bloat WHERE measured_at IS NOT NULL AND relation = 'large'::regclass;

-- ---- Who may ----
CREATE ROLE steward_bloat_owner;
CREATE ROLE steward_bloat_other;
CREATE ROLE steward_bloat_watcher IN ROLE pg_monitor;
ALTER TABLE large OWNER TO steward_bloat_owner;
CREATE INDEX large_id ON large (id);
UPDATE steward.bloat_estimates SET taken_at = taken_at - interval '13 hours';
SET ROLE steward_bloat_owner;
SELECT same FROM (SELECT bloat_bytes IS NOT NULL AS same FROM steward.estimate_bloat('large')) x;
SELECT bloat_bytes IS NOT NULL FROM steward.estimate_bloat('large_id');
SELECT DISTINCT of_table FROM steward.bloat;
SELECT relation, outcome FROM steward.sample_bloat(1000) ORDER BY 1;
SELECT said($$SELECT steward.measure_bloat('large')$$);
SELECT said('SELECT count(*) FROM steward.bloat_estimates');
SET ROLE steward_bloat_other;
SELECT said($$SELECT steward.estimate_bloat('large')$$);
SELECT said($$SELECT steward.estimate_bloat('large_id')$$);
SELECT said($$SELECT steward.measure_bloat('large')$$);
SELECT count(*) FROM steward.bloat;
SELECT count(*) FROM steward.sample_bloat(1000);
SET ROLE steward_bloat_watcher;
SELECT bloat_bytes IS NOT NULL FROM steward.estimate_bloat('large');
SELECT bloat_bytes IS NOT NULL FROM steward.measure_bloat('large');
SELECT count(*) FROM steward.bloat WHERE relation IN ('large'::regclass, 'keyed'::regclass);
SELECT count(*) > 0 FROM steward.sample_bloat(1000);
RESET ROLE;
-- Whoever looks with a search path of their own looks at the server's functions all the same.
CREATE SCHEMA trap;
CREATE FUNCTION trap.pg_has_role(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION trap.pg_has_role(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
GRANT USAGE ON SCHEMA trap TO PUBLIC;
SET search_path = trap, public, pg_catalog;
SET ROLE steward_bloat_other;
SELECT said($$SELECT steward.estimate_bloat('large')$$);
SELECT count(*) FROM steward.bloat;
RESET ROLE;
RESET search_path;

DROP TABLE heap, large, long, keyed, parted, own_temporary CASCADE;
DROP SCHEMA trap CASCADE;
DROP FUNCTION said;
DROP ROLE steward_bloat_owner, steward_bloat_other, steward_bloat_watcher;
