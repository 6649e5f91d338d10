-- SPDX-License-Identifier: PostgreSQL
-- Room partition: registered sets, what was done to them, and what lies in the trash.

CREATE TABLE steward.partition_policies (
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
    on_demand        boolean NOT NULL DEFAULT false,
    registered_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    registered_by    name NOT NULL DEFAULT CURRENT_USER,
    CHECK (step IS NULL OR width IS NULL)
);
COMMENT ON TABLE steward.partition_policies IS 'registered partitioned tables and their policy; see the view steward.partition_sets';

CREATE VIEW steward.partition_sets WITH (security_barrier) AS
SELECT s.parent, s.codec, s.step, s.width, s.origin, s.origin_number, s.timezone, s.future, s.max_ahead, s.keep, s.keep_width,
    s.start, s.start_number, s.retire, s.grace, s.retire_to, s.max_drop_percent, s.template, s.partition_schema,
    s.name_prefix, s.subpartition_by, s.subpartitions, s.lists, s.modulus, s.snowflake_epoch, s.encode_function,
    s.decode_function, s.before_create, s.after_create, s.before_drop, s.after_drop, s.on_demand, s.registered_at,
    s.registered_by
FROM steward.partition_policies s
WHERE pg_catalog.pg_has_role('pg_monitor', 'USAGE')
    OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) s.parent::pg_catalog.oid
        AND pg_catalog.pg_has_role(c.relowner, 'USAGE'));
COMMENT ON VIEW steward.partition_sets IS 'registered partitioned tables and their policy, written by steward.manage_partitions() and steward.unmanage_partitions(): those the caller owns, and all for members of pg_monitor';
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
COMMENT ON COLUMN steward.partition_sets.on_demand IS 'rows that went to the default partition get the partition they belong to soon after';
COMMENT ON COLUMN steward.partition_sets.registered_by IS 'role that registered it; a name, so that a dump can be restored where there is no such role';
COMMENT ON COLUMN steward.partition_sets.before_create IS 'function (parent regclass, partition text, bounds text) returns boolean, run as the table''s owner; false vetoes';
COMMENT ON COLUMN steward.partition_sets.after_create IS 'likewise, in the transaction that makes the partition and under its locks: where rows of the default partition move, readers wait for it too; an error undoes the partition, the result is ignored';
GRANT SELECT ON steward.partition_sets TO PUBLIC;

CREATE TABLE steward.partition_trash (
    partition   regclass PRIMARY KEY,
    parent      regclass NOT NULL,
    bounds      text NOT NULL,
    range_start text,
    range_end   text,
    retired_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    drop_after  timestamptz,
    held_until  timestamptz,
    grace       interval,
    is_to_move  boolean NOT NULL DEFAULT false,
    retired_by  name NOT NULL DEFAULT CURRENT_USER
);
COMMENT ON TABLE steward.partition_trash IS 'detached partitions that steward.restore_partition() can bring back; see the view steward.trash';
COMMENT ON COLUMN steward.partition_trash.bounds IS 'the partition bound as ATTACH PARTITION takes it: FOR VALUES FROM (...) TO (...)';
COMMENT ON COLUMN steward.partition_trash.drop_after IS 'when maintenance drops it; NULL: never, or not before it has left the table and its grace has started';
COMMENT ON COLUMN steward.partition_trash.held_until IS 'restored partitions: automatic retention leaves it attached until then';
COMMENT ON COLUMN steward.partition_trash.grace IS 'how long it lies in the trash once it has left the table; NULL: for ever';
COMMENT ON COLUMN steward.partition_trash.is_to_move IS 'it has not yet been moved to the schema or tablespace of its policy';

CREATE TABLE steward.partition_pace (
    parent     regclass NOT NULL,
    seen_at    timestamptz NOT NULL,
    newest_key numeric NOT NULL,
    PRIMARY KEY (parent, seen_at)
);
COMMENT ON TABLE steward.partition_pace IS 'the largest keys of number sets as maintenance has seen them, at most 32 a set; get_partition_stats() takes runway and growth from them';

CREATE TABLE steward.partition_log (
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
CREATE INDEX partition_log_parent_table_idx ON steward.partition_log (parent_table, happened_at);
COMMENT ON TABLE steward.partition_log IS 'everything done to partitions, and everything that could not be done; see the view steward.partition_history';

SELECT pg_catalog.pg_extension_config_dump('steward.partition_policies', '');
SELECT pg_catalog.pg_extension_config_dump('steward.partition_trash', '');
SELECT pg_catalog.pg_extension_config_dump('steward.partition_pace', '');
SELECT pg_catalog.pg_extension_config_dump('steward.partition_log', '');
SELECT pg_catalog.pg_extension_config_dump('steward.partition_log_history_id_seq', '');

GRANT SELECT ON steward.partition_policies, steward.partition_trash, steward.partition_pace, steward.partition_log TO pg_monitor;

-- The subquery depends on no row, so that it runs once, and parent_table is written as the server writes names.
CREATE VIEW steward.partition_history WITH (security_barrier) AS
SELECT l.history_id, l.happened_at, l.parent_table, l.action, l.partition, l.outcome, l.detail, l.sqlstate, l.blocked_by,
    l.duration_ms, l.role_name, l.sql
FROM steward.partition_log l
WHERE pg_catalog.pg_has_role('pg_monitor', 'USAGE')
    OR l.parent_table OPERATOR(pg_catalog.=) ANY (
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE c.relkind OPERATOR(pg_catalog.=) 'p' AND pg_catalog.pg_has_role(c.relowner, 'USAGE'));
COMMENT ON VIEW steward.partition_history IS 'everything done to partitions, and everything that could not be done: of the tables the caller owns, by their present names, and of all for members of pg_monitor';
COMMENT ON COLUMN steward.partition_history.outcome IS 'done; failed with sqlstate; postponed because blocked_by held a lock; refused by a safety rule; vetoed by a hook';
COMMENT ON COLUMN steward.partition_history.duration_ms IS 'time from the first lock request to the end of the step, in milliseconds';
GRANT SELECT ON steward.partition_history TO PUBLIC;

CREATE VIEW steward.trash AS
SELECT t.partition, t.parent AS parent_table, t.range_start, t.range_end, t.retired_at, t.drop_after, t.retired_by,
    pg_catalog.pg_total_relation_size(t.partition) AS total_bytes,
    s.retire OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(s.retire_to) AS moves_to
FROM steward.partition_trash t
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.partition::pg_catalog.oid
LEFT JOIN steward.partition_policies s ON t.is_to_move AND s.parent OPERATOR(pg_catalog.=) t.parent
    AND s.retire OPERATOR(pg_catalog.=) ANY (ARRAY['schema', 'tablespace'])
WHERE NOT c.relispartition
    AND (pg_catalog.pg_has_role(c.relowner, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE'));
COMMENT ON VIEW steward.trash IS 'retired partitions that steward.restore_partition() can bring back: the caller''s own, and all for members of pg_monitor';
COMMENT ON COLUMN steward.trash.range_start IS 'first value of the partition key it holds';
COMMENT ON COLUMN steward.trash.range_end IS 'the value of the partition key that it ends before';
COMMENT ON COLUMN steward.trash.drop_after IS 'when maintenance drops it; NULL: never';
COMMENT ON COLUMN steward.trash.total_bytes IS 'size with indexes and TOAST, in bytes';
COMMENT ON COLUMN steward.trash.moves_to IS 'where maintenance has still to move it, because that failed: steward.partition_history says why; NULL: it lies where it is meant to';
GRANT SELECT ON steward.trash TO PUBLIC;

-- The public API: in the schema that CREATE EXTENSION names.

CREATE FUNCTION create_future_partitions(parent regclass, periods integer DEFAULT NULL) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_create_future_partitions';
COMMENT ON FUNCTION create_future_partitions(regclass, integer) IS
'make the partition of now, "periods" after it (NULL: as registered, else 4), and any between that are missing; returns how many were made';

CREATE FUNCTION drop_old_partitions(parent regclass, keep_periods integer DEFAULT NULL) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_drop_old_partitions';
COMMENT ON FUNCTION drop_old_partitions(regclass, integer) IS
'retire the partitions whose upper bound lies keep_periods periods or more before now (NULL: the registered retention); returns how many left the table';

CREATE FUNCTION maintain_partitions(OUT parent text, OUT action text, OUT partition text, OUT outcome text, OUT detail text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_maintain_partitions';
COMMENT ON FUNCTION maintain_partitions() IS
'do what steward.partition_plan() shows for every registered table the caller owns; one row a step; outcome: done, failed, postponed, refused or vetoed';

CREATE FUNCTION steward.partition_plan(
    parent regclass DEFAULT NULL, at timestamptz DEFAULT pg_catalog.now(),
    OUT step integer, OUT action text, OUT object text, OUT sql text, OUT lock_mode text, OUT locked_relation text,
    OUT estimated_rows bigint, OUT estimated_bytes bigint, OUT reason text, OUT risk text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_partition_plan';
COMMENT ON FUNCTION steward.partition_plan(regclass, timestamptz) IS
'what maintenance would do at that time, in its order; changes nothing. NULL: every registered table the caller owns';

CREATE FUNCTION steward.manage_partitions(
    parent regclass, interval_or_width text DEFAULT NULL, future integer DEFAULT NULL, keep text DEFAULT NULL,
    timezone text DEFAULT NULL, codec text DEFAULT NULL, options jsonb DEFAULT '{}',
    OUT parent_table text, OUT codec_used text, OUT "interval" text, OUT timezone_used text, OUT future_periods integer,
    OUT keeps text, OUT missing_partitions integer)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'steward_manage_partitions';
COMMENT ON FUNCTION steward.manage_partitions(regclass, text, integer, text, text, text, jsonb) IS
'register a partitioned table, or change its policy; NULL keeps what is set, else infers (future: 4). The row says what was understood and how many partitions are missing';

CREATE FUNCTION steward.unmanage_partitions(parent regclass) RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_unmanage_partitions';
COMMENT ON FUNCTION steward.unmanage_partitions(regclass) IS
'forget the policy of a table; its partitions stay as they are. False when it had none';

CREATE FUNCTION steward.restore_partition(partition text) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_restore_partition';
COMMENT ON FUNCTION steward.restore_partition(text) IS
'attach a partition of steward.trash again; automatic retention leaves it alone for as long as it would have lain in the trash';

CREATE FUNCTION steward.empty_trash() RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_empty_trash';
COMMENT ON FUNCTION steward.empty_trash() IS
'drop what has lain in the trash for its time; returns how many tables were dropped';

CREATE FUNCTION steward.note_default_hit(partition oid) RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_note_default_hit';
COMMENT ON FUNCTION steward.note_default_hit(oid) IS
'condition of the trigger steward_on_demand on default partitions whose table has the option on_demand: when the transaction commits, the launcher is asked for the partitions that their rows need; always false';

CREATE FUNCTION steward.default_hit() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_default_hit';
COMMENT ON FUNCTION steward.default_hit() IS
'function of the trigger steward_on_demand, whose condition does all there is to do; never called';
