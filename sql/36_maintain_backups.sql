-- SPDX-License-Identifier: PostgreSQL
-- Room maintain: backups that programs make, and whether there is a good one.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE steward.backup_history (
    backup_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    program           text NOT NULL,
    location          text,
    label             text,
    kind              text,
    pid               integer NOT NULL,
    backend_start     timestamptz NOT NULL,
    started_at        timestamptz NOT NULL,
    ended_at          timestamptz,
    outcome           text NOT NULL CHECK (outcome IN ('running', 'good', 'failed', 'interrupted')),
    verified_at       timestamptz,
    size_bytes        bigint,
    removed_at        timestamptz,
    message           text,
    system_identifier bigint NOT NULL,
    database_oid      oid NOT NULL
);
CREATE INDEX backup_history_program_idx ON steward.backup_history (program, backup_id);
COMMENT ON TABLE steward.backup_history IS 'one row a backup that a program of this database has made or tried to make, removed ones for a year; shown by steward.backups; not part of dumps';
COMMENT ON COLUMN steward.backup_history.system_identifier IS 'cluster that made it: another one, or another database, removes nothing of it';
SELECT pg_extension_config_dump('steward.backup_history', 'WHERE false');
SELECT pg_extension_config_dump('steward.backup_history_backup_id_seq', 'WHERE false');

CREATE VIEW steward.backups AS
SELECT b.backup_id, b.program, b.location, b.label, b.kind, b.started_at, b.ended_at,
       CASE WHEN b.outcome = 'running' AND NOT EXISTS (SELECT FROM pg_stat_get_activity(b.pid) a WHERE a.backend_start = b.backend_start)
            THEN 'interrupted' ELSE b.outcome END AS outcome,
       b.verified_at, b.size_bytes, b.removed_at, b.message
FROM steward.backup_history b;
COMMENT ON VIEW steward.backups IS 'backups made by programs of this database, those under way, and those that came to nothing';
COMMENT ON COLUMN steward.backups.location IS 'its directory on the server''s machine, ending in .partial as long as it is not known to be good; NULL: the program knows';
COMMENT ON COLUMN steward.backups.label IS 'what pgBackRest calls it; likewise kind: full, diff or incr';
COMMENT ON COLUMN steward.backups.outcome IS 'running; good: the program, and the one that verifies if there is one, ended with exit code 0; failed; interrupted: the session or the server ended before';
COMMENT ON COLUMN steward.backups.verified_at IS 'when it was found whole; NULL: nobody has looked';
COMMENT ON COLUMN steward.backups.removed_at IS 'when its directory was removed, as newer ones are kept or as it came to nothing';
COMMENT ON COLUMN steward.backups.message IS 'why it came to nothing';
GRANT SELECT ON steward.backup_history, steward.backups TO pg_monitor;

CREATE FUNCTION steward.allow_backup(name text, argv text[], verify text[] DEFAULT NULL, directory text DEFAULT NULL, keep integer DEFAULT NULL,
                                     inventory text[] DEFAULT NULL, timeout interval DEFAULT NULL, run_by regrole DEFAULT NULL,
                                     verify_says text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_allow_backup';
COMMENT ON FUNCTION steward.allow_backup(text, text[], text[], text, integer, text[], interval, regrole, text) IS
'as steward.allow_program(), for a program that makes backups: what CALL steward.run_program() makes with it is recorded in steward.backups; for superusers
verify: argv of a program that says by its exit code whether the backup is whole; one that is not counts as failed
directory: absolute path of an existing directory; each backup gets a new directory in it, which {location} in an argument stands for, and the name must be fit for a file name
keep: good backups that are kept there, at least 1; older ones are removed after a new good one; NULL: all
inventory: argv of a program that lists backups in the JSON of pgbackrest info; a backup it finds damaged counts as failed
timeout: of each of these programs; verify_says: what a line of the verifying program''s output has to be, where its exit code does not tell
errors: as steward.allow_program()';
REVOKE EXECUTE ON FUNCTION steward.allow_backup(text, text[], text[], text, integer, text[], interval, regrole, text) FROM PUBLIC;

CREATE FUNCTION steward.enable_backups(method text, schedule text, directory text DEFAULT NULL, keep integer DEFAULT 7, stanza text DEFAULT NULL,
                                       arguments text[] DEFAULT '{}', timezone text DEFAULT NULL, name text DEFAULT NULL, timeout interval DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'steward_enable_backups';
COMMENT ON FUNCTION steward.enable_backups(text, text, text, integer, text, text[], text, text, interval) IS
'puts a ready backup on the list of programs and schedules a job of the same name that runs it as the caller, a superuser; gives the name
method: pg_basebackup, verified by pg_verifybackup; pg_dump of this database, verified by reading it all with pg_restore; pgbackrest, verified by its verify
directory and keep: of pg_basebackup and pg_dump, see steward.allow_backup(); stanza: of pgbackrest
arguments: further ones of the program, such as {--type=diff} or {--max-rate=50M}; name: by default that of the method
schedule and timezone: as for steward.schedule(); NULL as schedule: no job
errors: 22023 an argument, 58P01 no such program or directory, 42501 not a superuser; those of steward.schedule()';
REVOKE EXECUTE ON FUNCTION steward.enable_backups(text, text, text, integer, text, text[], text, text, interval) FROM PUBLIC;

CREATE FUNCTION steward.missing_programs() RETURNS TABLE (program text, path text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'steward_missing_programs';
COMMENT ON FUNCTION steward.missing_programs() IS 'files that programs of the list need and that are not there, or that the server may not execute';
REVOKE EXECUTE ON FUNCTION steward.missing_programs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.missing_programs() TO pg_monitor;

CREATE VIEW steward.backup_health AS
WITH backup AS MATERIALIZED (SELECT * FROM steward.backups),
bound AS MATERIALIZED (SELECT coalesce(current_setting('steward.backup_max_age', true), '26 hours')::interval AS max_age),
good AS MATERIALIZED (SELECT * FROM backup WHERE outcome = 'good' AND removed_at IS NULL ORDER BY ended_at DESC LIMIT 1),
latest AS (SELECT DISTINCT ON (program) * FROM backup WHERE outcome <> 'running' ORDER BY program, backup_id DESC),
archiver AS MATERIALIZED (
    SELECT a.*, current_setting('archive_mode') AS mode,
           a.last_failed_time IS NOT NULL AND (a.last_archived_time IS NULL OR a.last_failed_time > a.last_archived_time) AS is_failing
    FROM pg_stat_archiver a),
waiting AS MATERIALIZED (
    SELECT count(*) AS files, min(s.modification) AS since FROM pg_ls_archive_statusdir() s
    WHERE s.name LIKE '%.ready' AND current_setting('archive_mode') <> 'off')
SELECT 'backup_age' AS "check",
       CASE WHEN NOT EXISTS (SELECT FROM backup) AND NOT EXISTS (SELECT FROM steward.programs WHERE is_backup) THEN 'unknown'
            WHEN g.ended_at IS NULL OR g.ended_at < now() - 2 * b.max_age THEN 'critical'
            WHEN g.ended_at < now() - b.max_age THEN 'warning' ELSE 'ok' END AS verdict,
       date_trunc('second', now() - g.ended_at)::text AS value, b.max_age::text AS threshold,
       CASE WHEN g.backup_id IS NOT NULL THEN format('the last good backup was made by program "%s"', g.program)
            WHEN EXISTS (SELECT FROM backup) THEN 'there is no good backup'
            WHEN EXISTS (SELECT FROM steward.programs WHERE is_backup) THEN 'no backup has been made yet'
            ELSE 'no backups are made from this database' END AS detail,
       CASE WHEN g.ended_at >= now() - b.max_age THEN NULL
            WHEN EXISTS (SELECT FROM steward.programs WHERE is_backup) THEN (SELECT format('CALL steward.run_program(%L);', name) FROM steward.programs WHERE is_backup ORDER BY name LIMIT 1)
            ELSE 'SELECT steward.enable_backups(...), or look where they are made' END AS remedy
FROM bound b LEFT JOIN good g ON true
UNION ALL
SELECT 'backup_verified', CASE WHEN g.verified_at IS NOT NULL THEN 'ok' ELSE 'warning' END, g.verified_at::text, NULL,
       CASE WHEN g.verified_at IS NOT NULL THEN format('the last good backup was found whole by %s', (SELECT p.verify[1] FROM steward.programs p WHERE p.name = g.program))
            ELSE format('nobody has looked whether the last backup, made by program "%s", is whole', g.program) END,
       CASE WHEN g.verified_at IS NULL THEN 'steward.allow_backup(..., verify => ...)' END
FROM good g
UNION ALL
SELECT format('backup_last_run: %s', l.program), CASE WHEN l.outcome = 'good' THEN 'ok' ELSE 'warning' END, l.outcome, NULL,
       coalesce(l.message, format('it ended %s', date_trunc('second', l.ended_at))),
       CASE WHEN l.outcome <> 'good' THEN format('SELECT output FROM steward.program_runs WHERE program = %L ORDER BY run_id DESC LIMIT 2;', l.program) END
FROM latest l
UNION ALL
SELECT format('backup_running: %s', r.program), CASE WHEN r.started_at < now() - b.max_age THEN 'warning' ELSE 'ok' END,
       date_trunc('second', now() - r.started_at)::text, b.max_age::text, format('under way since %s', date_trunc('second', r.started_at)),
       CASE WHEN r.started_at < now() - b.max_age THEN 'look what it waits for, or cancel it and give it a timeout' END
FROM backup r, bound b WHERE r.outcome = 'running'
UNION ALL
SELECT format('program_missing: %s', m.program), 'critical', m.path, NULL, 'it is not there, or the server may not execute it', 'install it, or SELECT steward.forbid_program(...)'
FROM steward.missing_programs() m
UNION ALL
SELECT 'archiving', CASE WHEN a.mode = 'off' THEN 'warning' ELSE 'ok' END, a.mode, NULL,
       CASE WHEN a.mode = 'off' THEN 'WAL is not archived: all that was done since the last backup can be lost'
            WHEN pg_is_in_recovery() AND a.mode = 'on' THEN 'on a standby it begins with its promotion' ELSE 'WAL is archived' END,
       CASE WHEN a.mode = 'off' THEN 'set archive_mode = on and archive_command, and restart; or receive WAL with pg_receivewal' END
FROM archiver a
UNION ALL
SELECT 'archiver', CASE WHEN NOT a.is_failing THEN CASE WHEN a.last_archived_time IS NULL THEN 'unknown' ELSE 'ok' END
                        WHEN w.since < now() - interval '15 minutes' THEN 'critical' ELSE 'warning' END,
       a.failed_count::text, NULL,
       CASE WHEN a.is_failing THEN format('archiving %s fails, the last time at %s; archived last: %s', a.last_failed_wal, date_trunc('second', a.last_failed_time), coalesce(a.last_archived_wal, 'nothing'))
            WHEN a.last_archived_time IS NULL THEN 'nothing has been archived since the counters were reset'
            ELSE format('%s was archived at %s', a.last_archived_wal, date_trunc('second', a.last_archived_time)) END,
       CASE WHEN a.is_failing THEN 'the server log says what archive_command said; WAL is kept until it works, and may fill the disk' END
FROM archiver a, waiting w WHERE a.mode <> 'off'
UNION ALL
SELECT 'archive_backlog', CASE WHEN w.files >= 100 THEN 'critical' WHEN w.files >= 10 THEN 'warning' ELSE 'ok' END, w.files::text, '10',
       format('%s WAL files wait for being archived%s', w.files, ', the oldest since ' || date_trunc('second', w.since)::text),
       CASE WHEN w.files >= 10 THEN 'see whether archive_command fails, or is slower than WAL is written' END
FROM waiting w, archiver a WHERE a.mode <> 'off';
COMMENT ON VIEW steward.backup_health IS
'whether this server could be restored: one row a check, with verdict ok, warning, critical or unknown, and what to do about it
backup_age: of the last good backup of this database''s programs, against steward.backup_max_age; backup_verified: whether it was found whole; backup_last_run, backup_running, program_missing: of each program; archiving, archiver, archive_backlog: of WAL';
COMMENT ON COLUMN steward.backup_health."check" IS 'what was looked at, with the program where there are several';
COMMENT ON COLUMN steward.backup_health.threshold IS 'from where on it is a warning';
GRANT SELECT ON steward.backup_health TO pg_monitor;

SET LOCAL search_path = @extschema@, pg_temp;
