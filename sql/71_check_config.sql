-- SPDX-License-Identifier: PostgreSQL
-- Room tune: what is wrong with the settings there are.

CREATE FUNCTION steward.check_config()
RETURNS TABLE (parameter text, verdict text, detail text, remedy text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'steward_check_config';
COMMENT ON FUNCTION steward.check_config() IS
'judges the settings of this server by some 90 rules, whoever made them, and compares it with the registered nodes that are up; one row a thing that is wrong, none where nothing is. Changes nothing, and works on a standby
verdict: error: data is lost, or the server stops or will not start; warning: it costs more than it gains; info: worth a look
judged are the values outside of sessions, lines of configuration files that the server does not take, those that wait for a restart, and ALTER ROLE ... SET work_mem, beside this machine and what the server has seen since its statistics were reset';
REVOKE EXECUTE ON FUNCTION steward.check_config() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.check_config() TO pg_monitor;
