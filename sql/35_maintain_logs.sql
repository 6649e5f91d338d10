-- SPDX-License-Identifier: PostgreSQL
-- Room maintain: old files of the server's log.

CREATE FUNCTION steward.clean_logs(older_than interval DEFAULT '30 days', dry_run boolean DEFAULT false, rotate boolean DEFAULT false)
RETURNS TABLE (file text, bytes bigint, modified_at timestamptz, outcome text, detail text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 30
AS 'MODULE_PATHNAME', 'steward_clean_logs';
COMMENT ON FUNCTION steward.clean_logs(interval, boolean, boolean) IS
'removes files from log_directory that the log collector has named by log_filename as it is now, that it does not write to, and that have not been written to for so long; one row a file
dry_run: shows the same rows and removes nothing; rotate: has the collector begin a new file first
outcome: removed, to be removed, failed (detail says why; the others are removed nevertheless, and a warning tells of it), kept (a symbolic link)
for superusers, and for whom EXECUTE is granted to
errors: 22023 older_than is less than 0, 58030 the directory cannot be read';
REVOKE EXECUTE ON FUNCTION steward.clean_logs(interval, boolean, boolean) FROM PUBLIC;
