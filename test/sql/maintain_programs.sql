-- SPDX-License-Identifier: PostgreSQL
-- Programs run from a list that only superusers write, without a shell, and leave a record.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE ROLE steward_prg_operator;
CREATE ROLE steward_prg_anybody;

-- The list.
SELECT steward.allow_program('hello', ARRAY['/bin/echo', 'a b', '$(id)', '*', '']);
SELECT steward.allow_program('exits', ARRAY['/bin/sh', '-c', 'echo on its way; exit 7'], run_by => 'steward_prg_operator');
SELECT steward.allow_program('slow', ARRAY['/bin/sleep', '1000'], timeout => '1 hour');
SELECT name, argv, timeout, run_by, allowed_by = current_user AS by_me FROM steward.programs ORDER BY name;
SELECT steward.allow_program('slow', ARRAY['/bin/sleep', '1000'], timeout => '10 ms');
SELECT name, timeout FROM steward.programs WHERE name = 'slow';

-- What cannot be on it.
SELECT steward.allow_program('bad', ARRAY['echo']);
SELECT steward.allow_program('bad', ARRAY['/nowhere/at/all']);
SELECT steward.allow_program('bad', ARRAY['/']);
SELECT steward.allow_program('bad', '{}');
SELECT steward.allow_program('bad', ARRAY['/bin/echo', NULL]);
SELECT steward.allow_program('bad', ARRAY[['/bin/echo'], ['a']]);
SELECT steward.allow_program('bad', ARRAY['/bin/echo'], timeout => '0');
SELECT steward.allow_program('bad', ARRAY['/bin/echo'], timeout => '25 days');
SELECT steward.allow_program('', ARRAY['/bin/echo']);
SELECT steward.allow_program(NULL, ARRAY['/bin/echo']);
SELECT steward.allow_program('bad', NULL);
SELECT steward.forbid_program('bad');

-- Runs.
CALL steward.run_program('hello');
CALL steward.run_program('exits');
CALL steward.run_program('slow');
CALL steward.run_program('bad');
CALL steward.run_program(NULL);
SELECT program, role_name = current_user AS by_me, outcome, exit_code, signal, message, output, ended_at >= started_at AS has_ended
FROM steward.program_runs ORDER BY run_id;

-- It commits, so it cannot be part of something.
BEGIN;
CALL steward.run_program('hello');
ROLLBACK;
DO $$ BEGIN EXECUTE 'CALL steward.run_program(''hello'')'; END $$;

-- A cancel ends the program, and is recorded.
SELECT steward.allow_program('slow', ARRAY['/bin/sleep', '1000']);
SET statement_timeout = '1s';
CALL steward.run_program('slow');
RESET statement_timeout;
SELECT outcome, exit_code, signal, message FROM steward.program_runs ORDER BY run_id DESC LIMIT 1;

-- What is no text stays out.
SELECT steward.allow_program('bytes', ARRAY['/usr/bin/printf', 'gr\374n \303\274 \000 end\n']);
CALL steward.run_program('bytes');
SELECT output FROM steward.program_runs ORDER BY run_id DESC LIMIT 1;

-- Who may: the roles a program names, and nobody writes the list.
SET ROLE steward_prg_operator;
CALL steward.run_program('exits');
CALL steward.run_program('hello');
SELECT steward.allow_program('mine', ARRAY['/bin/echo']);
SELECT steward.forbid_program('hello');
INSERT INTO steward.programs (name, argv) VALUES ('mine', ARRAY['/bin/echo']);
TABLE steward.programs;
RESET ROLE;
SET ROLE steward_prg_anybody;
CALL steward.run_program('exits');
RESET ROLE;

-- Privileges on the table are not enough.
GRANT ALL ON steward.programs TO steward_prg_anybody;
GRANT EXECUTE ON FUNCTION steward.allow_program, steward.forbid_program TO steward_prg_anybody;
SET ROLE steward_prg_anybody;
INSERT INTO steward.programs (name, argv) VALUES ('mine', ARRAY['/bin/echo']);
UPDATE steward.programs SET run_by = 'steward_prg_anybody';
DELETE FROM steward.programs;
TRUNCATE steward.programs;
SELECT steward.allow_program('mine', ARRAY['/bin/echo']);
SELECT steward.forbid_program('hello');
RESET ROLE;
SET session_replication_role = replica;
SET ROLE steward_prg_anybody;
INSERT INTO steward.programs (name, argv) VALUES ('mine', ARRAY['/bin/echo']);
RESET ROLE;
RESET session_replication_role;

-- Nor is owning it.
BEGIN;
ALTER TABLE steward.programs OWNER TO steward_prg_anybody;
COMMIT;
CALL steward.run_program('hello');
ALTER TABLE steward.programs OWNER TO CURRENT_USER;
REVOKE ALL ON steward.programs FROM steward_prg_anybody;
REVOKE EXECUTE ON FUNCTION steward.allow_program, steward.forbid_program FROM steward_prg_anybody;

SELECT steward.forbid_program(name) FROM steward.programs ORDER BY name;
SELECT count(*) FROM steward.programs;
DELETE FROM steward.program_history;
DROP ROLE steward_prg_operator, steward_prg_anybody;
