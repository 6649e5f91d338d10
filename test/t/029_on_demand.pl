# SPDX-License-Identifier: PostgreSQL
#
# A row lands in the default partition, and soon after it has a partition of its own: no row is lost or doubled, the INSERT
# neither fails nor waits, and what is in the way, crashes or drops puts it off.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_steward'\nautovacuum = off\nmax_worker_processes = 16");
# So that the log says which workers are started.
$node->append_conf('postgresql.conf', 'log_min_messages = debug1');
$node->start;
sub sql { return $node->safe_psql('postgres', shift); }
sql(q{
    CREATE EXTENSION pg_steward;
    CREATE ROLE keeper NOLOGIN;
    CREATE ROLE writer LOGIN;
    GRANT CREATE ON SCHEMA public TO keeper;
    CREATE FUNCTION stuck(regclass, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(600) IS NOT NULL';
    SET ROLE keeper;
    CREATE TABLE events (id bigint, at timestamptz NOT NULL, payload text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_rest PARTITION OF events DEFAULT;
    GRANT SELECT, INSERT ON events TO writer;
    SELECT FROM steward.manage_partitions('events', '1 day', future => 0, timezone => 'UTC', options => '{"on_demand": true}');
    SELECT create_future_partitions('events')});
my $nothing_left = q{NOT EXISTS (SELECT FROM events_rest)};
my $idle = q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pg_steward partitions on demand')};

# Others write, the partitions come by themselves.
my $next = 1;
sub insert {
    my ($days, $rows) = @_;
    my $from = $next;
    $next += $rows;
    return "INSERT INTO events SELECT n, now() + interval '$days days', 'row ' || n FROM generate_series($from, $next - 1) n;";
}
sql('SET SESSION AUTHORIZATION writer; ' . insert(20, 100));
wait_for($node, $nothing_left, 'the first partition');
is(sql(q{SELECT count(*), count(DISTINCT id), count(DISTINCT tableoid) FROM events}), '100|100|1', 'rows have their partition');
is(sql(q{SELECT relowner::regrole FROM pg_class WHERE oid = (SELECT DISTINCT tableoid FROM events)}), 'keeper', 'which is its owner\'s');
like(sql(q{SELECT string_agg(detail, ' ') FROM steward.partition_history WHERE detail ~ 'move'}), qr/100 rows of the default partition move/, 'the history says so');

# Somebody who subscribes to the table, in one piece, has the same rows.
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
without_library($subscriber);
$subscriber->start;
$subscriber->safe_psql('postgres', 'CREATE TABLE events (id bigint, at timestamptz NOT NULL, payload text, PRIMARY KEY (id, at))');
sql('CREATE PUBLICATION whole FOR TABLE events WITH (publish_via_partition_root = true)');
my $publisher = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION here CONNECTION '$publisher' PUBLICATION whole");
wait_for($subscriber, q{NOT EXISTS (SELECT FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's'))}, 'the first copy');

# Many sessions, many days.
my @writers = map { my $day = 30 + $_; session($node, "writer$day", map { insert($day, 50) } 1 .. 5) } 1 .. 4;
ok(finish($_), 'no INSERT fails') for @writers;
wait_for($node, $nothing_left, 'the partitions of all days');
is(sql(q{SELECT count(*), count(DISTINCT id), sum(id) FROM events}), join('|', $next - 1, $next - 1, $next * ($next - 1) / 2), 'every row once');

my $all = 'SELECT count(*), count(DISTINCT id), sum(id) FROM events';
$node->wait_for_catchup('here');
is($subscriber->safe_psql('postgres', $all), sql($all), 'every row once at the subscriber too');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION here');
$subscriber->stop;

# A rolled back transaction asks for nothing: of two tables that nobody has asked for yet, the one asked later gets its worker, and
# no other one is started.
sql(qq{
    CREATE TABLE $_ (at date NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE ${_}_rest PARTITION OF $_ DEFAULT;
    SELECT FROM steward.manage_partitions('$_', '1 day', future => 0, timezone => 'UTC', options => '{"on_demand": true}');
    SELECT create_future_partitions('$_')}) for qw(tried written);
my $started = 'starting background worker process "pg_steward partitions on demand"';
my $before;
# One that was asked for while it worked looks again a second later.
do {
    $before = logged($node, $started);
    sleep 2;
    wait_for($node, $idle, 'the end of earlier work');
} until logged($node, $started) == $before;
cmp_ok($before, '>', 0, 'the log tells of workers');
sql(q{BEGIN; INSERT INTO tried SELECT now() + interval '5 days'; ROLLBACK});
sql(q{BEGIN; SAVEPOINT here; INSERT INTO written SELECT now() + interval '5 days'; ROLLBACK TO here; INSERT INTO written SELECT now() + interval '5 days'; COMMIT});
wait_for($node, 'NOT EXISTS (SELECT FROM written_rest)', 'the partition of the one written');
is(logged($node, $started), $before + 1, 'a rolled back row asks for nothing');

# A long transaction that holds the table puts it off, and keeps nobody waiting.
my $reader = session($node, 'reader', 'BEGIN', 'SELECT count(*) FROM events', 'SELECT pg_sleep(600)');
pid_of($node, q{application_name = 'reader' AND query = 'SELECT pg_sleep(600)'});
sql(insert(70, 10));
wait_for($node, q{EXISTS (SELECT FROM steward.partition_history WHERE outcome = 'postponed')}, 'the postponed step');
is(sql(q{SELECT count(*) FROM events_rest}), '10', 'the rows stay');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reader'});
finish($reader);
wait_for($node, $nothing_left, 'the partition after the reader');

# Far ahead: told, and left.
sql(q{INSERT INTO events VALUES (0, '2199-01-01')});
wait_for($node, q{EXISTS (SELECT FROM steward.partition_history WHERE action = 'leave in default')}, 'the row of 2199');
is(sql(q{SELECT outcome || ': ' || regexp_replace(detail, '\d{4}-\d\d-\d\d \S+', 'then') FROM steward.partition_history WHERE action = 'leave in default' LIMIT 1}),
    'refused: rows from then on stay in the default partition: farther ahead than 100 periods', 'is left where it is');
sql(q{DELETE FROM events WHERE id = 0});

# A crash in the middle of the move leaves all as it was, and the next hit, or maintenance, makes up for it.
my $rows = fingerprint($node, 'events');
sql(q{SELECT FROM steward.manage_partitions('events', options => '{"after_create": "public.stuck"}')});
wait_for($node, $idle, 'the end of earlier work');
# Before the commit: after it the worker holds the table.
my $with = sql('BEGIN; ' . insert(80, 10) . q{ SELECT count(*) || ' ' || coalesce(sum(('x' || left(md5(r::text), 15))::bit(60)::bigint), 0) FROM events r; COMMIT});
pid_of($node, q{application_name = 'pg_steward partitions on demand' AND wait_event = 'PgSleep'});
$node->stop('immediate');
$node->start;
is(fingerprint($node, 'events'), $with, 'the crash takes and doubles nothing');
is(sql(q{SELECT count(*) FROM events_rest}), '10', 'the move is undone');
sql(q{SELECT FROM steward.manage_partitions('events', options => '{"after_create": null}')});
sql(insert(80, 1));
wait_for($node, $nothing_left, 'the partition after the crash');

# The extension goes with its trigger.
sql('DROP EXTENSION pg_steward');
is(sql(q{SELECT count(*) FROM pg_trigger WHERE tgname = 'steward_on_demand'}), '0', 'the trigger goes with the extension');
sql(insert(90, 1));
quiet_log($node, qr/terminating connection|canceling statement due to lock timeout/);

done_testing();
