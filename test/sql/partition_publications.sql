-- SPDX-License-Identifier: PostgreSQL
-- Publications that list partitions one by one have the new ones too, as far as the table's owner may change them; what
-- they lack is told by steward.partition_drift, with the SQL that adds it.
SET client_min_messages = error;
\pset format unaligned
\pset tuples_only on

CREATE ROLE pub_owner;
CREATE ROLE pub_other;
CREATE SCHEMA pub AUTHORIZATION pub_owner;
CREATE SCHEMA pub_whole AUTHORIZATION pub_owner;
SELECT format('GRANT CREATE ON DATABASE %I TO pub_owner, pub_other', current_database()) \gexec
GRANT USAGE ON SCHEMA pub TO pub_other;
SET search_path = pub, public;

-- What a publication lists, and what the drift says, one line each.
CREATE FUNCTION lists(publication name) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(r.prrelid::regclass::text, ' ' ORDER BY r.prrelid::regclass::text COLLATE "C") FROM pg_publication p
    JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = publication
$$;
CREATE FUNCTION drifts(parent regclass) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s in %s: %s, expected %s' || E'\n  %s\n  %s', partition, subject, coalesce(actual, 'missing'), expected, repair_sql, lock_mode)
    FROM steward.find_partition_drift(parent) WHERE aspect = 'publication'
$$;
CREATE FUNCTION history(parent text) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT concat_ws(' ', action, partition, outcome, detail) FROM steward.partition_history WHERE parent_table = parent ORDER BY history_id
$$;
-- A numbered table whose "now" is the partition [1000, 2000).
CREATE PROCEDURE make(name text, options text DEFAULT '') LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %s (id int PRIMARY KEY, note text, "Odd Column" int) PARTITION BY RANGE (id)', name);
    EXECUTE format('CREATE TABLE %1$s_0 PARTITION OF %1$s FOR VALUES FROM (0) TO (1000) %2$s', name, options);
    EXECUTE format('CREATE TABLE %1$s_1000 PARTITION OF %1$s FOR VALUES FROM (1000) TO (2000) %2$s', name, options);
    IF options = '' THEN EXECUTE format('INSERT INTO %s VALUES (1500)', name); END IF;
END $$;
-- Column lists, row filters and schemas came with 15: on older servers nothing is done, and what would be seen is said.
CREATE PROCEDURE since_15(statement text) LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('server_version_num')::int >= 150000 THEN EXECUTE statement; END IF;
END $$;
CREATE FUNCTION seen_since_15(query text, expected text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    seen text;
BEGIN
    IF current_setting('server_version_num')::int < 150000 THEN RETURN expected; END IF;
    EXECUTE format('SELECT string_agg(line::text, E''\n'') FROM (%s) q(line)', query) INTO seen;
    RETURN seen;
END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pub TO PUBLIC;

-- A new partition joins the publications of the newest: under odd names as well, with other rows of the plan and without.
SET ROLE pub_owner;
CALL make('events');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE PUBLICATION "Odd ""Pub" FOR TABLE events_0, events_1000;
CREATE PUBLICATION pub_newest FOR TABLE events_1000;
CREATE PUBLICATION pub_oldest FOR TABLE events_0;
CREATE PUBLICATION pub_rest FOR TABLE events_rest;
SELECT reason, s FROM steward.partition_plan('events'), regexp_split_to_table(sql, E';\n') s WHERE object = 'pub.events_2000' AND s ~ 'PUBLICATION';
SELECT create_future_partitions('events', 2);
SELECT lists('Odd "Pub');
SELECT lists('pub_newest');
SELECT lists('pub_oldest'), lists('pub_rest');
SELECT history('pub.events');
SELECT drifts('events');
-- Left out of a publication that has those before it: told, repaired, and quiet again. What is older than all it lists may stay out.
DROP PUBLICATION pub_oldest;
ALTER PUBLICATION "Odd ""Pub" DROP TABLE events_1000, events_3000;
SELECT drifts('events');
SELECT repair_sql FROM steward.find_partition_drift('events') WHERE aspect = 'publication' \gexec
SELECT drifts('events');
-- In the caller's transaction, and gone with it.
BEGIN;
SELECT create_future_partitions('events', 3);
SELECT lists('pub_newest');
ROLLBACK;
SELECT lists('pub_newest');

-- Not the owner of the publication: the partition is made, the publication is left to its owner, and both are said.
CALL make('billing');
RESET ROLE;
CREATE PUBLICATION "Theirs" FOR TABLE billing_0, billing_1000;
ALTER PUBLICATION "Theirs" OWNER TO pub_other;
SET ROLE pub_owner;
CREATE PUBLICATION pub_ours FOR TABLE billing_1000;
SELECT object, reason, risk FROM steward.partition_plan('billing') WHERE step = 1;
SELECT missing_partitions FROM steward.manage_partitions('billing', '1000', 1);
SELECT * FROM maintain_partitions();
SELECT history('pub.billing');
SELECT lists('Theirs'), lists('pub_ours');
SELECT drifts('billing');
-- The next one does not follow those that were left out, the drift goes on.
SELECT create_future_partitions('billing', 2);
SELECT history('pub.billing') OFFSET 1;
SELECT drifts('billing');
RESET ROLE;
SELECT repair_sql FROM steward.find_partition_drift('billing') WHERE aspect = 'publication' \gexec
SELECT drifts('billing');
-- Members of the publication's owner may change it.
GRANT pub_other TO pub_owner;
SET ROLE pub_owner;
SELECT create_future_partitions('billing', 3);
SELECT history('pub.billing') OFFSET 2;
SELECT lists('Theirs');
RESET ROLE;
REVOKE pub_other FROM pub_owner;
DROP PUBLICATION "Theirs";

-- Covered by the parent, by the parent above it, by all tables, by the schema: nothing to add, nothing to tell.
CALL make('covered');
CREATE PUBLICATION pub_parent FOR TABLE covered, covered_0, covered_1000;
CREATE PUBLICATION pub_root FOR TABLE covered, covered_1000 WITH (publish_via_partition_root);
CREATE PUBLICATION pub_all FOR ALL TABLES;
SELECT create_future_partitions('covered', 1);
SELECT lists('pub_parent'), lists('pub_root'), lists('pub_all');
SELECT drifts('covered');
SELECT history('pub.covered');
DROP PUBLICATION pub_all;
CREATE TABLE tree (id int, part int) PARTITION BY LIST (part);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1) PARTITION BY RANGE (id);
CREATE TABLE tree_1_0 PARTITION OF tree_1 FOR VALUES FROM (0) TO (1000);
CREATE TABLE tree_1_1000 PARTITION OF tree_1 FOR VALUES FROM (1000) TO (2000);
CREATE PUBLICATION pub_tree FOR TABLE tree, tree_1_0;
SELECT drifts('tree');
ALTER PUBLICATION pub_tree DROP TABLE tree;
SELECT drifts('tree');
CALL make('pub_whole.seen');
CALL since_15('CREATE PUBLICATION pub_schema FOR TABLE pub_whole.seen_0, pub_whole.seen_1000, TABLES IN SCHEMA pub_whole');
SELECT create_future_partitions('pub_whole.seen', 1);
SELECT seen_since_15('SELECT lists(''pub_schema'')', 'pub_whole.seen_0 pub_whole.seen_1000');
SELECT drifts('pub_whole.seen');
-- The schema of the partitions, another than the parent's.
CALL make('apart');
ALTER TABLE apart_1000 SET SCHEMA pub_whole;
CALL since_15('ALTER PUBLICATION pub_schema DROP TABLE pub_whole.seen_0, pub_whole.seen_1000');
CALL since_15('ALTER PUBLICATION pub_schema ADD TABLE pub.apart_0');
SELECT seen_since_15('SELECT drifts(''apart'')', NULL);

-- Columns and rows are those of the newest; another list or filter is a difference.
CALL make('filtered');
CALL since_15('CREATE PUBLICATION pub_filter FOR TABLE filtered_0 ("Odd Column", id) WHERE (note > ''it''''s'' AND id < 7), filtered_1000 (id, "Odd Column") WHERE (note > ''it''''s'' AND id < 7)');
SELECT create_future_partitions('filtered', 1);
SELECT seen_since_15('SELECT pg_get_expr(prqual, prrelid) || '' '' || prattrs::text FROM pg_publication_rel WHERE prrelid = ''filtered_2000''::regclass',
    '((note > ''it''''s''::text) AND (id < 7)) 1 3');
SELECT drifts('filtered');
CALL since_15('ALTER PUBLICATION pub_filter SET TABLE filtered_0, filtered_1000 (id), filtered_2000 WHERE (id > 1)');
SELECT seen_since_15('SELECT drifts(''filtered'')', E'filtered_0 in pub_filter: all columns and rows, expected WHERE ((id > 1))\n'
    '  BEGIN;\nALTER PUBLICATION pub_filter DROP TABLE pub.filtered_0;\nALTER PUBLICATION pub_filter ADD TABLE pub.filtered_0 WHERE ((id > 1));\nCOMMIT\n  SHARE UPDATE EXCLUSIVE\n'
    'filtered_1000 in pub_filter: (id), expected WHERE ((id > 1))\n'
    '  BEGIN;\nALTER PUBLICATION pub_filter DROP TABLE pub.filtered_1000;\nALTER PUBLICATION pub_filter ADD TABLE pub.filtered_1000 WHERE ((id > 1));\nCOMMIT\n  SHARE UPDATE EXCLUSIVE');
\set ECHO none
SELECT s FROM steward.find_partition_drift('filtered'), regexp_split_to_table(repair_sql, E';\n') s WHERE aspect = 'publication' \gexec
\set ECHO all
SELECT drifts('filtered');
-- Columns that stand elsewhere in a partition are the same columns.
CREATE TABLE filtered_3000 (note text, gone int, "Odd Column" int, id int NOT NULL);
ALTER TABLE filtered_3000 DROP gone;
ALTER TABLE filtered ATTACH PARTITION filtered_3000 FOR VALUES FROM (3000) TO (4000);
CALL since_15('ALTER PUBLICATION pub_filter SET TABLE filtered_0 (id, note), filtered_1000 (id, note), filtered_2000 (id, note), filtered_3000 (id, note)');
SELECT drifts('filtered');

-- Lists: the new partition joins when all others are in. Half of them are enough to tell of the rest.
CREATE TABLE lists (region text NOT NULL) PARTITION BY LIST (region);
SELECT missing_partitions FROM steward.manage_partitions('lists', options => '{"lists": {"europe": ["de", "fr"], "asia": ["jp"]}}');
SELECT create_future_partitions('lists');
CREATE PUBLICATION pub_lists FOR TABLE lists_asia, lists_europe;
CREATE PUBLICATION pub_europe FOR TABLE lists_europe;
CREATE PUBLICATION pub_asia FOR TABLE lists_asia;
SELECT missing_partitions FROM steward.manage_partitions('lists', options => '{"lists": {"europe": ["de", "fr"], "asia": ["jp"], "africa": ["ke"]}}');
SELECT create_future_partitions('lists');
SELECT lists('pub_lists'), lists('pub_europe'), lists('pub_asia');
SELECT drifts('lists');
ALTER PUBLICATION pub_europe ADD TABLE lists_asia;
SELECT drifts('lists');

-- Partitions with partitions of their own are published whole; of their columns and rows only by publish_via_partition_root.
CALL make('sub', 'PARTITION BY HASH (id)');
CREATE TABLE sub_1000_h0 PARTITION OF sub_1000 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO sub VALUES (1500);
CREATE PUBLICATION pub_sub FOR TABLE sub_1000;
SELECT create_future_partitions('sub', 1);
SELECT lists('pub_sub');
SELECT partition, aspect FROM steward.find_partition_drift('sub') WHERE aspect = 'publication';
CALL make('grows');
CALL since_15('CREATE PUBLICATION pub_grows FOR TABLE grows_1000 WHERE (id > 5)');
SELECT missing_partitions FROM steward.manage_partitions('grows', '1000', 1, options => '{"subpartition_by": "HASH (id)", "subpartitions": 1}');
SELECT create_future_partitions('grows');
SELECT seen_since_15('SELECT history(''pub.grows'')',
    'create pub.grows_2000 done a future period; not added to publication pub_grows: it takes columns and rows of a partitioned table only with publish_via_partition_root');
-- A partition with partitions of its own among siblings of which only some columns or rows are published: told, and why it
-- cannot be repaired. With publish_via_partition_root it can.
CALL make('mixed');
CREATE TABLE mixed_2000 PARTITION OF mixed FOR VALUES FROM (2000) TO (3000) PARTITION BY HASH (id);
CREATE TABLE mixed_2000_h0 PARTITION OF mixed_2000 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CALL since_15('CREATE PUBLICATION pub_mixed FOR TABLE mixed_0 WHERE (id > 5), mixed_1000 WHERE (id > 5)');
SELECT seen_since_15('SELECT drifts(''mixed'')', E'mixed_2000 in pub_mixed: missing, expected WHERE ((id > 5))\n'
    '  -- not by this publication: it takes columns and rows of a partitioned table only with publish_via_partition_root\n  none');
\set ECHO none
SELECT repair_sql FROM steward.find_partition_drift('mixed') WHERE aspect = 'publication' \gexec
CALL since_15('ALTER PUBLICATION pub_mixed SET (publish_via_partition_root)');
SELECT repair_sql FROM steward.find_partition_drift('mixed') WHERE aspect = 'publication' \gexec
\set ECHO all
SELECT drifts('mixed');

-- Unlogged tables are never replicated.
CALL make('fleeting');
CREATE UNLOGGED TABLE fleeting_template (LIKE fleeting);
SELECT missing_partitions FROM steward.manage_partitions('fleeting', '1000', 1, options => '{"template": "pub.fleeting_template"}');
CREATE PUBLICATION pub_fleeting FOR TABLE fleeting_1000;
SELECT create_future_partitions('fleeting');
SELECT history('pub.fleeting');
SELECT lists('pub_fleeting');
SELECT drifts('fleeting');

-- Somebody's event trigger does the same, and is first.
CALL make('doubled');
CREATE PUBLICATION pub_doubled FOR TABLE doubled_0, doubled_1000;
CREATE FUNCTION publish_all() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'pub.doubled_2000') THEN
        ALTER PUBLICATION pub_doubled ADD TABLE pub.doubled_2000;
    END IF;
END $$;
CREATE EVENT TRIGGER pub_publishes ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION publish_all();
SELECT create_future_partitions('doubled', 1);
DROP EVENT TRIGGER pub_publishes;
SELECT history('pub.doubled');
SELECT lists('pub_doubled');

-- Nothing is published: nothing is said.
CALL make('quiet');
SELECT create_future_partitions('quiet', 1);
SELECT history('pub.quiet');
SELECT drifts('quiet');

DO $$
DECLARE
    name name;
BEGIN
    FOR name IN SELECT pubname FROM pg_publication WHERE pubname ~ '^pub_|Odd' LOOP EXECUTE format('DROP PUBLICATION %I', name); END LOOP;
END $$;
SELECT count(*) FROM pg_publication;
DROP SCHEMA pub, pub_whole CASCADE;
SELECT format('REVOKE CREATE ON DATABASE %I FROM pub_owner, pub_other', current_database()) \gexec
DROP ROLE pub_owner, pub_other;
