-- SPDX-License-Identifier: PostgreSQL
-- The settings of this server, judged. The tests' own server has fsync off.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE ROLE steward_check_monitor;
CREATE ROLE steward_check_anybody;
GRANT pg_monitor TO steward_check_monitor;
ALTER ROLE steward_check_anybody SET work_mem = '1TB';

SELECT * FROM steward.check_config() WHERE parameter = 'fsync' OR detail LIKE 'role steward_check%';
SELECT count(*) FILTER (WHERE verdict NOT IN ('error', 'warning', 'info') OR detail = '' OR remedy = '') AS wrong FROM steward.check_config();
-- What a session has set is not judged.
SET enable_seqscan = off;
SELECT count(*) FROM steward.check_config() WHERE parameter = 'enable_seqscan';
RESET enable_seqscan;

SET ROLE steward_check_monitor;
SELECT count(*) FROM steward.check_config() WHERE parameter = 'fsync';
SET ROLE steward_check_anybody;
SELECT * FROM steward.check_config();
RESET ROLE;
DROP ROLE steward_check_monitor, steward_check_anybody;
