-- SPDX-License-Identifier: PostgreSQL
-- Room partition: registered sets, what was done to them, and what lies in the trash.

CREATE TABLE steward.partition_sets (
    parent           regclass PRIMARY KEY,
    codec            text NOT NULL CHECK (codec IN ('date', 'timestamp', 'timestamptz', 'integer', 'numeric', 'epoch_s', 'epoch_ms',
                         'epoch_us', 'epoch_ns', 'uuidv7', 'ulid', 'snowflake', 'objectid', 'functions', 'list', 'hash')),
    step             interval,
    width            numeric,
    origin           timestamptz,
    origin_number    numeric,
    timezone         text NOT NULL DEFAULT 'UTC',
    future           integer NOT NULL DEFAULT 4 CHECK (future BETWEEN 0 AND 100000),
    max_ahead        interval,
    keep             interval,
    keep_width       numeric,
    start            timestamptz,
    start_number     numeric,
    retire           text NOT NULL DEFAULT 'trash' CHECK (retire IN ('trash', 'keep', 'schema', 'tablespace', 'archive')),
    grace            interval NOT NULL DEFAULT '7 days' CHECK (grace >= '0'),
    retire_to        text,
    max_drop_percent double precision NOT NULL DEFAULT 50 CHECK (max_drop_percent BETWEEN 0 AND 100),
    template         regclass,
    partition_schema text,
    name_prefix      text,
    subpartition_by  text,
    subpartitions    integer NOT NULL DEFAULT 0,
    lists            jsonb,
    modulus          integer NOT NULL DEFAULT 0,
    snowflake_epoch  timestamptz,
    encode_function  text,
    decode_function  text,
    before_create    text,
    after_create     text,
    before_drop      text,
    after_drop       text,
    registered_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    registered_by    regrole NOT NULL DEFAULT CURRENT_USER::regrole,
    CHECK (step IS NULL OR width IS NULL)
);
COMMENT ON TABLE steward.partition_sets IS 'registered partitioned tables and their policy; written by steward.manage_partitions() and steward.unmanage_partitions()';
COMMENT ON COLUMN steward.partition_sets.codec IS 'what the first key column measures; date and timestamp are wall-clock times of timezone';
COMMENT ON COLUMN steward.partition_sets.step IS 'length of a partition on a time key';
COMMENT ON COLUMN steward.partition_sets.width IS 'length of a partition on a number key';
COMMENT ON COLUMN steward.partition_sets.origin IS 'where period 0 begins; bounds are origin + n x step (wall-clock keys: read as UTC)';
COMMENT ON COLUMN steward.partition_sets.timezone IS 'zone in whose calendar days and longer steps are counted';
COMMENT ON COLUMN steward.partition_sets.future IS 'how many partitions are kept ready after the current one';
COMMENT ON COLUMN steward.partition_sets.max_ahead IS 'no partition is made that begins later than this from now';
COMMENT ON COLUMN steward.partition_sets.keep IS 'a partition is retired once its upper bound is older than this';
COMMENT ON COLUMN steward.partition_sets.keep_width IS 'number keys: a partition is retired once its upper bound lies this far below the largest key';
COMMENT ON COLUMN steward.partition_sets.retire IS 'what happens after the detach: trash (drop after grace), keep, move to a schema or tablespace, archive to a file';
COMMENT ON COLUMN steward.partition_sets.max_drop_percent IS 'automatic retention stops when one run would retire more than this share of the table''s bytes';
COMMENT ON COLUMN steward.partition_sets.template IS 'table whose storage parameters, extra unique keys and indexes, and replica identity new partitions get';
COMMENT ON COLUMN steward.partition_sets.before_create IS 'function (parent regclass, partition text, bounds text) returns boolean, run as the table''s owner; false vetoes';

CREATE TABLE steward.partition_trash (
    partition   regclass PRIMARY KEY,
    parent      regclass NOT NULL,
    bounds      text NOT NULL,
    range_start text,
    range_end   text,
    retired_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    drop_after  timestamptz,
    retired_by  regrole NOT NULL DEFAULT CURRENT_USER::regrole
);
COMMENT ON TABLE steward.partition_trash IS 'detached partitions that steward.restore_partition() can bring back; see the view steward.trash';
COMMENT ON COLUMN steward.partition_trash.bounds IS 'the partition bound as ATTACH PARTITION takes it: FOR VALUES FROM (...) TO (...)';
COMMENT ON COLUMN steward.partition_trash.drop_after IS 'when maintenance drops it; NULL: never';

CREATE TABLE steward.partition_history (
    history_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    happened_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    parent_table text NOT NULL,
    action       text NOT NULL,
    partition    text,
    outcome      text NOT NULL CHECK (outcome IN ('done', 'failed', 'postponed', 'refused', 'vetoed')),
    detail       text,
    sqlstate     text,
    blocked_by   text,
    duration_ms  double precision,
    role_name    text NOT NULL DEFAULT SESSION_USER,
    sql          text
);
CREATE INDEX partition_history_parent_table_idx ON steward.partition_history (parent_table, happened_at);
COMMENT ON TABLE steward.partition_history IS 'everything done to partitions, and everything that could not be done';
COMMENT ON COLUMN steward.partition_history.outcome IS 'done; failed with sqlstate; postponed because blocked_by held a lock; refused by a safety rule; vetoed by a hook';
COMMENT ON COLUMN steward.partition_history.duration_ms IS 'time from the first lock request to the end of the step, in milliseconds';

SELECT pg_catalog.pg_extension_config_dump('steward.partition_sets', '');
SELECT pg_catalog.pg_extension_config_dump('steward.partition_trash', '');
SELECT pg_catalog.pg_extension_config_dump('steward.partition_history', '');
SELECT pg_catalog.pg_extension_config_dump('steward.partition_history_history_id_seq', '');

GRANT SELECT ON steward.partition_sets, steward.partition_trash, steward.partition_history TO pg_monitor;
