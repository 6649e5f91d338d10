-- SPDX-License-Identifier: PostgreSQL
-- Room tune: settings changed, and put back.

CREATE TABLE steward.tuning_journal (
    change_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id   bigint NOT NULL,
    begun_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    role_name  text NOT NULL,
    parameter  text NOT NULL,
    old_value  text,
    new_value  text NOT NULL,
    outcome    text NOT NULL DEFAULT 'intended' CHECK (outcome IN ('intended', 'applied', 'failed', 'reverted', 'kept')),
    detail     text
);
COMMENT ON TABLE steward.tuning_journal IS 'each setting that steward.apply_tuning() was about to change, written down and on disk before it did; steward.revert_tuning() puts back what is intended or applied';
COMMENT ON COLUMN steward.tuning_journal.batch_id IS 'of one call';
COMMENT ON COLUMN steward.tuning_journal.old_value IS 'what ALTER SYSTEM had set before; NULL: nothing, and other files or the default counted';
COMMENT ON COLUMN steward.tuning_journal.outcome IS 'intended: the worker has not come to its end; applied; failed; reverted: put back; kept: somebody had set it otherwise since';
-- Of this very cluster: nothing for a dump.
SELECT pg_catalog.pg_extension_config_dump('steward.tuning_journal', 'WHERE false');
GRANT SELECT ON steward.tuning_journal TO pg_monitor;

CREATE TABLE steward.tuning_watches (
    batch_id     bigint PRIMARY KEY,
    watch_for    interval NOT NULL,
    begun_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    since        timestamptz NOT NULL DEFAULT clock_timestamp(),
    judged_at    timestamptz,
    decision     text NOT NULL DEFAULT 'watching' CHECK (decision IN ('watching', 'kept', 'reverted', 'undecided')),
    queries      integer,
    calls_before bigint,
    calls_after  bigint,
    p95_ratio    double precision,
    detail       text
);
COMMENT ON TABLE steward.tuning_watches IS 'each call of steward.apply_tuning() with watch: what was compared, and what came of it';
COMMENT ON COLUMN steward.tuning_watches.since IS 'what came later is compared with what was before begun_at: begun_at, or when the server was restarted since';
COMMENT ON COLUMN steward.tuning_watches.decision IS 'watching: not yet judged; kept; reverted: put back, as queries took longer; undecided: kept, and detail says why';
COMMENT ON COLUMN steward.tuning_watches.queries IS 'those with 30 calls and more before and after';
COMMENT ON COLUMN steward.tuning_watches.p95_ratio IS 'the 95th percentile after, of that before: the median over queries, weighted by calls';
SELECT pg_catalog.pg_extension_config_dump('steward.tuning_watches', 'WHERE false');

CREATE TABLE steward.tuning_watched_queries (
    batch_id     bigint NOT NULL REFERENCES steward.tuning_watches ON DELETE CASCADE,
    database_oid oid NOT NULL,
    role_oid     oid NOT NULL,
    queryid      bigint NOT NULL,
    before       bigint[] NOT NULL,
    since        bigint[] NOT NULL,
    PRIMARY KEY (batch_id, database_oid, role_oid, queryid)
);
COMMENT ON TABLE steward.tuning_watched_queries IS 'how long the calls of the queries took that steward.tuning_watches compares, as counts of steward.queries'' histograms; gone when it is judged';
COMMENT ON COLUMN steward.tuning_watched_queries.before IS 'when the settings were applied';
COMMENT ON COLUMN steward.tuning_watched_queries.since IS 'when it began to be watched';
SELECT pg_catalog.pg_extension_config_dump('steward.tuning_watched_queries', 'WHERE false');
GRANT SELECT ON steward.tuning_watches, steward.tuning_watched_queries TO pg_monitor;

CREATE FUNCTION steward.apply_tuning(dry_run boolean DEFAULT true, profile text DEFAULT 'mixed', pooled boolean DEFAULT true, memory_bytes bigint DEFAULT NULL,
    cpus integer DEFAULT NULL, max_connections integer DEFAULT NULL, disk text DEFAULT NULL, replicas integer DEFAULT NULL, options jsonb DEFAULT '{}',
    parameters text[] DEFAULT NULL, watch interval DEFAULT NULL)
RETURNS TABLE (parameter text, current_value text, new_value text, needs_restart boolean, outcome text, detail text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 40
AS 'MODULE_PATHNAME', 'steward_apply_tuning';
COMMENT ON FUNCTION steward.apply_tuning(boolean, text, boolean, bigint, integer, integer, text, integer, jsonb, text[], interval) IS
'sets what steward.tune() recommends and the server does not have, by ALTER SYSTEM, and has the server read it; what needs a restart waits for one. Each value is tried by the server''s own checks first
dry_run: only says what would be done; parameters: only these; watch: after so long, 1 second to 30 days, a job compares what queries take with what they took before, and puts everything back where they are slower: see steward.tuning_watches; the other arguments: as of steward.tune()
outcome: to be applied; applied; refused: by the server''s checks; failed: see detail
works in a background worker that writes the former values into steward.tuning_journal first; a rollback does not undo it: steward.revert_tuning() does
errors: those of steward.tune(); 55000 where the settings would then be an error of steward.check_config() that they are not now; 42501 for superusers only; 25001 in a transaction block; 25006 on a standby; 0A000 where allow_alter_system is off; 53400 no worker is free';
REVOKE EXECUTE ON FUNCTION steward.apply_tuning(boolean, text, boolean, bigint, integer, integer, text, integer, jsonb, text[], interval) FROM PUBLIC;

CREATE FUNCTION steward.revert_tuning()
RETURNS TABLE (parameter text, from_value text, to_value text, needs_restart boolean, outcome text, detail text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 40
AS 'MODULE_PATHNAME', 'steward_revert_tuning';
COMMENT ON FUNCTION steward.revert_tuning() IS
'puts back what the last call of steward.apply_tuning() has changed that is not put back yet, also where that call was cut short; each further call goes one back. to_value NULL: ALTER SYSTEM RESET
outcome: reverted; kept: somebody has set it otherwise since; failed: see detail
errors: 55000 where the server would then not start; 42501 for superusers only; 25001 in a transaction block; 25006 on a standby; 0A000 where allow_alter_system is off; 53400 no worker is free';
REVOKE EXECUTE ON FUNCTION steward.revert_tuning() FROM PUBLIC;

CREATE FUNCTION steward.judge_tuning(batch_id bigint) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_judge_tuning';
COMMENT ON FUNCTION steward.judge_tuning(bigint) IS
'compares now what queries take with what they took before the settings of this batch, puts these back where three quarters of the calls are slower and the median is by 30 %, and ends the watch; a job of steward.apply_tuning() calls it. A server that was restarted since is watched anew
errors: 42704 nobody watches that batch; those of steward.revert_tuning()';
REVOKE EXECUTE ON FUNCTION steward.judge_tuning(bigint) FROM PUBLIC;
