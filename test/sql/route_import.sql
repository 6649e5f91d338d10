-- SPDX-License-Identifier: PostgreSQL
-- Nodes that other tools know. Their tables are made by hand in the shape they have there.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE ROLE steward_route_anybody;
SELECT format('host=%s port=%s dbname=%s', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) AS here,
    (SELECT system_identifier FROM pg_control_system()) AS ours \gset

-- What is refused.
SELECT * FROM steward.import_nodes('zookeeper');
SELECT * FROM steward.import_nodes(NULL);
SELECT * FROM steward.import_nodes('patroni');
SELECT * FROM steward.import_nodes('patroni', 'https://127.0.0.1:8008');
SELECT * FROM steward.import_nodes('patroni', 'http://user:secret@127.0.0.1:8008');
SELECT * FROM steward.import_nodes('patroni', 'http://127.0.0.1:1');
SELECT * FROM steward.import_nodes('pg_auto_failover');
SELECT * FROM steward.import_nodes('pg_auto_failover', 'this is nothing');
SELECT * FROM steward.import_nodes('pg_auto_failover', 'host=127.0.0.1 port=1 password=secret');
SELECT * FROM steward.import_nodes('pg_auto_failover', :'here');
SELECT * FROM steward.import_nodes('repmgr');
SELECT * FROM steward.import_nodes('repmgr', NULL, '{"password": "secret"}');
SET ROLE steward_route_anybody;
SELECT * FROM steward.import_nodes('repmgr');
SELECT steward.register_standby('a', 'db1', 5432);
RESET ROLE;

-- repmgr's own connections have roles, databases and passwords of its own: none of them is taken.
CREATE SCHEMA repmgr;
CREATE TABLE repmgr.nodes (node_id integer PRIMARY KEY, upstream_node_id integer, active boolean NOT NULL DEFAULT true, node_name text NOT NULL,
    type text NOT NULL, location text NOT NULL DEFAULT 'default', priority integer NOT NULL DEFAULT 100, conninfo text NOT NULL, repluser text, slot_name text, config_file text);
INSERT INTO repmgr.nodes (node_id, node_name, type, conninfo, active) VALUES
    (1, 'db1', 'primary', 'host=10.0.0.1 user=repmgr dbname=repmgr password=secret connect_timeout=2 sslmode=require', true),
    (2, 'db2', 'standby', 'postgresql://repmgr@10.0.0.2:5433/repmgr', true), (3, 'gone', 'standby', 'host=10.0.0.3', false),
    (4, 'w', 'witness', 'host=10.0.0.4', true), (5, 'bad', 'standby', 'this is nothing', true);
SELECT * FROM steward.import_nodes('repmgr');
SELECT count(*) FROM steward.nodes;
SELECT * FROM steward.import_nodes('repmgr', NULL, '{"user": "watcher"}', dry_run => false);
SELECT name, host, port, options FROM steward.nodes ORDER BY name;
SELECT * FROM steward.import_nodes('repmgr', :'here', dry_run => false);
UPDATE repmgr.nodes SET conninfo = 'host=10.0.0.22 port=5433' WHERE node_id = 2;
DELETE FROM repmgr.nodes WHERE node_id <> 2;
SELECT * FROM steward.import_nodes('repmgr', dry_run => false);
SELECT name, host, port, options FROM steward.nodes ORDER BY name;
SELECT steward.remove_node(name) FROM steward.nodes;

-- The monitor of pg_auto_failover keeps several clusters, a group of nodes each; one that is yet to be built has no system of its own.
CREATE SCHEMA pgautofailover;
CREATE TABLE pgautofailover.node (formationid text DEFAULT 'default', nodeid bigint PRIMARY KEY, groupid integer, nodename text, nodehost text, nodeport integer,
    sysidentifier bigint, goalstate text, reportedstate text);
INSERT INTO pgautofailover.node (nodeid, groupid, nodename, nodehost, nodeport, sysidentifier, goalstate, reportedstate) VALUES
    (1, 0, 'other', '10.1.0.1', 5432, 7, 'single', 'single'), (2, 1, 'new', '10.1.0.2', 5432, NULL, 'wait_standby', 'init');
\set VERBOSITY terse
SELECT * FROM steward.import_nodes('pg_auto_failover', :'here');
\set VERBOSITY default
INSERT INTO pgautofailover.node (nodeid, groupid, nodename, nodehost, nodeport, sysidentifier, goalstate, reportedstate) VALUES
    (3, 2, 'node_1', '10.1.0.3', 5432, :ours, 'wait_primary', 'primary'), (4, 2, 'node_2', '10.1.0.4', 5432, NULL, 'wait_standby', 'init'), (5, 2, 'gone', '10.1.0.5', 5432, :ours, 'dropped', 'secondary');
SELECT * FROM steward.import_nodes('pg_auto_failover', :'here');
SELECT count(*) FROM steward.import_nodes('pg_auto_failover', :'here', '{"user": "watcher"}', dry_run => false);
SELECT name, host, port, options FROM steward.nodes ORDER BY name;
SELECT steward.remove_node(name) FROM steward.nodes;

-- In its first versions a node was named by its host.
ALTER TABLE pgautofailover.node DROP COLUMN nodehost, DROP COLUMN sysidentifier;
DELETE FROM pgautofailover.node WHERE nodeid <> 3;
UPDATE pgautofailover.node SET nodename = '10.1.0.3';
SELECT * FROM steward.import_nodes('pg_auto_failover', :'here');

-- Only a standby registers itself.
SELECT steward.register_standby('a', 'db1', 5432);
SELECT steward.register_standby('a', NULL, 5432);
DROP SCHEMA repmgr, pgautofailover CASCADE;
DROP ROLE steward_route_anybody;
