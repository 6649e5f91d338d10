-- SPDX-License-Identifier: PostgreSQL
-- Room tune: the settings for this machine and this workload.

CREATE FUNCTION steward.tune(profile text DEFAULT 'mixed', pooled boolean DEFAULT true, memory_bytes bigint DEFAULT NULL, cpus integer DEFAULT NULL,
    max_connections integer DEFAULT NULL, disk text DEFAULT NULL, replicas integer DEFAULT NULL, options jsonb DEFAULT '{}')
RETURNS TABLE (parameter text, current_value text, recommended_value text, needs_restart boolean, severity text, reason text, kind text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 80
AS 'MODULE_PATHNAME', 'steward_tune';
COMMENT ON FUNCTION steward.tune(text, boolean, bigint, integer, integer, text, integer, jsonb) IS
'recommended settings, each with its reason; changes nothing. NULL: look at this machine (limits of control groups count) and this server
profile: web, oltp, mixed, dw, desktop; pooled: clients come through a pool such as PgBouncer; disk: hdd, ssd, nvme, san
max_connections: NULL: as it is set, or by profile and memory where it is the 100 of initdb
options: archive_command; statistics_target: 1 to 10000; logical: true or false; data_disk, wal_disk, databases: sizes such as "500GB"; version: 13 to 19, for another server
current_value: outside of sessions; severity: ok: as it should be, or within a tenth of it; info, warning: of not having it
kind: setting; memory: what may be used in the end; kernel: sysctl; pgbouncer: of pgbouncer.ini
errors: 22023 unknown words, options and figures no machine has; 22004 profile, pooled or options null; 55000 the machine cannot be read';
REVOKE EXECUTE ON FUNCTION steward.tune(text, boolean, bigint, integer, integer, text, integer, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.tune(text, boolean, bigint, integer, integer, text, integer, jsonb) TO pg_monitor;

CREATE FUNCTION steward.tune_config(format text DEFAULT 'conf', profile text DEFAULT 'mixed', pooled boolean DEFAULT true, memory_bytes bigint DEFAULT NULL,
    cpus integer DEFAULT NULL, max_connections integer DEFAULT NULL, disk text DEFAULT NULL, replicas integer DEFAULT NULL, options jsonb DEFAULT '{}')
RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 150
AS 'MODULE_PATHNAME', 'steward_tune_config';
COMMENT ON FUNCTION steward.tune_config(text, text, boolean, bigint, integer, integer, text, integer, jsonb) IS
'what steward.tune() recommends as text, a row a line, none longer than 200 characters but of json
format: conf: a postgresql.conf with all reasons; alter_system: a script of what differs; json; patroni: for patronictl edit-config; diff: what differs
the other arguments and errors: as of steward.tune(); 22023 unknown format';
REVOKE EXECUTE ON FUNCTION steward.tune_config(text, text, boolean, bigint, integer, integer, text, integer, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.tune_config(text, text, boolean, bigint, integer, integer, text, integer, jsonb) TO pg_monitor;
