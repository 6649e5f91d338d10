-- SPDX-License-Identifier: PostgreSQL
-- Room maintain: how much of tables and B-trees is dead or free.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE steward.bloat_estimates (
    relation_oid     oid NOT NULL,
    method           text NOT NULL CHECK (method IN ('sample', 'pgstattuple')),
    file_node        oid NOT NULL,
    taken_at         timestamptz NOT NULL,
    relation_bytes   bigint NOT NULL,
    pages_read       bigint NOT NULL,
    bloat_share_low  double precision NOT NULL,
    bloat_share      double precision NOT NULL,
    bloat_share_high double precision NOT NULL,
    dead_share       double precision,
    PRIMARY KEY (relation_oid, method)
);
COMMENT ON TABLE steward.bloat_estimates IS 'the last sample and the last exact measurement of each relation, as the view steward.bloat shows them; steward.sample_bloat() removes those of relations that are gone or rewritten';
COMMENT ON COLUMN steward.bloat_estimates.method IS 'sample: steward.sample_bloat(); pgstattuple: steward.measure_bloat()';
COMMENT ON COLUMN steward.bloat_estimates.file_node IS 'its file then: what was found is void when the relation has been rewritten or truncated';
COMMENT ON COLUMN steward.bloat_estimates.relation_bytes IS 'size of its main fork then';
COMMENT ON COLUMN steward.bloat_estimates.bloat_share IS '0 to 1 of relation_bytes; low and high are the ends of the interval';
COMMENT ON COLUMN steward.bloat_estimates.dead_share IS 'of a table: dead rows, 0 to 1 of relation_bytes';
-- OIDs of this very cluster: nothing for a dump.
SELECT pg_extension_config_dump('steward.bloat_estimates', 'WHERE false');
GRANT SELECT ON steward.bloat_estimates TO pg_monitor;

CREATE FUNCTION steward.estimate_bloat(relation regclass,
    OUT relation_bytes bigint, OUT pages_read bigint, OUT is_exact boolean,
    OUT bloat_share_low double precision, OUT bloat_share double precision, OUT bloat_share_high double precision,
    OUT bloat_bytes_low bigint, OUT bloat_bytes bigint, OUT bloat_bytes_high bigint, OUT dead_bytes bigint)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'steward_estimate_bloat';
COMMENT ON FUNCTION steward.estimate_bloat(regclass) IS
'bloat of a heap table, materialized view, TOAST table or B-tree by at most 400 of its pages, one at random of each 400th part; stores nothing and works on a standby.
bloat of a table: dead rows and free room, as pgstattuple counts them, so that the room its fillfactor leaves is in it; of a B-tree: what a rebuild would give back
the truth lies between low and high in about 99 of 100 samples; is_exact: all pages were read, low and high are the truth
dead_bytes: of a table, what VACUUM would make free
for the owner and members of pg_stat_scan_tables (pg_monitor is one), else 42501; does not wait for locks (55P03); 42809, 0A000 for what has no such pages';

CREATE FUNCTION steward.sample_bloat(relations integer DEFAULT 50,
    OUT relation regclass, OUT outcome text, OUT relation_bytes bigint, OUT pages_read bigint,
    OUT bloat_share_low double precision, OUT bloat_share double precision, OUT bloat_share_high double precision, OUT detail text)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 50
AS 'MODULE_PATHNAME', 'steward_sample_bloat';
COMMENT ON FUNCTION steward.sample_bloat(integer) IS
'samples relations of 1 MB and more for the view steward.bloat, as steward.estimate_bloat() does: at most so many, first those with the most guessed or last found bloat and the oldest sample; none that has a sample of the last 12 hours.
outcome: sampled; skipped: somebody holds a lock that keeps readers out; failed: see detail
each caller samples what it may: its own relations, all of them as a member of pg_stat_scan_tables';

CREATE FUNCTION steward.measure_bloat(relation regclass,
    OUT relation_bytes bigint, OUT bloat_share double precision, OUT bloat_bytes bigint, OUT dead_bytes bigint)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'steward_measure_bloat';
COMMENT ON FUNCTION steward.measure_bloat(regclass) IS
'the exact bloat of a relation by the extension pgstattuple (42704 without it), which reads all its pages; kept for the view steward.bloat, except on a standby and in a read-only transaction. Counts as steward.estimate_bloat() does.
needs what estimate_bloat() needs, and EXECUTE on pgstattuple(regclass) and pgstatindex(regclass), which members of pg_stat_scan_tables have';

CREATE FUNCTION steward.bloat_screen()
RETURNS TABLE (relation_oid oid, table_oid oid, file_node oid, kind text, relation_bytes bigint, guessed_share double precision)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1000
AS 'MODULE_PATHNAME', 'steward_bloat_screen';
COMMENT ON FUNCTION steward.bloat_screen() IS 'tables and B-trees with a guess at their bloat by the catalogs, for the view steward.bloat; of relations the caller owns, of all for members of pg_stat_scan_tables';

CREATE VIEW steward.bloat AS
SELECT r.relation_oid::regclass AS relation, r.kind, r.table_oid::regclass AS of_table, r.relation_bytes,
       r.guessed_share, (r.guessed_share * r.relation_bytes)::bigint AS guessed_bytes,
       s.taken_at AS sampled_at, s.pages_read AS sampled_pages,
       s.bloat_share_low, s.bloat_share, s.bloat_share_high,
       (s.bloat_share_low * s.relation_bytes)::bigint AS bloat_bytes_low,
       (s.bloat_share * s.relation_bytes)::bigint AS bloat_bytes,
       (s.bloat_share_high * s.relation_bytes)::bigint AS bloat_bytes_high,
       (s.dead_share * s.relation_bytes)::bigint AS dead_bytes,
       m.taken_at AS measured_at, m.bloat_share AS measured_share, (m.bloat_share * m.relation_bytes)::bigint AS measured_bytes
FROM steward.bloat_screen() r
LEFT JOIN steward.bloat_estimates s ON s.relation_oid = r.relation_oid AND s.file_node = r.file_node AND s.method = 'sample'
LEFT JOIN steward.bloat_estimates m ON m.relation_oid = r.relation_oid AND m.file_node = r.file_node AND m.method = 'pgstattuple';
COMMENT ON VIEW steward.bloat IS
'one row a table, materialized view, TOAST table and B-tree of this database, catalogs included, temporary ones not: of those the caller owns, and of all for members of pg_stat_scan_tables (pg_monitor is one). Bloat of a table: dead rows and free room, that which its fillfactor leaves included; of a B-tree: what a rebuild would give back. Shares are 0 to 1';
COMMENT ON COLUMN steward.bloat.of_table IS 'the table that an index or TOAST table belongs to; else itself';
COMMENT ON COLUMN steward.bloat.relation_bytes IS 'size of its main fork now';
COMMENT ON COLUMN steward.bloat.guessed_share IS 'by the planner''s statistics alone, and often 10 or 20 points off: it says what is worth a sample; NULL: never vacuumed or analyzed, and of TOAST tables';
COMMENT ON COLUMN steward.bloat.sampled_at IS 'when steward.sample_bloat() last looked at it; NULL: not since it was last rewritten or truncated';
COMMENT ON COLUMN steward.bloat.bloat_share IS 'by the sample; the truth was between bloat_share_low and bloat_share_high, as of 99 of 100 samples';
COMMENT ON COLUMN steward.bloat.bloat_bytes IS 'of its size when it was sampled';
COMMENT ON COLUMN steward.bloat.dead_bytes IS 'of a table: the part that VACUUM would make free, by the sample';
COMMENT ON COLUMN steward.bloat.measured_at IS 'when steward.measure_bloat() last read all its pages';
COMMENT ON COLUMN steward.bloat.measured_share IS 'exactly, by pgstattuple';
GRANT SELECT ON steward.bloat TO PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
