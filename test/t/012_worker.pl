# SPDX-License-Identifier: PostgreSQL
#
# Who does the work, and what becomes of it when the caller changes his mind or one table fails among good ones.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

wait_past_midnight();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# So few slots that each counts: none for the launcher of jobs.
without_library($node);
$node->append_conf('postgresql.conf', "max_worker_processes = 2\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE FUNCTION slowly(regclass, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(0.05) IS NOT NULL';
    CREATE FUNCTION stuck(regclass, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(600) IS NOT NULL';
});

sub table {
    my ($name, $future) = @_;
    $node->safe_psql('postgres', qq{
        CREATE TABLE IF NOT EXISTS $name (at timestamptz NOT NULL) PARTITION BY RANGE (at);
        SELECT * FROM steward.manage_partitions('$name', '1 day', future => $future, timezone => 'UTC')});
    return;
}
sub partitions { my $name = shift; return $node->safe_psql('postgres', "SELECT count(*) FROM pg_inherits WHERE inhparent = '$name'::regclass"); }
sub hook {
    my $hook = shift;
    $node->safe_psql('postgres', 'UPDATE steward.partition_sets SET after_create = ' . ($hook ? "'public.$hook'" : 'NULL'));
    return;
}
my $workers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_steward'};
my $no_worker = q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward')};

# In the normal course.
table('events', 10);
is($node->safe_psql('postgres', q{SELECT create_future_partitions('events')}), 11, 'makes partitions');
table('events', 20);
is($node->safe_psql('postgres', q{BEGIN; SELECT create_future_partitions('events'); ROLLBACK}), 10, 'inside a transaction block');
is(partitions('events'), 11, 'which takes all back with it');
is($node->safe_psql('postgres', q{
    CREATE FUNCTION in_function() RETURNS integer LANGUAGE plpgsql AS $$
    BEGIN PERFORM FROM events; RETURN create_future_partitions('events'); END $$;
    SELECT in_function()}), 10, 'a function that has read the table is not in its own way');
table('events', 22);
is($node->safe_psql('postgres', q{SELECT count(*) FROM events e RIGHT JOIN maintain_partitions() m ON true WHERE outcome = 'done'}), 2,
    'nor is a query that reads the table');
$node->safe_psql('postgres', q{
    CREATE TABLE numbers (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE TABLE numbers_1 PARTITION OF numbers FOR VALUES FROM (1) TO (1001);
    SELECT * FROM steward.manage_partitions('numbers', '1000', future => 3, keep => '1500');
    SELECT * FROM maintain_partitions();
    INSERT INTO numbers SELECT generate_series(1, 3900, 100)});
$node->safe_psql('postgres', q{UPDATE steward.partition_sets SET max_drop_percent = 100});
$node->safe_psql('postgres', q{SELECT * FROM maintain_partitions()});
my $how = $node->safe_psql('postgres', q{SELECT count(*), bool_and(sql ~ 'CONCURRENTLY') FROM steward.partition_history
    WHERE action = 'detach' AND outcome = 'done'});
is($how, $node->safe_psql('postgres', 'SHOW server_version_num') < 140000 ? '2|f' : '2|t', 'looking at the largest number is not in the way');
$node->safe_psql('postgres', q{SET ROLE pg_monitor; SELECT * FROM maintain_partitions()});
$node->safe_psql('postgres', q{
    CREATE ROLE nologin; ALTER TABLE events OWNER TO nologin; GRANT CREATE ON SCHEMA public TO nologin});
table('events', 23);
quiet_log($node);

# A role that may not log in has no worker, but does the work all the same.
is($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION nologin; SELECT create_future_partitions('events')}), 1,
    'a role that may not log in');
$node->safe_psql('postgres', q{ALTER TABLE events OWNER TO CURRENT_USER});

# No free slot: as many stuck workers as there are slots.
hook('stuck');
my @runs;
for my $n (1 .. 2) {
    table("stuck$n", 5);
    hook('stuck');
    push @runs, session($node, "caller$n", "SELECT create_future_partitions('stuck$n')");
}
# The launcher of logical replication has one of them.
wait_for($node, "($workers) >= 1 AND (SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%stuck_%' AND application_name LIKE 'caller%') = 2",
    'no free slot');
table('events', 40);
$node->safe_psql('postgres', q{UPDATE steward.partition_sets SET after_create = NULL WHERE parent = 'events'::regclass});
is($node->safe_psql('postgres', q{SELECT create_future_partitions('events')}), 17, 'without a free slot the caller does the work himself');

# Cancelled, timed out, terminated: the worker goes as well.
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'caller%'});
for my $run (@runs) { ok(!finish($run), 'cancelled'); like($run->{err}, qr/canceling statement due to user request/, 'as usual'); }
wait_for($node, $no_worker, 'the end of the worker');
is(partitions('stuck1') + partitions('stuck2'), 0, 'nothing half done');
my ($status, undef, $stderr) = $node->psql('postgres', q{SET statement_timeout = '200ms'; SELECT create_future_partitions('stuck1')});
like($stderr, qr/statement timeout/, 'statement_timeout of the caller');
wait_for($node, $no_worker, 'the end of the worker');
hook('slowly');
table('stuck1', 300);
hook('slowly');
my $run = session($node, 'caller', q{SELECT create_future_partitions('stuck1')});
wait_for($node, q{(SELECT count(*) > 5 FROM pg_inherits WHERE inhparent = 'stuck1'::regclass)}, 'the first partitions');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
finish($run);
wait_for($node, $no_worker, 'the end of the worker');
my $made = partitions('stuck1');
cmp_ok($made, '<', 150, 'a terminated caller ends the work');
whole($node, 'stuck1');
hook('');
is($node->safe_psql('postgres', q{SELECT create_future_partitions('stuck1')}), 301 - $made, 'what is done is not done twice');

# Two at once get in nobody's way.
hook('slowly');
table('stuck1', 310);
table('stuck2', 20);
hook('slowly');
my @both = map { session($node, "caller$_", 'SELECT parent, outcome FROM maintain_partitions()') } 1 .. 2;
for my $one (@both) {
    ok(finish($one), 'one of two at once');
    unlike($one->{out}, qr/failed/, 'fails in nothing');
}
hook('');
$node->safe_psql('postgres', 'SELECT * FROM maintain_partitions()');
is(whole($node, 'stuck1') + whole($node, 'stuck2'), 311 + 21, 'and all is there once');

# One fails among good ones.
$node->safe_psql('postgres', q{
    UPDATE steward.partition_sets SET future = 0;
    CREATE SCHEMA closed;
    CREATE ROLE owner;
    CREATE TABLE closed.one (at timestamptz NOT NULL) PARTITION BY RANGE (at);
    ALTER TABLE closed.one OWNER TO owner});
table('good1', 3);
table('closed.one', 3);
table('good2', 3);
$node->safe_psql('postgres', q{
    CREATE TABLE squatted (at timestamptz NOT NULL) PARTITION BY RANGE (at);
    SELECT * FROM steward.manage_partitions('squatted', '1 day', future => 1, timezone => 'UTC', options => '{"after_create": "public.slowly"}');
    DROP FUNCTION slowly});
table('good3', 3);
is($node->safe_psql('postgres', q{SELECT parent, outcome, count(*) FROM maintain_partitions() WHERE parent !~ 'stuck' GROUP BY 1, 2 ORDER BY 1, 2}),
    "closed.one|failed|4\npublic.good1|done|4\npublic.good2|done|4\npublic.good3|done|4\npublic.squatted|failed|2",
    'good sets are maintained among failing ones');
is($node->safe_psql('postgres', q{SELECT DISTINCT parent_table, sqlstate FROM steward.partition_history WHERE outcome = 'failed' ORDER BY 1}),
    "closed.one|42501\npublic.squatted|42883", 'and the history has the SQLSTATE of each failure');
($status, undef, $stderr) = $node->psql('postgres', q{SELECT create_future_partitions('closed.one')});
like($stderr, qr/permission denied for schema closed/, 'by hand the failure is an error');

quiet_log($node, qr/nologin|canceling statement|terminating (?:background worker "pg_steward"|connection)|pg_monitor|closed|WARNING:  (?:create|plan)/);
$node->stop;
done_testing();
