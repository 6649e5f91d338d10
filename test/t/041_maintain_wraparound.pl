# SPDX-License-Identifier: PostgreSQL
#
# Whoever keeps vacuum from freezing is named, with the SQL that ends it; that SQL works.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nwal_level = logical\nrestart_after_crash = on");
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE PROCEDURE burn(count integer) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1 .. count LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$;
});

# The holder of a kind that is at least 100 transactions old; it is what holds this database, and its remedy ends it.
sub held {
    my ($kind, $name, $cure_on) = @_;
    $cure_on //= $node;
    $node->safe_psql('postgres', 'CALL burn(100)');
    my $where = "kind = '$kind' AND xid_age >= 100";
    my $row = $node->safe_psql('postgres', "SELECT name FROM steward.wraparound_blockers WHERE $where");
    like($row, qr/^$name$/, "$kind: named");
    is($node->safe_psql('postgres', q{SELECT held_by, horizon_age >= 100 FROM steward.wraparound WHERE kind = 'database' AND object = 'postgres' AND counter = 'xid'}),
        "$kind $row|t", "$kind: holds the database");
    my $remedy = $node->safe_psql('postgres', "SELECT remedy FROM steward.wraparound_blockers WHERE $where");
    $remedy =~ s/^-- on the standby: //;
    $cure_on->safe_psql('postgres', $remedy);
    wait_for($node, "NOT EXISTS (SELECT FROM steward.wraparound_blockers WHERE $where)", "$kind to be gone");
    pass("$kind: ended by $remedy");
}

is($node->safe_psql('postgres', q{SELECT count(*) FROM steward.wraparound_blockers}), 0, 'nobody is in the way');
is($node->safe_psql('postgres', q{SELECT count(*) FROM steward.wraparound WHERE held_by IS NOT NULL}), 0, 'of anything');

my $session = session($node, 'old', 'BEGIN', 'SELECT txid_current()', 'SELECT pg_sleep(600)');
my $pid = pid_of($node, q{application_name = 'old' AND wait_event = 'PgSleep'});
held('transaction', "of process $pid");
finish($session);

$node->safe_psql('postgres', q{BEGIN; SELECT txid_current(); PREPARE TRANSACTION 'it''s stuck'});
held('prepared transaction', q{'it''s stuck'});

$node->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('left_behind', 'pgoutput')});
held('replication slot', q{'left_behind'});

# Temporary tables: of a session, and of one that crashed.
$session = session($node, 'temporary', 'CREATE TEMPORARY TABLE passing (i integer)', 'SELECT pg_sleep(600)');
$pid = pid_of($node, q{application_name = 'temporary' AND wait_event = 'PgSleep'});
held('temporary table', 'pg_temp_\d+\.passing');
finish($session);
$session = session($node, 'crashing', 'CREATE TEMPORARY TABLE orphan (i integer)', 'SELECT pg_sleep(600)');
$pid = pid_of($node, q{application_name = 'crashing' AND wait_event = 'PgSleep'});
is($node->safe_psql('postgres', q{SELECT pid FROM steward.wraparound_blockers WHERE kind = 'temporary table'}), $pid, 'whose temporary tables');
kill 9, $pid;
finish($session);
wait_for($node, 'true', 'the server to come back');
is($node->safe_psql('postgres', q{SELECT pid IS NULL FROM steward.wraparound_blockers WHERE kind = 'temporary table'}), 't', 'nobody\'s temporary tables');
held('temporary table', 'pg_temp_\d+\.orphan');

# Standbys with feedback, without a slot and with one.
$node->backup('base');
my $standby;
for my $slot ('', 'standby_slot') {
    $standby = PostgreSQL::Test::Cluster->new("standby$slot");
    $standby->init_from_backup($node, 'base', has_streaming => 1);
    $standby->append_conf('postgresql.conf', "hot_standby_feedback = on\nwal_receiver_status_interval = 1s\nmax_standby_streaming_delay = -1");
    if ($slot) {
        $node->safe_psql('postgres', "SELECT pg_create_physical_replication_slot('$slot')");
        $standby->append_conf('postgresql.conf', "primary_slot_name = '$slot'");
    }
    $standby->start;
    $node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
    $session = session($standby, 'reader', 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1', 'SELECT pg_sleep(600)');
    pid_of($standby, q{application_name = 'reader' AND wait_event = 'PgSleep'});
    wait_for($node, q{EXISTS (SELECT FROM steward.wraparound_blockers WHERE kind = 'standby feedback')}, 'feedback');
    held('standby feedback', $slot ? "'$slot'" : q{'standby'}, $standby);
    finish($session);
    $standby->stop;
}

# A slot that nobody reads from any more keeps what it was told last.
like($node->safe_psql('postgres', q{SELECT coalesce(string_agg(remedy, ''), 'nothing') FROM steward.wraparound_blockers WHERE name = '''standby_slot'''}),
    qr/^(nothing|SELECT pg_drop_replication_slot\('standby_slot'\);)$/, 'a left slot');

# The burn rate, from a sample of an hour ago.
$node->safe_psql('postgres', q{
    SELECT steward.remember_statistics();
    UPDATE steward.wraparound_samples SET sampled_at = now() - interval '1 hour', next_xid = next_xid - 1000000;
});
is($node->safe_psql('postgres', q{
    SELECT burnt_per_hour BETWEEN 990000 AND 1010000, forced_vacuum_at BETWEEN now() + interval '180 hours' AND now() + interval '210 hours',
        stops_at > failsafe_at OR failsafe_at IS NULL, stops_at > forced_vacuum_at
    FROM steward.wraparound WHERE kind = 'database' AND object = 'postgres' AND counter = 'xid'}), 't|t|t|t', 'how long it lasts');
is($node->safe_psql('postgres', q{SELECT burnt_per_hour, forced_vacuum_at IS NULL FROM steward.wraparound WHERE kind = 'database' AND object = 'postgres' AND counter = 'multixact'}),
    '0|t', 'what is not used lasts');

# Samples are kept sparsely after a day, and for a month.
$node->safe_psql('postgres', q{
    INSERT INTO steward.wraparound_samples SELECT now() - i * interval '10 minutes', 1, 1 FROM generate_series(10, 6000) i;
    DELETE FROM steward.wraparound_samples WHERE sampled_at > now() - interval '2 minutes';
    SELECT steward.remember_statistics();
});
is($node->safe_psql('postgres', q{SELECT count(*) BETWEEN 830 AND 870, min(sampled_at) > now() - interval '32 days' FROM steward.wraparound_samples}), 't|t', 'a bounded number of samples');

quiet_log($node, qr/terminated by signal 9|terminating|canceling statement|crash of another server process|FATAL:  the database system|WARNING:  (?:terminating|there is no)/);
$node->stop;
done_testing();
