-- SPDX-License-Identifier: PostgreSQL
-- Room maintain: programs outside the server, run from a list that only superusers write.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE steward.programs (
    name        text PRIMARY KEY CHECK (name <> ''),
    argv        text[] NOT NULL,
    timeout     interval,
    run_by      regrole,
    is_backup   boolean NOT NULL DEFAULT false,
    verify      text[],
    verify_says text,
    inventory   text[],
    directory   text,
    keep        integer CHECK (keep >= 1),
    allowed_by  name NOT NULL DEFAULT SESSION_USER,
    allowed_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE steward.programs IS
    'programs that CALL steward.run_program() runs as the operating system''s user of the server; written by superusers alone, by steward.allow_program() and steward.forbid_program(); not part of dumps';
COMMENT ON COLUMN steward.programs.argv IS 'absolute path and arguments; no shell reads them. The operating system shows them to everybody: secrets belong into files';
COMMENT ON COLUMN steward.programs.timeout IS 'a run that takes longer is ended; NULL: none';
COMMENT ON COLUMN steward.programs.run_by IS 'role whose members may run it; NULL: superusers only';
COMMENT ON COLUMN steward.programs.is_backup IS 'what it makes is recorded in steward.backups';
COMMENT ON COLUMN steward.programs.verify IS 'argv of the program that then says by its exit code whether the backup is whole';
COMMENT ON COLUMN steward.programs.verify_says IS 'what a line of its output has to be besides; NULL: its exit code says it all';
COMMENT ON COLUMN steward.programs.inventory IS 'argv of the program that then lists the backups there are, in the JSON of pgbackrest info';
COMMENT ON COLUMN steward.programs.directory IS 'each backup gets a new directory in this one, which {location} in an argument stands for';
COMMENT ON COLUMN steward.programs.keep IS 'good backups that are kept there; older ones are removed after a new good one; NULL: all';

CREATE TABLE steward.program_history (
    run_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    program       text NOT NULL,
    argv          text[] NOT NULL,
    role_name     name NOT NULL,
    pid           integer NOT NULL,
    backend_start timestamptz NOT NULL,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    outcome       text NOT NULL CHECK (outcome IN ('running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'interrupted')),
    exit_code     integer,
    signal        integer,
    message       text,
    output        text
);
CREATE INDEX program_history_program_idx ON steward.program_history (program, run_id);
COMMENT ON TABLE steward.program_history IS 'one row a run of a program, the last 1000 of each; shown by steward.program_runs';
COMMENT ON COLUMN steward.program_history.backend_start IS 'when the session began that ran it: a run that is running and whose session is gone was interrupted';

-- What is in a dump says nothing about this machine, and is nothing to run on it.
SELECT pg_extension_config_dump('steward.programs', 'WHERE false');
SELECT pg_extension_config_dump('steward.program_history', '');
SELECT pg_extension_config_dump('steward.program_history_run_id_seq', '');

CREATE VIEW steward.program_runs AS
SELECT h.run_id, h.program, h.role_name, h.started_at, h.ended_at,
       CASE WHEN h.outcome = 'running' AND NOT EXISTS (SELECT FROM pg_stat_get_activity(h.pid) a WHERE a.backend_start = h.backend_start)
            THEN 'interrupted' ELSE h.outcome END AS outcome,
       h.exit_code, h.signal, h.message, h.output, h.argv, h.pid
FROM steward.program_history h;
COMMENT ON VIEW steward.program_runs IS 'runs of programs: those under way, and what became of the others';
COMMENT ON COLUMN steward.program_runs.outcome IS
    'running; succeeded: exit code 0; failed; timed_out; cancelled: so was the statement; interrupted: the session or the server ended before';
COMMENT ON COLUMN steward.program_runs.signal IS 'number of the signal that ended it';
COMMENT ON COLUMN steward.program_runs.message IS 'why it did not succeed';
COMMENT ON COLUMN steward.program_runs.output IS 'the last 8 kB of what it printed; what is no text there reads ?';

GRANT SELECT ON steward.programs, steward.program_history, steward.program_runs TO pg_monitor;

CREATE FUNCTION steward.guard_programs() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_guard_programs';
COMMENT ON FUNCTION steward.guard_programs() IS 'trigger: lets only superusers write (42501), members of pg_write_all_data included';
REVOKE EXECUTE ON FUNCTION steward.guard_programs() FROM PUBLIC;

CREATE TRIGGER guard_programs BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON steward.programs
FOR EACH STATEMENT EXECUTE FUNCTION steward.guard_programs();
ALTER TABLE steward.programs ENABLE ALWAYS TRIGGER guard_programs;
COMMENT ON TRIGGER guard_programs ON steward.programs IS 'lets only superusers write';

CREATE FUNCTION steward.allow_program(name text, argv text[], timeout interval DEFAULT NULL, run_by regrole DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_allow_program';
COMMENT ON FUNCTION steward.allow_program(text, text[], interval, regrole) IS
'puts a program on the list of those that CALL steward.run_program() runs, or changes it; for superusers
argv: absolute path and arguments, handed over as they are
timeout: a run that takes longer is ended, up to 24 days; run_by: role whose members may run it; NULL: superusers only
errors: 22023 argv or timeout, 58P01 no such file, 42501 not a superuser';
REVOKE EXECUTE ON FUNCTION steward.allow_program(text, text[], interval, regrole) FROM PUBLIC;

CREATE FUNCTION steward.forbid_program(name text) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_forbid_program';
COMMENT ON FUNCTION steward.forbid_program(text) IS
    'takes a program off the list (42704 when it is not on it); a run under way goes on, and the history stays; for superusers';
REVOKE EXECUTE ON FUNCTION steward.forbid_program(text) FROM PUBLIC;

CREATE PROCEDURE steward.run_program(name text)
LANGUAGE c
AS 'MODULE_PATHNAME', 'steward_run_program';
COMMENT ON PROCEDURE steward.run_program(text) IS
'runs a program of steward.programs as the operating system''s user of the server, waits for its end, and records it in steward.program_runs; holds no snapshot meanwhile
for superusers, and members of the program''s run_by; not inside a transaction block, as it commits before and after; on a standby nothing is recorded
without a shell, in /, with nothing to read from; what it leaves behind in its process group is ended with it. A cancel, a timeout and the end of this session, however it comes, end it too: by SIGTERM, and after 10 seconds by SIGKILL
errors: 38000 it failed or took too long, 58P01 no such file, 42704 not on the list, 42501 not for you, 55006 it runs already, 25001 inside a transaction block';

SET LOCAL search_path = @extschema@, pg_temp;
