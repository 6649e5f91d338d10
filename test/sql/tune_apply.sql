-- SPDX-License-Identifier: PostgreSQL
-- What would be applied, and who may. What is applied is in test/t/070_tune.pl.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE ROLE steward_apply_monitor;
GRANT pg_monitor TO steward_apply_monitor;
GRANT EXECUTE ON FUNCTION steward.apply_tuning(boolean, text, boolean, bigint, integer, integer, text, integer, jsonb, text[], interval), steward.revert_tuning() TO steward_apply_monitor;

SELECT * FROM steward.apply_tuning(true, 'mixed', true, 8589934592, 4, 200, 'ssd', 1, parameters => '{work_mem, shared_buffers, SEQ_PAGE_COST, NULL}');
-- Without names: all that differs, and nothing that does not.
SELECT count(*) > 20 AS several, count(*) FILTER (WHERE current_value = new_value) AS same, min(outcome), max(outcome)
FROM steward.apply_tuning(memory_bytes => 8589934592);
SELECT count(*) FROM steward.tuning_journal;

-- What is refused.
SELECT * FROM steward.apply_tuning(NULL);
SELECT * FROM steward.apply_tuning(profile => 'fast');
SELECT * FROM steward.apply_tuning(parameters => '{work_mme}');
SELECT * FROM steward.apply_tuning(parameters => '{fsync}');
SELECT * FROM steward.apply_tuning(watch => '0');
SELECT * FROM steward.apply_tuning(watch => '1 year');
SELECT steward.judge_tuning(1);
BEGIN;
SELECT * FROM steward.apply_tuning(false);
ROLLBACK;
BEGIN;
SELECT * FROM steward.revert_tuning();
ROLLBACK;
SET ROLE steward_apply_monitor;
SELECT count(*) FROM steward.tuning_journal;
SELECT * FROM steward.apply_tuning();
SELECT * FROM steward.revert_tuning();
RESET ROLE;
SELECT * FROM steward.revert_tuning();
DROP OWNED BY steward_apply_monitor;
DROP ROLE steward_apply_monitor;
