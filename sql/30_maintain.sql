-- SPDX-License-Identifier: PostgreSQL
-- Room maintain: what maintenance did and gained, and what must not be forgotten when the server loses its statistics.

CREATE TABLE steward.maintenance_ledger (
    step_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id            bigint NOT NULL,
    action            text NOT NULL,
    object            text NOT NULL,
    table_oid         oid NOT NULL,
    index_oid         oid,
    owner_name        name NOT NULL,
    reason            text NOT NULL,
    score             double precision,
    started_at        timestamptz NOT NULL,
    ended_at          timestamptz,
    outcome           text NOT NULL CHECK (outcome IN ('running', 'done', 'failed', 'cancelled', 'postponed', 'interrupted')),
    sqlstate          text,
    detail            text,
    predicted_seconds double precision,
    slept_seconds     double precision,
    bytes_read        bigint,
    bytes_before      bigint,
    bytes_after       bigint,
    bytes_freed       bigint,
    dead_rows_removed bigint,
    wal_bytes         bigint,
    lag_caused_bytes  bigint,
    indexes_before    oid[],
    indexes_left      oid[]
);
CREATE INDEX maintenance_ledger_table_oid_idx ON steward.maintenance_ledger (table_oid, action, ended_at);
COMMENT ON TABLE steward.maintenance_ledger IS 'one row a step of maintenance: what it took and what it gained; predictions are made of it';
COMMENT ON COLUMN steward.maintenance_ledger.run_id IS 'the call of steward.maintain() it belongs to: the step_id of its first step';
COMMENT ON COLUMN steward.maintenance_ledger.object IS 'the table, or the index of a reindex, as it was named then';
COMMENT ON COLUMN steward.maintenance_ledger.score IS 'how far it was on the way to its threshold: 1 = there; bytes to be freed over bytes kept for a reindex';
COMMENT ON COLUMN steward.maintenance_ledger.outcome IS 'running, done, failed, cancelled; postponed: did not fit or would have waited; interrupted: the server or the worker went down in it';
COMMENT ON COLUMN steward.maintenance_ledger.predicted_seconds IS 'what it was predicted to take when it was started';
COMMENT ON COLUMN steward.maintenance_ledger.slept_seconds IS 'of its duration: how long it held back for replicas and load';
COMMENT ON COLUMN steward.maintenance_ledger.bytes_read IS 'bytes it had to go through, as the plan had it';
COMMENT ON COLUMN steward.maintenance_ledger.bytes_freed IS 'bytes given back to the file system; less than 0: it grew meanwhile';
COMMENT ON COLUMN steward.maintenance_ledger.dead_rows_removed IS 'by the server''s counters; null before PostgreSQL 15, whose counters come later';
COMMENT ON COLUMN steward.maintenance_ledger.wal_bytes IS 'WAL that the step itself wrote';
COMMENT ON COLUMN steward.maintenance_ledger.lag_caused_bytes IS 'how far the worst replica fell back meanwhile; null: there was none';
COMMENT ON COLUMN steward.maintenance_ledger.indexes_before IS 'of a reindex: the indexes of its table before';
COMMENT ON COLUMN steward.maintenance_ledger.indexes_left IS 'of a reindex that did not end: the invalid indexes it has left behind, which are dropped after it';

CREATE TABLE steward.table_memory (
    table_oid           oid PRIMARY KEY,
    file_node           oid NOT NULL,
    noted_at            timestamptz NOT NULL,
    rows_changed_in_all bigint NOT NULL,
    vacuums             bigint NOT NULL,
    analyzes            bigint NOT NULL,
    last_vacuum         timestamptz,
    last_analyze        timestamptz,
    dead_rows           bigint NOT NULL,
    inserted_rows       bigint NOT NULL,
    modified_rows       bigint NOT NULL,
    forgotten_dead      bigint NOT NULL,
    forgotten_inserted  bigint NOT NULL,
    forgotten_modified  bigint NOT NULL
);
COMMENT ON TABLE steward.table_memory IS 'the counters of each table that ask for maintenance, noted every few minutes by steward.remember_statistics(): a crash and a promotion lose the server''s own';
COMMENT ON COLUMN steward.table_memory.file_node IS 'its file then: what was dead is gone when the table has been rewritten or truncated';
COMMENT ON COLUMN steward.table_memory.rows_changed_in_all IS 'rows ever inserted, updated and deleted, as the server counts them: it shows fewer only when it has lost its counters';
COMMENT ON COLUMN steward.table_memory.vacuums IS 'manual and automatic ones, as the server counts them; likewise analyzes';
COMMENT ON COLUMN steward.table_memory.dead_rows IS 'dead rows since its last vacuum, as the server counts them; likewise inserted_rows, and modified_rows since its last analyse';
COMMENT ON COLUMN steward.table_memory.forgotten_dead IS 'dead rows since its last vacuum that the server had forgotten when this was noted; likewise the other two';

CREATE TABLE steward.wraparound_samples (
    sampled_at     timestamptz PRIMARY KEY,
    next_xid       bigint NOT NULL,
    next_multixact bigint NOT NULL
);
COMMENT ON TABLE steward.wraparound_samples IS 'how far the cluster''s counters were when, noted by steward.remember_statistics(), for the burn rate in steward.wraparound; one a few minutes for a day, then one an hour for a month';
COMMENT ON COLUMN steward.wraparound_samples.next_xid IS 'the next transaction id, with its epoch';
COMMENT ON COLUMN steward.wraparound_samples.next_multixact IS 'the next multixact id, which wraps around at 4294967296';

SELECT pg_catalog.pg_extension_config_dump('steward.maintenance_ledger', '');
SELECT pg_catalog.pg_extension_config_dump('steward.maintenance_ledger_step_id_seq', '');
-- OIDs of tables and counters of this very cluster: nothing for a dump.
SELECT pg_catalog.pg_extension_config_dump('steward.table_memory', 'WHERE false');
SELECT pg_catalog.pg_extension_config_dump('steward.wraparound_samples', 'WHERE false');

GRANT SELECT ON steward.maintenance_ledger, steward.table_memory, steward.wraparound_samples TO pg_monitor;
