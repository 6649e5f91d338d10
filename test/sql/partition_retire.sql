-- SPDX-License-Identifier: PostgreSQL
-- Retention: what leaves a table, where it goes, what keeps it, and how it comes back.
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
CREATE FUNCTION planned(parent regclass, at timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s%s [%s]', action, object, CASE WHEN risk = 'refused' THEN ' refused' ELSE '' END, reason)
    FROM steward.partition_plan(parent, at) WHERE action <> 'create' ORDER BY step
$$;
-- What lies where: attached partitions, what is in the trash, what is left as a table.
CREATE FUNCTION lies(prefix text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s', c.oid::regclass, CASE WHEN c.relispartition THEN 'attached'
        WHEN t.partition IS NULL THEN 'alone' WHEN t.drop_after IS NULL THEN 'in the trash, for ever' ELSE 'in the trash' END)
    FROM pg_class c LEFT JOIN steward.partition_trash t ON t.partition = c.oid
    WHERE c.relname LIKE prefix || '%' AND c.relkind = 'r' ORDER BY c.relname
$$;
-- Five daily partitions around today: _m3 ended two days ago, _m2 yesterday, _m1 at the last midnight, _p0 holds now, _p1 is tomorrow.
CREATE FUNCTION make_days(parent text, key text DEFAULT 'at') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (id int NOT NULL, %I timestamptz NOT NULL) PARTITION BY RANGE (%I)', parent, key, key);
    FOR n IN -3 .. 1 LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', parent || CASE WHEN n < 0 THEN '_m' ELSE '_p' END || abs(n), parent,
            current_date + n, current_date + n + 1);
        EXECUTE format('INSERT INTO %I SELECT i, %L::timestamptz FROM generate_series(1, 10) i', parent, current_date + n);
    END LOOP;
END $$;

-- By hand, on a table that was never registered. Nothing older is nothing to do, the current period stays always.
SELECT make_days('ret_hand');
SELECT drop_old_partitions('ret_hand', 5), drop_old_partitions('ret_hand', 3);
SELECT drop_old_partitions('ret_hand', 1);
SELECT lies('ret_hand');
SELECT count(*) FROM ret_hand;
SELECT drop_old_partitions('ret_hand', 0);
SELECT drop_old_partitions('ret_hand', 0);
SELECT lies('ret_hand');
SELECT partition, parent_table, drop_after - retired_at AS grace, retired_by = current_user AS mine, total_bytes > 0 AS sized FROM steward.trash ORDER BY partition::text;
SELECT action, outcome, count(*), count(sql), count(duration_ms) FROM steward.partition_history WHERE parent_table = 'public.ret_hand' GROUP BY 1, 2;
-- In a transaction block, and taken back.
BEGIN;
SELECT steward.restore_partition('ret_hand_m1');
SELECT drop_old_partitions('ret_hand', 0);
SELECT count(*) FROM ret_hand;
ROLLBACK;
SELECT lies('ret_hand');
-- Back with all rows; a second time there is nothing to restore; another one is in its way.
SELECT steward.restore_partition('ret_hand_m1');
SELECT said('SELECT steward.restore_partition(''ret_hand_m1'')');
SELECT said('SELECT steward.restore_partition(''public.ret_hand_m2'')');
SELECT count(*) FROM ret_hand;
SELECT create_future_partitions('ret_hand', 1);
SELECT gaps FROM get_partition_stats('ret_hand');
ALTER TABLE ret_hand DETACH PARTITION ret_hand_m1;
CREATE TABLE ret_hand_other PARTITION OF ret_hand FOR VALUES FROM (current_date - 1) TO (current_date);
SELECT drop_old_partitions('ret_hand', 0);
DROP TABLE ret_hand_other;
SELECT lies('ret_hand');

-- A hole whose partition lies in the trash is left to it, so that it can come back; other holes, now and later are made.
SELECT make_days('ret_hole');
SELECT missing_partitions FROM steward.manage_partitions('ret_hole', '1 day', 1, options => jsonb_build_object('start', current_date - 3));
SELECT drop_old_partitions('ret_hole', 0);
DROP TABLE ret_hole_m2;
SELECT current_date - 1 AS day1, current_date - 2 AS day2 \gset
SELECT action, reason, sql LIKE format('%%FROM (''%s 00:00:00+00'') TO (''%s 00:00:00+00'')', :'day2', :'day1') FROM steward.partition_plan('ret_hole');
SELECT action, outcome, detail FROM maintain_partitions() WHERE parent = 'public.ret_hole';
SELECT create_future_partitions('ret_hole', 1), (SELECT count(*) FROM steward.partition_plan('ret_hole'));
SELECT partitions, gaps FROM get_partition_stats('ret_hole');
SELECT count(steward.restore_partition(partition::text)) FROM steward.trash WHERE parent_table = 'ret_hole'::regclass;
SELECT partitions, gaps, total_bytes > 0 FROM get_partition_stats('ret_hole');
SELECT count(*) FROM ret_hole;
-- When it is gone for good the hole is one like any other. Numbers, several columns and odd bounds alike.
SELECT drop_old_partitions('ret_hole', 0);
UPDATE steward.partition_trash SET drop_after = now() - interval '1 second' WHERE partition = 'ret_hole_m1'::regclass;
SELECT steward.empty_trash(), create_future_partitions('ret_hole', 1);
CREATE TABLE ret_odd (id bigint NOT NULL, part text NOT NULL) PARTITION BY RANGE (id, part);
CREATE TABLE ret_odd_0 PARTITION OF ret_odd FOR VALUES FROM (0, MINVALUE) TO (100, 'b,)(');
CREATE TABLE ret_odd_100 PARTITION OF ret_odd FOR VALUES FROM (100, 'b,)(') TO (200, 'm');
CREATE TABLE ret_odd_200 PARTITION OF ret_odd FOR VALUES FROM (200, 'm') TO (300, MINVALUE);
INSERT INTO ret_odd SELECT n, 'z' FROM generate_series(0, 290, 10) n;
SELECT missing_partitions FROM steward.manage_partitions('ret_odd', '100', 0, options => '{"start": "0"}');
SELECT drop_old_partitions('ret_odd', 0), create_future_partitions('ret_odd'), gaps FROM get_partition_stats('ret_odd');
SELECT count(*) FROM ret_odd;
DROP TABLE ret_odd_0;
SELECT (SELECT substring(sql from 'FROM .*') FROM steward.partition_plan('ret_odd')), create_future_partitions('ret_odd'), gaps FROM get_partition_stats('ret_odd');
SELECT steward.restore_partition('ret_odd_100');
SELECT count(*) FROM ret_odd;

-- A policy: what was restored by hand is held, the rest goes; too much at once is refused, and by hand is not.
SELECT make_days('ret_policy');
SELECT keeps FROM steward.manage_partitions('ret_policy', '1 day', 1, keep => '1 day');
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.ret_policy';
SELECT lies('ret_policy');
SELECT steward.restore_partition('ret_policy_m3');
SELECT partition_name, state FROM partition_info WHERE parent_table = 'ret_policy'::regclass ORDER BY 1;
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.ret_policy';
SELECT drop_old_partitions('ret_policy');
SELECT lies('ret_policy');
SELECT keeps FROM steward.manage_partitions('ret_policy', keep => '0 days', options => '{"max_drop_percent": 5}');
SELECT action, partition, outcome, detail FROM maintain_partitions() WHERE parent = 'public.ret_policy';
SELECT drop_old_partitions('ret_policy');
SELECT lies('ret_policy');

-- The real upper bound counts: a wide first partition stays until its end is past.
CREATE TABLE ret_wide (day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE ret_wide_all PARTITION OF ret_wide FOR VALUES FROM (MINVALUE) TO ('2024-12-01');
CREATE TABLE ret_wide_2024_12 PARTITION OF ret_wide FOR VALUES FROM ('2024-12-01') TO ('2025-01-01');
CREATE TABLE ret_wide_2025_01 PARTITION OF ret_wide FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE ret_wide_2025_02 PARTITION OF ret_wide FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
SELECT missing_partitions > 1 FROM steward.manage_partitions('ret_wide', keep => '2 months', options => '{"max_drop_percent": 100, "grace": "0"}');
SELECT planned('ret_wide', '2025-01-31');
SELECT planned('ret_wide', '2025-02-01');
SELECT planned('ret_wide', '2025-02-28');
SELECT planned('ret_wide', '2025-03-01');

-- No time in the trash: gone at once, with its outgoing foreign keys stripped first.
CREATE TABLE ret_target (id int PRIMARY KEY);
INSERT INTO ret_target SELECT generate_series(1, 10);
SELECT make_days('ret_now');
ALTER TABLE ret_now ADD FOREIGN KEY (id) REFERENCES ret_target;
SELECT keeps FROM steward.manage_partitions('ret_now', '1 day', 1, keep => '1 day', options => '{"grace": "0", "max_drop_percent": 90}');
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.ret_now';
SELECT lies('ret_now');
BEGIN;
SELECT drop_old_partitions('ret_now', 0);
SELECT lies('ret_now');
ROLLBACK;
SELECT lies('ret_now');

-- The trash is emptied when the time is over.
SELECT steward.empty_trash();
UPDATE steward.partition_trash SET drop_after = now() - interval '1 second' WHERE partition = 'ret_policy_m2'::regclass;
SELECT planned('ret_policy', now()) ~ 'drop public.ret_policy_m2 \[its time in the trash ended';
SELECT steward.empty_trash(), steward.empty_trash();
SELECT to_regclass('ret_policy_m2');
UPDATE steward.partition_trash SET drop_after = now() - interval '1 second' WHERE partition = 'ret_policy_m1'::regclass;
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.ret_policy' AND action <> 'detach';
-- What somebody attached again by hand is not dropped.
UPDATE steward.partition_trash SET drop_after = now() - interval '1 second' WHERE partition = 'ret_hand_m1'::regclass;
DO $$ BEGIN EXECUTE format('ALTER TABLE ret_hand ATTACH PARTITION ret_hand_m1 FOR VALUES FROM (%L) TO (%L)', current_date - 1, current_date); END $$;
SELECT steward.empty_trash();
SELECT lies('ret_hand_m1');

-- A worker killed before it could start the grace: the next maintenance does, and never for what is kept for ever.
UPDATE steward.partition_trash SET drop_after = NULL, retired_at = now() - interval '2 days' WHERE partition IN ('ret_hand_m2'::regclass, 'ret_hand_m3'::regclass);
UPDATE steward.partition_trash SET grace = NULL WHERE partition = 'ret_hand_m3'::regclass;
SELECT lies('ret_hand_m');
SELECT planned('ret_hand', now());
SELECT action, partition, outcome, detail FROM maintain_partitions() WHERE parent = 'public.ret_hand';
SELECT lies('ret_hand_m'), planned('ret_hand', now());
SELECT drop_after - retired_at, retired_at > now() - interval '1 hour' FROM steward.trash WHERE partition = 'ret_hand_m2'::regclass;
-- What has been attached by hand for a while is no affair of the trash any more, also when it is detached again.
UPDATE steward.partition_trash SET retired_at = now() - interval '2 days', held_until = NULL WHERE partition = 'ret_hand_m1'::regclass;
SELECT action, partition, outcome, detail FROM maintain_partitions() WHERE parent = 'public.ret_hand';
ALTER TABLE ret_hand DETACH PARTITION ret_hand_m1;
SELECT lies('ret_hand_m'), planned('ret_hand', now());

-- Kept, moved to a schema.
SELECT make_days('ret_keep');
SELECT keeps FROM steward.manage_partitions('ret_keep', '1 day', 1, keep => '1 day', options => '{"retire": "keep"}');
SELECT drop_old_partitions('ret_keep');
SELECT lies('ret_keep');
CREATE SCHEMA "ret Attic";
SELECT make_days('ret_schema');
SELECT keeps FROM steward.manage_partitions('ret_schema', '1 day', 1, keep => '1 day', options => '{"retire": "schema", "retire_to": "ret Attic"}');
SELECT planned('ret_schema', now()) ~ '^(detach public.ret_schema_m[23] \[ends .* it moves to schema ret Attic|move public.ret_schema_m[23] \[it moves)' AS both;
SELECT drop_old_partitions('ret_schema');
SELECT lies('ret_schema');
SELECT steward.restore_partition('"ret Attic".ret_schema_m3');
SELECT lies('ret_schema');
-- What cannot be moved once it has left its table is shown with where it is to go, and tried again until it lies there.
SELECT make_days('ret_move');
CREATE TABLE "ret Attic".ret_move_m2 ();
SELECT keeps FROM steward.manage_partitions('ret_move', '1 day', 1, keep => '1 day', options => '{"retire": "schema", "retire_to": "ret Attic"}');
SELECT said('SELECT drop_old_partitions(''ret_move'')');
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.ret_move';
SELECT action, partition, outcome, detail FROM maintain_partitions() WHERE parent = 'public.ret_move';
SELECT partition, moves_to, drop_after FROM steward.trash WHERE parent_table = 'ret_move'::regclass;
ALTER SCHEMA "ret Attic" RENAME TO ret_gone;
SELECT action, object, reason, risk FROM steward.partition_plan('ret_move');
SELECT action, partition, outcome, detail FROM maintain_partitions() WHERE parent = 'public.ret_move';
ALTER SCHEMA ret_gone RENAME TO "ret Attic";
DROP TABLE "ret Attic".ret_move_m2;
SELECT action, object, sql, estimated_bytes > 0, reason, risk FROM steward.partition_plan('ret_move');
SELECT action, partition, outcome, detail FROM maintain_partitions() WHERE parent = 'public.ret_move';
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.ret_move';
SELECT partition, moves_to, drop_after FROM steward.trash WHERE parent_table = 'ret_move'::regclass;
-- One that lies there already, moved by hand, is only noted; one that was restored stays where it is.
UPDATE steward.partition_trash SET is_to_move = true WHERE parent = 'ret_move'::regclass;
SELECT steward.restore_partition('"ret Attic".ret_move_m3');
SELECT action, partition, outcome FROM maintain_partitions() WHERE parent = 'public.ret_move';
SELECT lies('ret_move'), (SELECT count(*) FROM steward.trash WHERE moves_to IS NOT NULL);

-- An archive: rows, a manifest, never overwritten, dropped only with both.
SELECT current_setting('data_directory') || '/ret_archive' AS archive \gset
COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -rf ret_archive && mkdir ret_archive';
SELECT make_days('ret_archive');
SELECT keeps FROM steward.manage_partitions('ret_archive', '1 day', 1, keep => '1 day', options => jsonb_build_object('retire', 'archive', 'retire_to', :'archive'));
SELECT replace(sql, :'archive', '...') FROM steward.partition_plan('ret_archive') WHERE action = 'archive' ORDER BY step;
SELECT drop_old_partitions('ret_archive');
SELECT lies('ret_archive');
SELECT pg_ls_dir FROM pg_ls_dir(:'archive') ORDER BY 1;
CREATE TABLE ret_back (id int, at timestamptz);
DO $$ BEGIN EXECUTE format('COPY ret_back FROM %L', current_setting('data_directory') || '/ret_archive/public.ret_archive_m3.copy'); END $$;
SELECT count(*), count(DISTINCT at) FROM ret_back;
SELECT m->'table', m->'rows', m->'columns', m->'format', length(m->>'sha256') FROM (SELECT pg_read_file(:'archive' || '/public.ret_archive_m3.copy.manifest')::jsonb) x(m);
CREATE TABLE ret_archive_m3 PARTITION OF ret_archive FOR VALUES FROM (current_date - 3) TO (current_date - 2);
SELECT replace(said('SELECT drop_old_partitions(''ret_archive'')'), :'archive', '...');
SELECT lies('ret_archive');
COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -r ret_archive';

-- Rows elsewhere still point into it: refused, with the key's name. Rows that point elsewhere do not matter.
SELECT make_days('ret_referenced');
ALTER TABLE ret_referenced ADD PRIMARY KEY (id, at);
CREATE TABLE ret_child (id int, at timestamptz, CONSTRAINT "ret child's key" FOREIGN KEY (id, at) REFERENCES ret_referenced);
INSERT INTO ret_child SELECT 1, current_date - 3;
SELECT drop_old_partitions('ret_referenced', 1);
SELECT action, outcome, detail FROM steward.partition_history WHERE parent_table = 'public.ret_referenced' AND outcome <> 'done';
DELETE FROM ret_child;
SELECT drop_old_partitions('ret_referenced', 1);
SELECT lies('ret_referenced');

-- The same when the key names the partition itself.
CREATE TABLE ret_child_direct (id int, at timestamptz);
SELECT make_days('ret_direct');
ALTER TABLE ret_direct ADD PRIMARY KEY (id, at);
ALTER TABLE ret_child_direct ADD CONSTRAINT ret_direct_key FOREIGN KEY (id, at) REFERENCES ret_direct_m3;
INSERT INTO ret_child_direct SELECT 1, current_date - 3;
SELECT drop_old_partitions('ret_direct', 1);
SELECT lies('ret_direct');

-- Hooks: asked before, told after, with a veto.
CREATE TABLE ret_calls (n int GENERATED ALWAYS AS IDENTITY, hook text, parent regclass, partition text, has_bounds boolean);
CREATE FUNCTION ret_before_drop(parent regclass, partition text, bounds text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.ret_calls (hook, parent, partition, has_bounds) VALUES ('before drop', parent, partition, bounds LIKE 'FOR VALUES FROM%');
    RETURN partition NOT LIKE '%m3';
END $$;
CREATE FUNCTION ret_after_drop(parent regclass, partition text, bounds text) RETURNS boolean LANGUAGE sql AS $$
    INSERT INTO public.ret_calls (hook, parent, partition, has_bounds) VALUES ('after drop', parent, partition, bounds LIKE 'FOR VALUES FROM%') RETURNING true
$$;
CREATE FUNCTION ret_before_create(parent regclass, partition text, bounds text) RETURNS boolean LANGUAGE sql AS $$
    INSERT INTO public.ret_calls (hook, parent, partition, has_bounds) VALUES ('before create', parent, 'new', bounds LIKE 'FOR VALUES FROM%') RETURNING true
$$;
CREATE FUNCTION ret_after_create(parent regclass, partition text, bounds text) RETURNS boolean LANGUAGE sql AS $$
    INSERT INTO public.ret_calls (hook, parent, partition, has_bounds) SELECT 'after create', $1, 'is there', to_regclass($2) IS NOT NULL RETURNING true
$$;
SELECT make_days('ret_hooks');
SELECT keeps FROM steward.manage_partitions('ret_hooks', '1 day', 2, keep => '1 day', options => '{"grace": "0", "before_drop": "ret_before_drop",
    "after_drop": "ret_after_drop", "before_create": "ret_before_create", "after_create": "ret_after_create"}');
SELECT drop_old_partitions('ret_hooks');
SELECT create_future_partitions('ret_hooks');
SELECT hook, parent, partition, has_bounds FROM ret_calls ORDER BY n;
SELECT lies('ret_hooks_m');
-- A hook that fails: the step fails, and nothing of it stays.
CREATE OR REPLACE FUNCTION ret_before_drop(parent regclass, partition text, bounds text) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1';
SELECT said('SELECT drop_old_partitions(''ret_hooks'')');
SELECT drop_old_partitions('ret_hooks');
SELECT lies('ret_hooks_m');
DROP FUNCTION ret_before_drop;
SELECT said('SELECT drop_old_partitions(''ret_hooks'')');

-- Numbers: below the largest key.
CREATE TABLE ret_number (id bigint NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE ret_number_0 PARTITION OF ret_number FOR VALUES FROM (0) TO (100);
CREATE TABLE ret_number_100 PARTITION OF ret_number FOR VALUES FROM (100) TO (200);
CREATE TABLE ret_number_200 PARTITION OF ret_number FOR VALUES FROM (200) TO (300);
INSERT INTO ret_number SELECT generate_series(0, 250);
SELECT keeps FROM steward.manage_partitions('ret_number', keep => '100');
SELECT planned('ret_number', now());
SELECT drop_old_partitions('ret_number'), drop_old_partitions('ret_number', 0);
SELECT lies('ret_number');
-- Lists by day.
CREATE TABLE ret_list (day date) PARTITION BY LIST (day);
CREATE TABLE ret_list_1 PARTITION OF ret_list FOR VALUES IN ('2025-01-01', '2025-01-02');
CREATE TABLE ret_list_2 PARTITION OF ret_list FOR VALUES IN ('2025-01-03', NULL);
CREATE TABLE ret_list_3 PARTITION OF ret_list FOR VALUES IN ('2030-01-03');
CREATE TABLE ret_list_rest PARTITION OF ret_list DEFAULT;
SELECT keeps FROM steward.manage_partitions('ret_list', '1 day', 0, keep => '7 days', options => '{"max_drop_percent": 100}');
SELECT planned('ret_list', '2025-01-09 23:59');
SELECT planned('ret_list', '2025-01-10');
SELECT planned('ret_list', '2025-01-11');

DROP TABLE ret_child, ret_child_direct, ret_now, ret_calls;
DROP SCHEMA "ret Attic" CASCADE;
DO $$
DECLARE name regclass;
BEGIN
    FOR name IN SELECT oid FROM pg_class WHERE relname ~ '^ret_' AND relkind IN ('p', 'r') AND NOT relispartition LOOP
        EXECUTE format('DROP TABLE %s CASCADE', name);
    END LOOP;
END $$;
DROP FUNCTION ret_after_drop, ret_before_create, ret_after_create, make_days, lies, planned, said;
SELECT count(*) FROM steward.partition_sets;
SELECT count(*) FROM steward.partition_trash;
