-- SPDX-License-Identifier: PostgreSQL
\echo Use "CREATE EXTENSION pg_steward" to load this file. \quit

-- The schema of everything that is not part of the short public API, and what the library says of itself.

CREATE SCHEMA steward;
COMMENT ON SCHEMA steward IS 'pg_steward: settings, views and functions';
GRANT USAGE ON SCHEMA steward TO PUBLIC;

CREATE FUNCTION steward.version() RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'steward_version';
COMMENT ON FUNCTION steward.version() IS 'version of the loaded pg_steward library';
