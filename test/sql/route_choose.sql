-- SPDX-License-Identifier: PostgreSQL
-- Where clients are sent: what is refused, and what is answered where this server is the only one.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE ROLE steward_choose_monitor;
GRANT pg_monitor TO steward_choose_monitor;
CREATE ROLE steward_choose_anybody;

-- What is refused.
SELECT * FROM get_optimal_connection(true, strategy => 'random');
SELECT * FROM get_optimal_connection(true, strategy => '');
SELECT * FROM get_optimal_connection(true, max_staleness => '-1 second');
SELECT * FROM get_optimal_connection(true, max_staleness => '1 month -31 days');
SELECT * FROM get_optimal_connection(true, max_rows => 0);
SELECT * FROM get_optimal_connection(false, max_rows => -2147483648);
SELECT * FROM get_optimal_connection(NULL);
SELECT * FROM get_optimal_connection(true, min_lsn => 'x');
SELECT * FROM steward.node_candidates(max_staleness => '-1 microsecond');

-- Nobody is known.
SELECT node_name FROM get_optimal_connection(true);
SELECT node_name FROM get_optimal_connection(false);
SELECT count(*) FROM steward.connection_candidates;

-- This server by the directory of its socket, and another one that is not there.
SELECT steward.register_node('self', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port')::integer, '{"zone": "here", "weight": 200}');
CREATE FUNCTION wait_for(condition text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    holds boolean;
BEGIN
    FOR i IN 1 .. 600 LOOP
        EXECUTE 'SELECT coalesce((' || condition || '), false)' INTO holds;
        IF holds THEN RETURN; END IF;
        PERFORM pg_sleep(0.1);
    END LOOP;
    RAISE 'in vain: %', condition;
END $$;
SELECT wait_for($$ (SELECT bool_and(for_writes) FROM steward.connection_candidates) $$);
SELECT node_name, role, lag_bytes, lag_seconds, lag_kind, replay_lsn, timeline > 0 AS has_timeline, reason ~ '^the primary of timeline \d+, by 1 of 1 votes$' AS is_right,
    jdbc_url, valid_until > as_of AS is_valid, topology_epoch > 0 AS has_epoch FROM get_optimal_connection(false);
SELECT node_name, role, reason ~ '^the primary: no standby answers, zone here, \d+ of \d+ connections$' AS is_right FROM get_optimal_connection(true);
SELECT reason ~ '^the primary: no standby answers and is at most 2.000 s behind and has replayed FFFFFFFF/0' AS is_right FROM get_optimal_connection(true, '2 s', 'FFFFFFFF/0');
SELECT node_name FROM get_optimal_connection(true, '1000 years', NULL, 'nowhere', 2147483647, 'nearest');
SELECT node_name, reason ~ '^the primary: primary_only' AS is_right FROM get_optimal_connection(true, max_staleness => '0', max_rows => NULL, strategy => 'primary_only');
SELECT replace(replace(connection_string, current_setting('port'), 'PORT'), host, 'HOST') AS connection_string,
    replace(connection_uri, current_setting('port'), 'PORT') = 'postgresql://' || replace(host, '/', '%2F') || ':PORT/' || current_database() || '?target_session_attrs=read-write' AS is_uri,
    multi_host_uri = connection_uri AS is_alone FROM get_optimal_connection();
SELECT node_name, role, for_writes, for_reads, read_reason ~ '^the primary: where no standby can be taken' AS is_right, node_zone, weight, is_in_maintenance, is_this_server, max_connections > 0 AS has_connections FROM steward.connection_candidates;

-- One that does not answer takes half the votes with it, unless it is known to be away.
SELECT steward.register_node('gone', '127.0.0.1', 1, '{"check": false}');
SELECT wait_for($$ (SELECT count(*) = 2 AND NOT bool_or(for_writes) FROM steward.connection_candidates) $$);
SELECT node_name, for_writes, write_reason, for_reads, read_reason FROM steward.connection_candidates WHERE node_name = 'gone';
SELECT write_reason FROM steward.connection_candidates WHERE node_name = 'self';
SELECT count(*) FROM get_optimal_connection(false);
SELECT count(*) FROM get_optimal_connection(true, '1 hour');
SELECT node_name FROM get_optimal_connection(true);
UPDATE steward.nodes SET options = options || '{"maintenance": true}' WHERE name = 'gone';
SELECT wait_for($$ (SELECT bool_or(for_writes) FROM steward.connection_candidates) $$);
SELECT node_name, reason LIKE '%by 1 of 1 votes' AS is_right, multi_host_uri = connection_uri AS is_alone FROM get_optimal_connection(false);
UPDATE steward.nodes SET options = options || '{"maintenance": true}' WHERE name = 'self';
SELECT wait_for($$ (SELECT bool_and(is_in_maintenance) FROM steward.connection_candidates) $$);
SELECT node_name FROM get_optimal_connection(false);
SELECT node_name FROM get_optimal_connection(true);
SELECT node_name, write_reason, read_reason FROM steward.connection_candidates;

-- Who may ask.
SET ROLE steward_choose_anybody;
SELECT count(*) FROM get_optimal_connection(true);
SELECT count(*) FROM steward.connection_candidates;
SELECT count(*) FROM steward.node_candidates();
SET ROLE steward_choose_monitor;
SELECT count(*) FROM steward.connection_candidates;
RESET ROLE;

SELECT steward.remove_node(name) FROM steward.nodes;
DROP FUNCTION wait_for(text);
DROP ROLE steward_choose_monitor, steward_choose_anybody;
