# SPDX-License-Identifier: PostgreSQL
#
# What the TAP tests of maintenance share: a server whose tables nobody else maintains, steps that take as long as wanted,
# and what the ledger says.
package MaintainTest;
use strict;
use warnings;
use Exporter 'import';
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;

our @EXPORT = qw(maintain_node wait_for_counts untidy slow_table hold_up let_go ledger planned call_maintain worker_pid);

sub maintain_node {
    my ($name, @settings) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
    $node->init(allows_streaming => 1);
    $node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'max_worker_processes = 16',
        'autovacuum = off', 'restart_after_crash = on',
        # How busy the machine is decides nothing here.
        'steward.maintain_max_load = 0', @settings));
    $node->start;
    $node->safe_psql('postgres', 'CREATE EXTENSION pg_steward');
    # The ledger's own tables are maintained too, when it is time.
    $node->safe_psql('postgres', 'VACUUM ANALYZE');
    return $node;
}

# What was changed since the last ANALYZE: before 15 the server counts it a little later.
sub wait_for_counts {
    my ($node, $table, $db) = @_;
    wait_for($node, "pg_stat_get_mod_since_analyze('$table'::regclass) > 0", "the changes of $table", $db);
    return;
}

# A table of so many rows, analysed, half of which are dead since.
sub untidy {
    my ($node, $table, $rows, $db) = @_;
    $node->safe_psql($db // 'postgres', "CREATE TABLE $table AS SELECT i, repeat('x', 100) AS filler FROM generate_series(1, $rows) i");
    $node->safe_psql($db // 'postgres', "VACUUM ANALYZE $table");
    $node->safe_psql($db // 'postgres', "DELETE FROM $table WHERE i % 2 = 0");
    wait_for_counts($node, $table, $db);
}

# A table with an index over 1,000 rows, whose expression is slow while it is held up: an ANALYZE and a rebuild take minutes then.
sub slow_table {
    my ($node, $table) = @_;
    $node->safe_psql('postgres', qq{
        CREATE FUNCTION public.slow(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$
            BEGIN
                IF NOT pg_try_advisory_xact_lock_shared(42) THEN PERFORM pg_sleep(0.2); END IF;
                RETURN i;
            END\$\$;
        CREATE TABLE $table AS SELECT i FROM generate_series(1, 1000) i;
        CREATE INDEX t_slow ON $table (public.slow(i))});
    wait_for_counts($node, $table);
}

sub hold_up {
    my $node = shift;
    my $holder = session($node, 'hold_up', 'SELECT pg_advisory_lock(42)', 'SELECT pg_sleep(600)');
    wait_for($node, q{EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND mode = 'ExclusiveLock' AND granted)}, 'the holdup');
    return $holder;
}

sub let_go {
    my ($node, $holder) = @_;
    $node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hold_up'});
    finish($holder);
    wait_for($node, q{NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND mode = 'ExclusiveLock')}, 'the end of the holdup');
}

sub ledger {
    my ($node, $where) = @_;
    return $node->safe_psql('postgres', "SELECT string_agg(action || ' ' || object || ' ' || outcome, ', ' ORDER BY step_id)
        FROM steward.maintenance_ledger" . ($where ? " WHERE $where" : ''));
}

sub planned {
    my ($node, $arguments, $where) = @_;
    return $node->safe_psql('postgres', "SELECT string_agg(action || ' ' || object || ' ' || verdict, ', ' ORDER BY step)
        FROM steward.maintenance_plan($arguments)" . ($where ? " WHERE $where" : ''));
}

# Returns the exit status and what it said.
sub call_maintain {
    my ($node, $arguments, $db) = @_;
    my ($status, $stdout, $stderr) = $node->psql($db // 'postgres', 'CALL steward.maintain(' . ($arguments // '') . ')');
    return ($status, $stderr);
}

sub worker_pid { return pid_of(shift, q{backend_type = 'pg_steward' AND query ~ '^(VACUUM|ANALYZE|REINDEX)'}); }

1;
