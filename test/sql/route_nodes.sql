-- SPDX-License-Identifier: PostgreSQL
-- Nodes: what is registered and what is refused; and what the views show where this server is the only one.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE ROLE steward_route_monitor;
GRANT pg_monitor TO steward_route_monitor;
CREATE ROLE steward_route_anybody;
\set unchecked '''{"check": false}'''

-- What is refused.
SELECT steward.register_node('', 'db1', 5432);
SELECT steward.register_node(repeat('n', 64), 'db1', 5432);
SELECT steward.register_node(NULL, 'db1', 5432);
SELECT steward.register_node('a', NULL, 5432);
SELECT steward.register_node('a', 'db1', NULL);
SELECT steward.register_node('a', 'db1', 5432, NULL);
SELECT steward.register_node('a', '', 5432);
SELECT steward.register_node('a', 'db1,db2', 5432);
SELECT steward.register_node('a', 'postgresql://user:secret@db1/app', 5432);
SELECT steward.register_node('a', 'host=db1 password=secret', 5432);
SELECT steward.register_node('a', 'db1', 0);
SELECT steward.register_node('a', 'db1', 65536);
SELECT steward.register_node('a', 'db1', 5432, '[]');
SELECT steward.register_node('a', 'db1', 5432, '{"password": "secret"}');
SELECT steward.register_node('a', 'db1', 5432, '{"sslpassword": "secret"}');
SELECT steward.register_node('a', 'db1', 5432, '{"connect_timeout": "10"}');
SELECT steward.register_node('a', 'db1', 5432, '{"user": 7}');
SELECT steward.register_node('a', 'db1', 5432, '{"user": ""}');
SELECT steward.register_node('a', 'db1', 5432, '{"check": "no"}');
SELECT steward.remove_node('a');
-- What cannot be asked is not registered: nobody listens there.
\set VERBOSITY terse
INSERT INTO steward.nodes (name, host, port, options) VALUES ('a', 'db1', 5432, '{"password": "secret"}');
SELECT steward.register_node('a', '127.0.0.1', 1);
SELECT steward.register_node('a', '/nowhere', 5432);
\set VERBOSITY default
SELECT count(*) FROM steward.nodes;

-- What is registered.
SELECT steward.register_node('a', '127.0.0.1', 1, '{"check": false, "user": "watcher", "sslmode": "require"}');
SELECT steward.register_node('a', '127.0.0.1', 2, :unchecked);
SELECT steward.register_node('b', '127.0.0.1', 1, :unchecked);
SELECT name, host, port, options, registered_by = current_user AS by_me FROM steward.nodes;
BEGIN;
SELECT steward.register_node('c', '127.0.0.1', 3, :unchecked);
PREPARE TRANSACTION 'route';
SELECT steward.register_node('n' || n, '127.0.0.1', 100 + n, :unchecked) FROM generate_series(1, 64) n;

-- Whoever may not write the table may not register; the functions are nobody's by default.
SET ROLE steward_route_anybody;
SELECT steward.register_node('d', '127.0.0.1', 4, :unchecked);
SELECT steward.remove_node('a');
SELECT * FROM steward.node_facts();
SELECT count(*) FROM replication_status;
SELECT count(*) FROM steward.topology_events;
SELECT count(*) FROM steward.topology_events_seen();
RESET ROLE;
GRANT EXECUTE ON FUNCTION steward.register_node(text, text, integer, jsonb) TO steward_route_anybody;
SET ROLE steward_route_anybody;
SELECT steward.register_node('d', '127.0.0.1', 4, :unchecked);
RESET ROLE;

-- This server, which answers to itself, and finds that it does.
SELECT steward.register_node('self', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port')::integer);
DO $$ BEGIN
    FOR i IN 1 .. 600 LOOP
        IF (SELECT count(*) FILTER (WHERE state = 'up') = 1 AND count(*) FILTER (WHERE state = 'down') = 1 FROM replication_status WHERE node_name IN ('a', 'self')) THEN RETURN; END IF;
        PERFORM pg_sleep(0.1);
    END LOOP;
    RAISE 'the prober does not know the nodes';
END $$;
SET ROLE steward_route_monitor;
SELECT node_name, role, state, verdict, detail IS NOT NULL AS has_detail FROM replication_status ORDER BY node_name;
SELECT timeline > 0 AS has_timeline, flush_lsn > '0/0' AS has_written, replay_lsn, slot_name, last_contact = now() AS now FROM replication_status WHERE node_name = 'self';
SELECT node_name, lag_bytes, lag_seconds, lag_kind, status FROM replica_lag_status;
SELECT is_standby, is_replay_paused, instance <> 0 AS has_instance, flush_lsn > '0/0' AS has_written, replay_lsn, ages FROM steward.node_facts();
-- What happened is told by each server, and written down by a primary.
SELECT node_name, event, severity, timeline, lsn, other_node, detail IS NOT NULL AS has_detail, jsonb_typeof(known) FROM steward.topology_events WHERE node_name = 'a';
-- Nobody is behind who has all, and it is not known since when that has been missing which was written before the first sample.
SELECT ages FROM steward.node_facts(ARRAY['FFFFFFFF/FFFFFFFF', '0/1', NULL]::pg_lsn[]);
RESET ROLE;

SELECT steward.remove_node(name) FROM steward.nodes;
SELECT node_name, role FROM replication_status;
DROP OWNED BY steward_route_anybody;
DROP ROLE steward_route_monitor, steward_route_anybody;
