-- SPDX-License-Identifier: PostgreSQL
-- The installation itself.

CREATE FUNCTION steward.doctor()
RETURNS TABLE (area text, "check" text, verdict text, detail text, remedy text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'steward_doctor';
COMMENT ON FUNCTION steward.doctor() IS
    'whether this installation is whole: one row a check with verdict ok, warning, critical or unknown, and what to do about it';
REVOKE EXECUTE ON FUNCTION steward.doctor() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION steward.doctor() TO pg_monitor;
