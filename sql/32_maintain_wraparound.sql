-- SPDX-License-Identifier: PostgreSQL
-- Room maintain: how near the end of transaction ids is, and who keeps it from being put off.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION steward.process_of_temporary_schema(schema oid) RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'steward_process_of_temporary_schema';
COMMENT ON FUNCTION steward.process_of_temporary_schema(oid) IS
    'process whose temporary tables lie in a schema of this database; NULL: none, and what lies there was left behind by one that crashed';

CREATE VIEW steward.wraparound_blockers AS
SELECT 'transaction' AS kind, a.datname AS database, format('of process %s', a.pid) AS name, a.pid,
       greatest(age(a.backend_xid), age(a.backend_xmin)) AS xid_age, a.xact_start AS since,
       format('%s, %s%s: %s', coalesce(a.state, a.backend_type), coalesce(a.usename, 'no role'),
              CASE WHEN a.application_name <> '' THEN ', ' || a.application_name END, left(a.query, 200)) AS detail,
       format(CASE WHEN a.state = 'active' THEN 'SELECT pg_cancel_backend(%s);' ELSE 'SELECT pg_terminate_backend(%s);' END, a.pid) AS remedy
FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND a.datid IS NOT NULL AND (a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL)
  AND a.backend_type <> 'walsender'
  -- A plain VACUUM keeps nobody back.
  AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid)
UNION ALL
SELECT 'prepared transaction', p.database, quote_literal(p.gid), NULL, age(p.transaction), p.prepared,
       format('of %s; COMMIT PREPARED keeps its work, in its database as well', p.owner),
       format('ROLLBACK PREPARED %L;', p.gid)
FROM pg_prepared_xacts p
UNION ALL
SELECT CASE WHEN s.slot_type = 'physical' AND s.active THEN 'standby feedback' ELSE 'replication slot' END,
       NULL, quote_literal(s.slot_name), s.active_pid,
       greatest(age(s.xmin), age(s.catalog_xmin)), NULL,
       CASE WHEN s.slot_type = 'physical' AND s.active THEN 'an old query on the standby, with hot_standby_feedback = on there'
            WHEN s.active THEN format('%s slot, in use: what reads from it is behind', s.slot_type)
            ELSE format('%s slot that nobody reads from; what used it has to be set up anew without it', s.slot_type) END,
       CASE WHEN s.slot_type = 'physical' AND s.active
            THEN '-- on the standby: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() ORDER BY age(backend_xmin) DESC LIMIT 1;'
            WHEN s.active THEN format('SELECT pg_terminate_backend(%s); SELECT pg_drop_replication_slot(%L);', s.active_pid, s.slot_name)
            ELSE format('SELECT pg_drop_replication_slot(%L);', s.slot_name) END
FROM pg_replication_slots s
WHERE s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL
UNION ALL
SELECT 'standby feedback', NULL, quote_literal(r.application_name), r.pid, age(r.backend_xmin), NULL,
       format('an old query on the standby%s, with hot_standby_feedback = on there', ' at ' || host(r.client_addr)),
       '-- on the standby: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() ORDER BY age(backend_xmin) DESC LIMIT 1;'
FROM pg_stat_replication r
WHERE r.backend_xmin IS NOT NULL
UNION ALL
SELECT 'temporary table', current_database(), t.name, t.pid, t.xid_age, NULL,
       CASE WHEN t.pid IS NULL THEN 'left behind by a session that crashed: nobody vacuums it'
            ELSE format('only process %s itself can vacuum it', t.pid) END,
       CASE WHEN t.pid IS NULL THEN format('DROP TABLE %s CASCADE;', t.name) ELSE format('SELECT pg_terminate_backend(%s);', t.pid) END
FROM (SELECT DISTINCT ON (c.relnamespace) format('%I.%I', n.nspname, c.relname) AS name, age(c.relfrozenxid) AS xid_age,
             steward.process_of_temporary_schema(c.relnamespace) AS pid
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relpersistence = 't' AND c.relkind = 'r' AND c.relfrozenxid <> '0'
      ORDER BY c.relnamespace, age(c.relfrozenxid) DESC) t
WHERE t.pid IS DISTINCT FROM pg_backend_pid();
COMMENT ON VIEW steward.wraparound_blockers IS
    'one row for each transaction, prepared transaction, replication slot, standby and session with temporary tables that keeps vacuum from freezing and from removing dead rows';
COMMENT ON COLUMN steward.wraparound_blockers.kind IS 'transaction, prepared transaction, replication slot, standby feedback, temporary table (of this database; the oldest of each session)';
COMMENT ON COLUMN steward.wraparound_blockers.database IS 'database in which it keeps vacuum back; NULL: in all';
COMMENT ON COLUMN steward.wraparound_blockers.xid_age IS 'transactions since the one it holds on to: nothing younger is frozen';
COMMENT ON COLUMN steward.wraparound_blockers.since IS 'when the transaction began; NULL: not known';
COMMENT ON COLUMN steward.wraparound_blockers.remedy IS 'SQL that ends it: look at detail first';
GRANT SELECT ON steward.wraparound_blockers TO pg_monitor;

CREATE VIEW steward.wraparound AS
WITH holder AS MATERIALIZED (SELECT * FROM steward.wraparound_blockers),
reading AS MATERIALIZED (
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xid,
           (mxid_age('1')::bigint + 1 + 4294967296) % 4294967296 AS multixact, clock_timestamp() AS at),
-- The first sample of the last day; a minute is the least that says anything.
rate AS MATERIALIZED (
    SELECT b.counter, greatest(b.burnt, 0) / (date_part('epoch', r.at - s.sampled_at) / 3600) AS per_hour
    FROM reading r
    CROSS JOIN LATERAL (SELECT * FROM steward.wraparound_samples w WHERE w.sampled_at > r.at - interval '1 day' ORDER BY w.sampled_at LIMIT 1) s
    CROSS JOIN LATERAL (VALUES ('xid', r.xid - s.next_xid), ('multixact', (r.multixact - s.next_multixact + 4294967296) % 4294967296)) b(counter, burnt)
    WHERE r.at - s.sampled_at > interval '1 minute'),
thing AS (
    SELECT 'database' AS kind, d.datname::text AS object, d.datname AS database, g.counter, g.age, NULL::text[] AS options
    FROM pg_database d
    CROSS JOIN LATERAL (VALUES ('xid', age(d.datfrozenxid)::bigint), ('multixact', mxid_age(d.datminmxid)::bigint)) g(counter, age)
    UNION ALL
    SELECT * FROM (
        SELECT 'table', CASE WHEN t.oid IS NULL THEN format('%I.%I', n.nspname, c.relname)
                             ELSE format('TOAST table of %I.%I', tn.nspname, t.relname) END, current_database(), g.counter, g.age,
               coalesce(c.reloptions, t.reloptions)
        FROM (SELECT k.counter, w.* FROM (VALUES ('xid'), ('multixact')) k(counter)
              CROSS JOIN LATERAL (SELECT p.oid, CASE WHEN k.counter = 'xid' THEN age(p.relfrozenxid) ELSE mxid_age(p.relminmxid) END::bigint AS age
                                  FROM pg_class p WHERE p.relkind IN ('r', 'm', 't') AND p.relfrozenxid <> '0'
                                  ORDER BY 2 DESC, p.oid LIMIT 20) w) g
        JOIN pg_class c ON c.oid = g.oid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_class t ON t.reltoastrelid = c.oid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace) worst),
bounded AS (
    SELECT t.kind, t.object, t.database, t.counter, t.age, b.freeze_max_age,
           CASE WHEN t.counter = 'xid' THEN greatest(current_setting('vacuum_failsafe_age', true)::bigint, b.freeze_max_age * 105 / 100)
                ELSE greatest(current_setting('vacuum_multixact_failsafe_age', true)::bigint, b.freeze_max_age * 105 / 100) END AS failsafe_age,
           -- 2^31 - 1 less what the server keeps in reserve.
           CASE WHEN current_setting('server_version_num')::integer >= 140000 THEN 2144483647
                WHEN t.counter = 'xid' THEN 2146483647 ELSE 2147483547 END::bigint AS stop_age,
           r.per_hour
    FROM thing t
    CROSS JOIN LATERAL (
        SELECT least(s.setting, (SELECT o.option_value::bigint FROM pg_options_to_table(t.options) o WHERE o.option_name = s.name)) AS freeze_max_age
        FROM (SELECT name, current_setting(name)::bigint AS setting
              FROM (VALUES ('xid', 'autovacuum_freeze_max_age'), ('multixact', 'autovacuum_multixact_freeze_max_age')) v(counter, name)
              WHERE v.counter = t.counter) s) b
    LEFT JOIN rate r ON r.counter = t.counter)
SELECT b.kind, b.object, b.counter, b.age,
       b.freeze_max_age, CASE WHEN current_setting('vacuum_failsafe_age', true) IS NOT NULL THEN b.failsafe_age END AS failsafe_age, b.stop_age,
       round((100.0 * b.age / b.stop_age), 1)::double precision AS percent_used,
       round(b.per_hour::numeric, 1)::double precision AS burnt_per_hour,
       CASE WHEN b.per_hour > 0 AND (b.freeze_max_age - b.age) / b.per_hour < 876000
            THEN now() + greatest(b.freeze_max_age - b.age, 0) / b.per_hour * interval '1 hour' END AS forced_vacuum_at,
       CASE WHEN b.per_hour > 0 AND (b.failsafe_age - b.age) / b.per_hour < 876000 AND current_setting('vacuum_failsafe_age', true) IS NOT NULL
            THEN now() + greatest(b.failsafe_age - b.age, 0) / b.per_hour * interval '1 hour' END AS failsafe_at,
       CASE WHEN b.per_hour > 0 AND (b.stop_age - b.age) / b.per_hour < 876000
            THEN now() + greatest(b.stop_age - b.age, 0) / b.per_hour * interval '1 hour' END AS stops_at,
       h.xid_age AS horizon_age, h.kind || ' ' || h.name AS held_by, h.remedy
FROM bounded b
LEFT JOIN LATERAL (
    SELECT * FROM holder o WHERE b.counter = 'xid' AND (o.database IS NULL OR o.database = b.database)
      -- A temporary table keeps its database back, but no other table.
      AND (o.kind <> 'temporary table' OR b.kind = 'database')
    ORDER BY o.xid_age DESC, o.kind, o.name LIMIT 1) h ON true;
COMMENT ON VIEW steward.wraparound IS
    'transaction ids and multixact ids: one row a counter for each database of the cluster and for the 20 oldest tables of this one, how long they last, and who keeps vacuum back';
COMMENT ON COLUMN steward.wraparound.kind IS 'database or table';
COMMENT ON COLUMN steward.wraparound.counter IS 'xid or multixact';
COMMENT ON COLUMN steward.wraparound.age IS 'ids used since the oldest that is not frozen';
COMMENT ON COLUMN steward.wraparound.freeze_max_age IS 'from here on autovacuum forces a vacuum, even where it is off';
COMMENT ON COLUMN steward.wraparound.failsafe_age IS 'from here on vacuum ignores every cost limit and passes over indexes; NULL before PostgreSQL 14';
COMMENT ON COLUMN steward.wraparound.stop_age IS 'from here on the server refuses commands that need a new id';
COMMENT ON COLUMN steward.wraparound.percent_used IS 'age in percent of stop_age';
COMMENT ON COLUMN steward.wraparound.burnt_per_hour IS 'ids used an hour, over the last day or as long as steward.remember_statistics() has been called; NULL: not known';
COMMENT ON COLUMN steward.wraparound.forced_vacuum_at IS 'when freeze_max_age is reached at that rate; likewise failsafe_at and stops_at; NULL: not known, or in more than a hundred years';
COMMENT ON COLUMN steward.wraparound.horizon_age IS 'age that no vacuum gets it below, as long as held_by is there; NULL: nobody is in the way, or not known of multixact ids';
COMMENT ON COLUMN steward.wraparound.held_by IS 'the oldest that keeps vacuum back: a row of steward.wraparound_blockers';
COMMENT ON COLUMN steward.wraparound.remedy IS 'SQL that ends it';
GRANT SELECT ON steward.wraparound TO pg_monitor;

SET LOCAL search_path = @extschema@, pg_temp;
