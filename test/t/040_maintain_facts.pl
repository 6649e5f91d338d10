# SPDX-License-Identifier: PostgreSQL
#
# What the server forgets by an immediate stop and by a promotion is remembered; the plan waits for no lock and names who holds it;
# tables of others are neither shown nor explained.
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
$node->append_conf('postgresql.conf', "autovacuum = off\nhot_standby_feedback = off");
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE TABLE worn (id integer PRIMARY KEY);
    INSERT INTO worn SELECT generate_series(1, 10000);
    CREATE UNLOGGED TABLE fleeting AS SELECT id FROM worn;
});
$node->safe_psql('postgres', 'VACUUM ANALYZE worn');
$node->safe_psql('postgres', 'VACUUM ANALYZE fleeting');
$node->safe_psql('postgres', 'DELETE FROM worn WHERE id <= 5000; DELETE FROM fleeting WHERE id <= 5000');
wait_for($node, "pg_stat_get_dead_tuples('worn'::regclass) = 5000 AND pg_stat_get_dead_tuples('fleeting'::regclass) = 5000", 'the statistics');
cmp_ok($node->safe_psql('postgres', 'SELECT steward.remember_statistics()'), '>', 0, 'counters are noted');

my $plan = q{SELECT string_agg(action || ' ' || object || ' ' || round(score::numeric, 1) || ' ' || (reason LIKE '%before the server lost its counters%'), ', ' ORDER BY object, action)
    FROM steward.maintenance_plan() WHERE object IN ('public.worn', 'public.fleeting')};
is($node->safe_psql('postgres', $plan), 'analyze public.fleeting 4.8 false, vacuum public.fleeting 2.4 false, analyze public.worn 4.8 false, vacuum public.worn 2.4 false',
    'before');

# A standby that knows nothing but what is in the tables.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
like($standby->safe_psql('postgres', q{SELECT count(*) FROM steward.maintenance_plan()}), qr/^\d+$/, 'the plan on a standby');
like($standby->safe_psql('postgres', q{SELECT count(*) FROM steward.wraparound}), qr/^\d+$/, 'and wraparound');
my (undef, undef, $refusal) = $standby->psql('postgres', 'SELECT steward.remember_statistics()');
like($refusal, qr/cannot execute steward.remember_statistics\(\) during recovery/, 'a standby notes nothing');
like($node->safe_psql('postgres', q{SELECT sql FROM steward.maintenance_plan(actions => '{vacuum}') WHERE object = 'public.worn'}),
    qr/^VACUUM \(TRUNCATE false\) public\.worn$/, 'no truncation under the queries of a standby');

$standby->promote;
my $lost = 'analyze public.worn 4.8 true, vacuum public.worn 2.4 true';
is($standby->safe_psql('postgres', $plan), $lost, 'a promoted standby remembers');
$standby->stop;

$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', q{SELECT pg_stat_get_dead_tuples('worn'::regclass)}), 0, 'the server has forgotten');
is($node->safe_psql('postgres', $plan), $lost, 'after an immediate stop the plan remembers');
$node->safe_psql('postgres', 'SELECT steward.remember_statistics()');
is($node->safe_psql('postgres', $plan), $lost, 'over the next note as well');
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', $plan), $lost, 'and over the next crash');
$node->safe_psql('postgres', q{CALL steward.maintain(actions => '{vacuum}')});
like($node->safe_psql('postgres', q{SELECT outcome || ' for ' || reason FROM steward.maintenance_ledger WHERE object = 'public.worn'}),
    qr/^done for .*from before the server lost its counters/, 'maintenance goes by it');
wait_for($node, "pg_stat_get_vacuum_count('worn'::regclass) = 1", 'the vacuum to be counted');
# Of half as many rows.
is($node->safe_psql('postgres', $plan), 'analyze public.worn 9.1 true', 'until it is done');

# Locks: the plan waits for none and says who holds it.
$node->safe_psql('postgres', "DELETE FROM worn WHERE id <= 9000");
wait_for($node, "pg_stat_get_dead_tuples('worn'::regclass) = 4000", 'the statistics');
my $holder = session($node, 'holder', 'BEGIN', 'LOCK TABLE worn', 'SELECT pg_sleep(600)');
my $pid = pid_of($node, q{application_name = 'holder' AND wait_event = 'PgSleep'});
my $blocked = $node->safe_psql('postgres', q{SELECT verdict, detail FROM steward.maintenance_plan(actions => '{vacuum}') WHERE object = 'public.worn'});
like($blocked, qr/^blocked\|process $pid \(active for [\d.]+ s\) holds ACCESS EXCLUSIVE on it$/, 'who is in the way');
like($node->safe_psql('postgres', q{SELECT detail FROM steward.why_not('worn') WHERE action = 'vacuum'}), qr/^process $pid /, 'why_not() says it too');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
finish($holder);

# A prepared transaction keeps a concurrent rebuild waiting, and no vacuum.
$node->safe_psql('postgres', q{
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'worn_pkey'::regclass;
    BEGIN; INSERT INTO worn VALUES (20000); PREPARE TRANSACTION 'stuck'});
is($node->safe_psql('postgres', q{SELECT string_agg(action || ' ' || verdict || coalesce(' ' || detail, ''), ', ' ORDER BY action) FROM steward.maintenance_plan(actions => '{vacuum,reindex}') WHERE object LIKE 'public.worn%'}),
    "reindex blocked prepared transaction 'stuck' has used it, and a concurrent rebuild waits for its end, vacuum run", 'a prepared transaction');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'stuck'");
is($node->safe_psql('postgres', q{SELECT verdict FROM steward.maintenance_plan(actions => '{reindex}') WHERE object = 'public.worn_pkey'}), 'run', 'gone, it is rebuilt');
is($node->safe_psql('postgres', q{SELECT verdict FROM steward.maintenance_plan(actions => '{reindex}', disk_bytes => 0) WHERE object = 'public.worn_pkey'}),
    'no disk left', 'unless there is no room');

# What has been found of an index's bloat decides on its rebuild.
$node->safe_psql('postgres', q{
    CREATE TABLE bloated (id integer PRIMARY KEY); INSERT INTO bloated SELECT generate_series(1, 600000);
    INSERT INTO steward.bloat_estimates (relation_oid, method, file_node, taken_at, relation_bytes, pages_read, bloat_share_low, bloat_share, bloat_share_high)
    VALUES ('bloated_pkey'::regclass, 'sample', pg_relation_filenode('bloated_pkey'), now(), pg_relation_size('bloated_pkey'), 400, 0.5, 0.55, 0.6)});
is($node->safe_psql('postgres', q{SELECT verdict, score, reason LIKE '50 to 60 % of its % would be freed', sql FROM steward.maintenance_plan(actions => '{reindex}') WHERE object = 'public.bloated_pkey'}),
    'run|1|t|REINDEX INDEX CONCURRENTLY public.bloated_pkey', 'a bloated index');

# Roles.
$node->safe_psql('postgres', q{
    CREATE ROLE owner LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE watcher LOGIN IN ROLE pg_monitor; CREATE ROLE landlord LOGIN;
    CREATE TABLE theirs AS SELECT generate_series(1, 10) AS id; ALTER TABLE theirs OWNER TO owner;
    CREATE DATABASE other OWNER landlord});
my $seen = q{SELECT count(*) FILTER (WHERE object = 'public.theirs') || ' of ' || (count(*) > 1) FROM steward.maintenance_plan()};
my %sees = (owner => '1 of false', stranger => '0 of false', watcher => '0 of false', postgres => '1 of true');
for my $role (sort keys %sees) {
    is($node->safe_psql('postgres', $seen, extra_params => [ '-U', $role ]), $sees{$role}, "what $role sees");
}
my @explained = map { my ($status) = $node->psql('postgres', q{SELECT count(*) FROM steward.why_not('theirs')}, extra_params => [ '-U', $_ ]); "$_ $status" }
    'owner', 'stranger', 'watcher';
is("@explained", 'owner 0 stranger 3 watcher 0', 'who is told why');
$node->safe_psql('other', q{CREATE EXTENSION pg_steward; CREATE TABLE theirs AS SELECT generate_series(1, 10) AS id; ALTER TABLE theirs OWNER TO owner});
is($node->safe_psql('other', q{SELECT count(*) FROM steward.maintenance_plan() WHERE object = 'public.theirs'}, extra_params => [ '-U', 'landlord' ]),
    1, 'the owner of a database sees all of its tables');
SKIP: {
    skip 'pg_maintain came with PostgreSQL 17', 2 if $node->safe_psql('postgres', 'SHOW server_version_num') < 170000;
    $node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN IN ROLE pg_maintain; GRANT MAINTAIN ON theirs TO stranger');
    is($node->safe_psql('postgres', $seen, extra_params => [ '-U', 'keeper' ]), '1 of true', 'pg_maintain');
    is($node->safe_psql('postgres', $seen, extra_params => [ '-U', 'stranger' ]), '1 of false', 'MAINTAIN');
}

quiet_log($node, qr/must be owner of table|terminating connection|FATAL:  the database system/);
$node->stop;
done_testing();
