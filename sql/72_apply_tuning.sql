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

CREATE FUNCTION steward.apply_tuning(dry_run boolean DEFAULT true, profile text DEFAULT 'mixed', pooled boolean DEFAULT true, memory_bytes bigint DEFAULT NULL,
    cpus integer DEFAULT NULL, max_connections integer DEFAULT NULL, disk text DEFAULT NULL, replicas integer DEFAULT NULL, options jsonb DEFAULT '{}',
    parameters text[] DEFAULT NULL)
RETURNS TABLE (parameter text, current_value text, new_value text, needs_restart boolean, outcome text, detail text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 40
AS 'MODULE_PATHNAME', 'steward_apply_tuning';
COMMENT ON FUNCTION steward.apply_tuning(boolean, text, boolean, bigint, integer, integer, text, integer, jsonb, text[]) IS
'sets what steward.tune() recommends and the server does not have, by ALTER SYSTEM, and has the server read it; what needs a restart waits for one. Each value is tried by the server''s own checks first
dry_run: only says what would be done; parameters: only these; the other arguments: as of steward.tune()
outcome: to be applied; applied; refused: by the server''s checks; failed: see detail
works in a background worker that writes the former values into steward.tuning_journal first; a rollback does not undo it: steward.revert_tuning() does
errors: those of steward.tune(); 55000 where the settings would then be an error of steward.check_config() that they are not now; 42501 for superusers only; 25001 in a transaction block; 25006 on a standby; 0A000 where allow_alter_system is off; 53400 no worker is free';
REVOKE EXECUTE ON FUNCTION steward.apply_tuning(boolean, text, boolean, bigint, integer, integer, text, integer, jsonb, text[]) FROM PUBLIC;

CREATE FUNCTION steward.revert_tuning()
RETURNS TABLE (parameter text, from_value text, to_value text, needs_restart boolean, outcome text, detail text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 40
AS 'MODULE_PATHNAME', 'steward_revert_tuning';
COMMENT ON FUNCTION steward.revert_tuning() IS
'puts back what the last call of steward.apply_tuning() has changed that is not put back yet, also where that call was cut short; each further call goes one back. to_value NULL: ALTER SYSTEM RESET
outcome: reverted; kept: somebody has set it otherwise since; failed: see detail
errors: 55000 where the server would then not start; 42501 for superusers only; 25001 in a transaction block; 25006 on a standby; 0A000 where allow_alter_system is off; 53400 no worker is free';
REVOKE EXECUTE ON FUNCTION steward.revert_tuning() FROM PUBLIC;
