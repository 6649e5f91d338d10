# SPDX-License-Identifier: PostgreSQL
#
# What counting costs is measured and shown, and a session in which that is too much counts less, but each call at top level.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off', 'steward.capture_save_interval = 0',
    'log_statement = none'));
$node->start;
sub sql { return $node->safe_psql('postgres', shift); }
sql(q{
    CREATE EXTENSION pg_steward;
    CREATE ROLE worker LOGIN;
    CREATE TABLE one AS SELECT 1 AS a;
    GRANT ALL ON one TO worker;
    ALTER ROLE worker SET steward.capture = 'all';
    ALTER ROLE worker SET steward.capture_max_overhead = 0;
});
sub of_worker { my ($what, $like) = @_; return sql("SELECT $what FROM steward.queries WHERE role = 'worker' AND query LIKE '$like'"); }

# So many statements within one, and some beside it. That has an id of its own: the loop has a plain 1, whose text it might share.
my $most = 250_000;
sub many {
    my $count = shift;
    return ("DO \$\$ BEGIN FOR i IN 1 .. $count LOOP PERFORM count(*) FROM one; END LOOP; END \$\$", 'SELECT 1 + 2 + 3 AS beside');
}

# ---- Without a limit -------------------------------------------------------------------------------------------------

ok(finish(session($node, 'calm user=worker', many(30_000), many(30_000))), 'a session without a limit');
is(of_worker('calls', 'SELECT count(*) FROM one'), 60_000, 'counts all of it');
is(sql(q{SELECT concat_ws(' ', overhead_ms > 0, overhead_percent > 0, overhead_percent < 100, downshifted_sessions, first_downshift_at IS NULL)
    FROM steward.capture_status}), 't t t 0 t', 'what that costs is known');

# ---- With one that no session can keep -------------------------------------------------------------------------------

sql(q{SELECT steward.reset_queries(); ALTER ROLE worker SET steward.capture_max_overhead = 0.001});
my $gate = session($node, 'gate', 'SELECT pg_advisory_lock(7)', 'SELECT pg_sleep(1000)');
wait_for($node, q{EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted)}, 'the gate');
my $dear = session($node, 'dear user=worker', many($most), 'SELECT 1 + 1 AS new_at_the_end', 'SELECT pg_advisory_lock_shared(7)', many(1000), 'SELECT 1 + 1 AS new_at_the_end');
pid_of($node, q{application_name = 'dear' AND wait_event_type = 'Lock'});
is(sql(q{SELECT concat_ws(' ', downshifted_sessions, first_downshift_at <= now()) FROM steward.capture_status}), '1 t', 'it counts less, as the status says');
my $counted = of_worker('calls', 'SELECT count(*) FROM one');
cmp_ok($counted, '>', 1000, 'at first it has counted what is within others');
cmp_ok($counted, '<', $most, 'and then no more');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate'});
finish($gate);
ok(finish($dear), 'it goes on');
is(of_worker('calls', 'SELECT count(*) FROM one'), $counted, 'without what is within others');
is(of_worker('sum(calls)', 'DO $%'), 2, 'but with each call at top level');
is(of_worker('calls', 'SELECT $1 + $2 + $3 AS beside'), 2, 'of whatever statement');
is(of_worker('calls', 'SELECT $1 + $2 AS new_at_the_end'), 2, 'and a query has its text when it comes again');
wait_for($node, '(SELECT downshifted_sessions = 0 FROM steward.capture_status)', 'the end of the session');
is(sql(q{SELECT concat_ws(' ', first_downshift_at <= now(), overhead_ms > 0) FROM steward.capture_status}), 't t', 'that it happened stays known');

# Another one begins anew.
ok(finish(session($node, 'new user=worker', many(1000))), 'a new session');
is(of_worker('calls', 'SELECT count(*) FROM one'), $counted + 1000, 'counts all of it');

$node->stop;
done_testing();
