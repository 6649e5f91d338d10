-- SPDX-License-Identifier: PostgreSQL
-- Recommended settings: for a machine that is named, so that every server gives the same.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE ROLE steward_tune_monitor;
CREATE ROLE steward_tune_anybody;
GRANT pg_monitor TO steward_tune_monitor;
CREATE VIEW steward_tune_seed AS
SELECT * FROM steward.tune('mixed', true, 8589934592, 4, 200, 'ssd', 1, '{"data_disk": "100GB", "wal_disk": "40GB", "databases": "5GB"}');

-- The machine of 8 GB.
SELECT parameter, recommended_value, needs_restart FROM steward_tune_seed
WHERE parameter IN ('max_connections', 'superuser_reserved_connections', 'shared_buffers', 'effective_cache_size', 'work_mem', 'maintenance_work_mem',
                    'wal_level', 'wal_buffers', 'wal_keep_size', 'max_wal_size', 'max_slot_wal_keep_size', 'archive_mode', 'hot_standby', 'random_page_cost', 'seq_page_cost',
                    'default_statistics_target', 'constraint_exclusion', 'log_min_duration_statement', 'temp_file_limit')
ORDER BY parameter COLLATE "C";
-- A row of each kind has a reason; settings are those of this server, restart included, and its own values differ in nothing from themselves.
SELECT kind, count(*) > 1 AS several, bool_and(reason <> '') AS with_reason, bool_and(severity IN ('ok', 'info', 'warning', 'critical')) AS known
FROM steward_tune_seed GROUP BY kind ORDER BY kind;
SELECT t.parameter, t.needs_restart, s.context, t.current_value FROM steward_tune_seed t LEFT JOIN pg_settings s ON s.name = t.parameter
WHERE t.kind = 'setting' AND (s.name IS NULL OR t.needs_restart <> (s.context = 'postmaster') OR (t.recommended_value = t.current_value AND t.severity <> 'ok'));
-- What a session has set is not what the server has.
SET work_mem = '32MB';
SELECT current_value, recommended_value FROM steward_tune_seed WHERE parameter = 'work_mem';
RESET work_mem;
SELECT parameter, recommended_value FROM steward.tune('dw', false, 1099511627776, 64, 40, 'hdd', 0, '{"statistics_target": 1000, "logical": true, "archive_command": "archive ''%p'' \\ %f"}')
WHERE parameter IN ('shared_buffers', 'wal_level', 'default_statistics_target', 'archive_mode', 'archive_command', 'effective_cache_size') ORDER BY parameter COLLATE "C";
-- By itself it looks.
SELECT count(*) > 40 AS rows, count(*) FILTER (WHERE current_value IS NULL AND kind = 'setting') AS unknown FROM steward.tune();

-- As text.
SELECT line FROM steward.tune_config('conf', 'mixed', true, 8589934592, 4, 200, 'ssd', 1, '{"version": 18, "archive_command": "archive ''%p'' \\ %f"}') line
WHERE line ~ '^(# PostgreSQL|shared_buffers|archive_command|io_method|work_mem)';
SELECT line FROM steward.tune_config('alter_system', 'mixed', true, 8589934592, 4, 200, 'ssd', 1) line WHERE line ~ 'shared_buffers =|shared_preload|reload';
SELECT line FROM steward.tune_config('patroni', 'web', true, 8589934592, 4) line WHERE line ~ '^postgresql:|^  [a-z]|    shared_buffers';
SELECT line FROM steward.tune_config('diff', 'web', true, 8589934592, 4) line WHERE line ~ 'effective_cache_size|jit';
SELECT j -> 'title', jsonb_array_length(j -> 'rows') > 40 FROM (SELECT string_agg(l, E'\n')::jsonb FROM steward.tune_config('json', memory_bytes => 8589934592, cpus => 4, disk => 'san', replicas => 2, max_connections => 200, options => '{"version": 17}') l) t(j);
SELECT max(length(line)) < 200 AS short FROM unnest(ARRAY['conf', 'alter_system', 'patroni', 'diff']) f, steward.tune_config(f) line;

-- What is refused.
SELECT * FROM steward.tune('OLTP');
SELECT * FROM steward.tune(NULL);
SELECT * FROM steward.tune(pooled => NULL);
SELECT * FROM steward.tune(options => NULL);
SELECT * FROM steward.tune(memory_bytes => 0);
SELECT * FROM steward.tune(memory_bytes => -8589934592);
SELECT * FROM steward.tune(memory_bytes => 8192);
SELECT * FROM steward.tune(memory_bytes => 9223372036854775807);
SELECT * FROM steward.tune(cpus => 0);
SELECT * FROM steward.tune(cpus => 100000);
SELECT * FROM steward.tune(max_connections => -1);
SELECT * FROM steward.tune(max_connections => 1000000);
SELECT * FROM steward.tune(disk => 'floppy');
SELECT * FROM steward.tune(replicas => -1);
SELECT * FROM steward.tune(options => '[]');
SELECT * FROM steward.tune(options => '{"stats_target": 1000}');
SELECT * FROM steward.tune(options => '{"statistics_target": 0}');
SELECT * FROM steward.tune(options => '{"data_disk": 100}');
SELECT * FROM steward.tune(options => '{"data_disk": "100 gigabytes"}');
SELECT * FROM steward.tune(options => '{"wal_disk": "1kB"}');
SELECT * FROM steward.tune(options => '{"version": 12}');
SELECT * FROM steward.tune(options => '{"logical": "perhaps"}');
SELECT * FROM steward.tune(options => '{"archive_command": 1}');
SELECT * FROM steward.tune_config('yaml');
SELECT * FROM steward.tune_config(NULL);

-- Who may: members of pg_monitor.
SET ROLE steward_tune_monitor;
SELECT count(*) > 40 AS rows FROM steward.tune();
SET ROLE steward_tune_anybody;
SELECT * FROM steward.tune();
SELECT * FROM steward.tune_config();
RESET ROLE;
DROP VIEW steward_tune_seed;
DROP ROLE steward_tune_monitor, steward_tune_anybody;
