-- SPDX-License-Identifier: PostgreSQL
-- Whoever owns a table does all of it, without being a superuser; nobody does any of it to the tables of others; and
-- what others have laid in the way never runs with the rights of whoever comes by.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset tuples_only on

CREATE FUNCTION said(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text; message text; why text; way_out text;
BEGIN
    EXECUTE sql INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, why = PG_EXCEPTION_DETAIL, way_out = PG_EXCEPTION_HINT;
    RETURN sqlstate || ' ' || message || CASE WHEN why <> '' THEN E'\n  detail: ' || why ELSE '' END
        || CASE WHEN way_out <> '' THEN E'\n  hint: ' || way_out ELSE '' END;
END $$;
CREATE ROLE steward_owner;
CREATE ROLE steward_other;
CREATE ROLE steward_member IN ROLE steward_owner;
CREATE SCHEMA own AUTHORIZATION steward_owner;
CREATE SCHEMA other AUTHORIZATION steward_other;
-- Who ran what: every canary sings here.
CREATE TABLE own_canary (who name, what text);
GRANT INSERT, SELECT ON own_canary TO PUBLIC;
GRANT USAGE ON SCHEMA own TO PUBLIC;

-- All of it, as an owner.
SET ROLE steward_owner;
CREATE FUNCTION own.hook(parent regclass, partition text, bounds text) RETURNS boolean LANGUAGE sql AS $$
    INSERT INTO public.own_canary VALUES (current_user, 'hook') RETURNING true $$;
CREATE TABLE own.target (id int PRIMARY KEY);
CREATE TABLE own.events (id int REFERENCES own.target, at timestamptz NOT NULL, note text) PARTITION BY RANGE (at);
CREATE INDEX ON own.events (id);
SELECT future_periods, keeps, missing_partitions FROM steward.manage_partitions('own.events', '1 day', 2, keep => '1 day',
    options => '{"start": "2025-01-01", "max_drop_percent": 100, "before_create": "own.hook", "before_drop": "own.hook", "after_drop": "own.hook"}');
SELECT create_future_partitions('own.events') > 0, create_future_partitions('own.events');
SELECT count(*) = 0 AS all_past_left_out FROM partition_info WHERE parent_table = 'own.events'::regclass AND range_end < (now() - interval '3 days')::text;
DO $$ BEGIN
    FOR n IN 3 .. 5 LOOP
        EXECUTE format('CREATE TABLE own.events_old%s PARTITION OF own.events FOR VALUES FROM (%L) TO (%L)', n, current_date - n, current_date - n + 1);
    END LOOP;
END $$;
SELECT action, partition, outcome FROM maintain_partitions();
SELECT partition, parent_table FROM steward.trash ORDER BY 1;
SELECT steward.restore_partition('own.events_old5');
SELECT action, partition, outcome FROM maintain_partitions();
SELECT drop_old_partitions('own.events');
SELECT count(*) FROM steward.trash;
SELECT future_periods FROM steward.manage_partitions('own.events', options => '{"grace": "0"}');
SELECT steward.restore_partition('own.events_old4');
SELECT drop_old_partitions('own.events');
SELECT to_regclass('own.events_old4');
BEGIN;
SELECT create_future_partitions('own.events', 5);
SELECT drop_old_partitions('own.events', 0);
COMMIT;
SELECT count(*) > 3 FROM partition_info WHERE parent_table = 'own.events'::regclass;
SELECT bool_and(pg_get_userbyid(relowner) = 'steward_owner') FROM pg_class WHERE relnamespace = 'own'::regnamespace;
-- A member of the owning role, and the owner by SET SESSION AUTHORIZATION.
RESET ROLE;
SET SESSION AUTHORIZATION steward_member;
SELECT create_future_partitions('own.events', 6);
SELECT parent, outcome FROM maintain_partitions();
SET SESSION AUTHORIZATION steward_owner;
SELECT create_future_partitions('own.events', 7);
RESET SESSION AUTHORIZATION;
SELECT create_future_partitions('own.events', 8);
SELECT who, what, count(*) > 5 AS often FROM own_canary GROUP BY 1, 2;
SELECT bool_and(pg_get_userbyid(relowner) = 'steward_owner') FROM pg_class WHERE relnamespace = 'own'::regnamespace;
DELETE FROM own_canary;

-- The policy is seen by the owner, and by members of pg_monitor; written by nobody.
SET ROLE steward_member;
SELECT parent, future, retire FROM steward.partition_sets;
SELECT said('UPDATE steward.partition_sets SET future = 1 RETURNING 1');
SELECT said('SELECT count(*) FROM steward.partition_policies');
SET ROLE steward_other;
SELECT count(*) FROM steward.partition_sets;
SET ROLE pg_monitor;
SELECT count(*) > 0 AS sees FROM steward.partition_sets WHERE parent = 'own.events'::regclass;
RESET ROLE;

-- What was done is seen by the owner, under the present name only, and by members of pg_monitor.
SET ROLE steward_owner;
SELECT parent_table, count(*) > 5 AS often FROM steward.partition_history GROUP BY 1;
ALTER TABLE own.events RENAME TO renamed;
SELECT count(*) FROM steward.partition_history;
ALTER TABLE own.renamed RENAME TO events;
SET ROLE steward_other;
CREATE FUNCTION pg_temp.leaks(name text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE WARNING '%', name; RETURN true; END $$;
SELECT count(*) FROM steward.partition_history WHERE pg_temp.leaks(parent_table);
DROP FUNCTION pg_temp.leaks;
SELECT said('SELECT count(*) FROM steward.partition_log');
SET ROLE pg_monitor;
SELECT parent_table, count(*) > 5 AS often FROM steward.partition_history WHERE parent_table ~ '^own' GROUP BY 1;
RESET ROLE;

-- Not the tables of others, nor their templates, schemas and files; a neighbour's maintenance passes them by.
SET ROLE steward_other;
SELECT said('SELECT create_future_partitions(''own.events'')');
SELECT said('SELECT drop_old_partitions(''own.events'', 0)');
SELECT said('SELECT steward.manage_partitions(''own.events'', ''1 day'')');
SELECT said('SELECT steward.unmanage_partitions(''own.events'')');
SELECT said('SELECT count(*) FROM steward.partition_plan(''own.events'')');
SELECT said('SELECT steward.restore_partition(''own.events_old3'')');
SELECT count(*) FROM steward.trash;
SELECT count(*) FROM maintain_partitions();
SELECT steward.empty_trash();
SELECT count(*) FROM steward.partition_plan();
CREATE TABLE other.events (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
SELECT said('SELECT steward.manage_partitions(''other.events'', ''1 day'', options => ''{"template": "own.target"}'')');
SELECT said('SELECT future_periods FROM steward.manage_partitions(''other.events'', ''1 day'', 1, options => ''{"schema": "own"}'')');
SELECT said('SELECT future_periods FROM steward.manage_partitions(''other.events'', ''1 day'', 1, options => ''{"retire": "schema", "retire_to": "own"}'')');
SELECT said('SELECT steward.manage_partitions(''other.events'', ''1 day'', options => ''{"retire": "archive", "retire_to": "/tmp"}'')');
SELECT said('SELECT steward.unmanage_partitions(''other.events'')');
RESET ROLE;
SELECT to_regclass('own.events_old3') IS NOT NULL AS still_there;

-- Traps: functions and operators on the caller's path that look like the server's, default expressions, constraints,
-- indexes, hooks and codecs of somebody who waits for a superuser to come by. Each notes who ran it.
SET ROLE steward_other;
CREATE FUNCTION other.sings(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.own_canary VALUES (current_user, what);
    RETURN true;
END $$;
GRANT USAGE ON SCHEMA other TO PUBLIC;
CREATE FUNCTION other.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT other.sings('format')::text $$;
CREATE FUNCTION other.max(timestamptz) RETURNS timestamptz LANGUAGE sql AS $$ SELECT CASE WHEN other.sings('max') THEN $1 END $$;
CREATE FUNCTION other.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT CASE WHEN other.sings('now') THEN '2030-01-01'::timestamptz END $$;
CREATE FUNCTION other.date_part(text, timestamptz) RETURNS float8 LANGUAGE sql AS $$ SELECT CASE WHEN other.sings('date_part') THEN 1 END::float8 $$;
CREATE FUNCTION other.to_regclass(text) RETURNS regclass LANGUAGE sql AS $$ SELECT CASE WHEN other.sings('to_regclass') THEN 1259::oid::regclass END $$;
CREATE FUNCTION other.jsonb_each_text(jsonb) RETURNS TABLE (key text, value text) LANGUAGE sql AS $$ SELECT 'grace', other.sings('jsonb_each_text')::text $$;
CREATE FUNCTION other.eq(oid, oid) RETURNS boolean LANGUAGE sql AS $$ SELECT other.sings('=') $$;
CREATE FUNCTION other.eq(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT other.sings('=') $$;
CREATE FUNCTION other.ge(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS $$ SELECT other.sings('>=') $$;
CREATE OPERATOR other.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = other.eq);
CREATE OPERATOR other.= (LEFTARG = text, RIGHTARG = text, FUNCTION = other.eq);
CREATE OPERATOR other.>= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = other.ge);
CREATE OPERATOR other.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = other.ge);
CREATE OPERATOR other.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = other.ge);
CREATE FUNCTION other.steals(parent regclass, partition text, bounds text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM other.sings('hook');
    BEGIN
        EXECUTE 'RESET ROLE';
        PERFORM other.sings('reset role');
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    BEGIN
        EXECUTE 'SET SESSION AUTHORIZATION DEFAULT';
        PERFORM other.sings('reset session authorization');
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    PERFORM set_config('search_path', 'other, pg_catalog', false);
    RETURN true;
END $$;
CREATE TABLE other.trapped (id int CHECK (other.sings('check')), at timestamptz NOT NULL, note boolean DEFAULT other.sings('default')) PARTITION BY RANGE (at);
CREATE TABLE other.trapped_rest PARTITION OF other.trapped DEFAULT;
INSERT INTO other.trapped VALUES (1, '1999-01-01', false);
SELECT future_periods FROM steward.manage_partitions('other.trapped', '1 day', 1, keep => '0 days', options => '{"grace": "0", "max_drop_percent": 100,
    "before_create": "other.steals", "after_create": "other.steals", "before_drop": "other.steals", "after_drop": "other.steals"}');
DO $$ BEGIN EXECUTE format('CREATE TABLE other.trapped_old PARTITION OF other.trapped FOR VALUES FROM (%L) TO (%L)', current_date - 2, current_date - 1); END $$;
RESET ROLE;
DELETE FROM own_canary;
SET search_path = other, pg_catalog, public;
SELECT outcome, pg_catalog.count(*) FROM maintain_partitions() WHERE parent OPERATOR(pg_catalog.=) 'other.trapped' GROUP BY 1;
SELECT create_future_partitions('other.trapped', 3);
BEGIN;
SELECT create_future_partitions('other.trapped', 4);
SELECT drop_old_partitions('other.trapped', 0);
COMMIT;
SELECT future_periods FROM steward.manage_partitions('own.events', '1 day', 2, keep => '9 days', options => '{"grace": "1 day", "start": null}');
SELECT create_future_partitions('own.events', 9);
SELECT pg_catalog.count(*) FROM steward.partition_plan('own.events');
SELECT drop_old_partitions('own.events', 0);
SELECT steward.restore_partition('own.events_old3');
SELECT steward.empty_trash();
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM partition_info;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM get_partition_stats();
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>=) 0 FROM steward.partition_drift;
SELECT steward.unmanage_partitions('own.events');
SHOW search_path;
RESET search_path;
-- Only what belongs to its owner's own table sang, and only as its owner; the rest kept silent.
SELECT who, what FROM own_canary GROUP BY 1, 2 ORDER BY 1, 2;
SELECT to_regclass('other.trapped_old');

DROP TABLE own_canary;
DROP SCHEMA own, other CASCADE;
DROP ROLE steward_member, steward_owner, steward_other;
DROP FUNCTION said;
SELECT count(*) FROM steward.partition_sets;
SELECT count(*) FROM steward.partition_trash;
