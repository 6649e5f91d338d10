-- SPDX-License-Identifier: PostgreSQL
-- Room partition: settings of dropped tables go with them.

CREATE FUNCTION steward.forget_dropped_tables() RETURNS event_trigger
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'steward_forget_dropped_tables';
COMMENT ON FUNCTION steward.forget_dropped_tables() IS
    'removes the rows of steward.partition_policies, steward.partition_pace and steward.partition_trash that belong to dropped tables; never fails a DROP';

CREATE EVENT TRIGGER steward_forget_dropped_tables ON sql_drop EXECUTE FUNCTION steward.forget_dropped_tables();
COMMENT ON EVENT TRIGGER steward_forget_dropped_tables IS 'pg_steward: settings of dropped tables go with them';
