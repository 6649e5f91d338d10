# SPDX-License-Identifier: PostgreSQL
#
# Partition maintenance as a job: steps in transactions of their own, partitions detached concurrently under a reader, and
# whatever ends the run ends the work. A run in which a table failed is no success.
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
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_steward'\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE ROLE keeper LOGIN;
    GRANT CREATE ON SCHEMA public TO keeper;
    CREATE FUNCTION stuck(regclass, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(600) IS NOT NULL';
    CREATE FUNCTION broken(regclass, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / (length($2) - length($2)) = 0';
});

sub sql { return $node->safe_psql('postgres', shift); }
sub as_keeper { return sql("SET SESSION AUTHORIZATION keeper; $_[0]"); }
sub partitions { return sql("SELECT count(*) FROM pg_inherits WHERE inhparent = '$_[0]'::regclass"); }
sub table {
    my ($name, $hook) = @_;
    return as_keeper(qq{
        CREATE TABLE $name (at timestamptz NOT NULL) PARTITION BY RANGE (at);
        SELECT FROM steward.manage_partitions('$name', '1 day', future => 0, timezone => 'UTC', options => '{"after_create": $hook}')});
}
sub begin_run { return sql(q{SELECT steward.run_job('partitions')}); }
sub end_of {
    my $run = shift;
    wait_for($node, "EXISTS (SELECT FROM steward.job_history WHERE run_id = $run)", "the end of run $run");
    return sql("SELECT outcome || ' ' || coalesce(sqlstate, '-') FROM steward.job_history WHERE run_id = $run");
}
my $no_worker = q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward')};

# A table of a role that is no superuser, and one of somebody else.
as_keeper(q{
    CREATE TABLE events (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);
    SELECT FROM steward.manage_partitions('events', '1 day', future => 3, keep => '5 days', timezone => 'UTC',
        options => '{"max_drop_percent": 100}');
    CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-01-02 00:00:00+00');
    INSERT INTO events VALUES (1, '2020-01-01 12:00:00+00')});
sql(q{
    CREATE TABLE others (at timestamptz NOT NULL) PARTITION BY RANGE (at);
    SELECT FROM steward.manage_partitions('others', '1 day', timezone => 'UTC')});
as_keeper(q{SELECT steward.schedule('partitions', '0 0 1 1 *', 'SELECT * FROM maintain_partitions()')});

# A reader who holds the table: the future is made at once, and the past leaves without keeping anybody waiting.
my $read = session($node, 'reader', 'BEGIN', 'SELECT count(*) FROM events', 'SELECT pg_sleep(600)');
pid_of($node, q{application_name = 'reader' AND query = 'SELECT pg_sleep(600)'});
my $run = begin_run();
my $end_reader = q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reader'};
if (sql('SHOW server_version_num') >= 140000) {
    wait_for($node, q{EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward' AND wait_event_type = 'Lock'
        AND query LIKE 'ALTER TABLE % DETACH PARTITION % CONCURRENTLY')}, 'the detach');
    is(sql(q{SELECT count(*) FROM steward.job_history}), '0', 'the run waits for the reader');
    is(partitions('events'), '10', 'and has made the five days kept, today and the future before');
    is(sql(q{SET lock_timeout = '1s'; INSERT INTO events VALUES (2, now()); SELECT count(*) FROM events}), '1',
        'others write and read meanwhile, and do not see what is leaving');
    sql($end_reader);
    is(end_of($run), 'succeeded -', 'it ends well after him');
} else {
    is(end_of($run), 'succeeded -', 'before 14 the detach is postponed, which is no failure');
    like(sql("SELECT notices FROM steward.job_history WHERE run_id = $run"), qr/detach of partition public.events_old postponed/, 'but told');
    sql($end_reader);
    end_of(begin_run());
}
finish($read);
is(sql(q{SELECT partition FROM steward.partition_history WHERE action = 'detach' AND outcome = 'done'}), 'public.events_old', 'the past has left');
is(partitions('others'), '0', 'what the role does not own is not touched');
is(sql(q{SELECT string_agg(DISTINCT role_name, ' ') FROM steward.partition_history WHERE parent_table IS DISTINCT FROM 'steward.slow_query_log'}), 'keeper', 'all of it as the role of the job');

# Three ways to end a run in the middle of its work: what is done stays, and nobody works on.
sub stuck_run {
    my $name = shift;
    table("${name}_1", 'null');
    table("${name}_2", '"public.stuck"');
    my $number = begin_run();
    pid_of($node, q{backend_type = 'pg_steward' AND wait_event = 'PgSleep'});
    return $number;
}
sub after_stuck {
    my $name = shift;
    wait_for($node, $no_worker, 'the end of the work');
    is(partitions("${name}_1") . partitions("${name}_2"), '10', "$name: the step it was in is undone, those before are not");
    return as_keeper("DROP TABLE ${name}_1, ${name}_2");
}
$run = stuck_run('cancelled');
sql("SELECT steward.cancel_run($run)");
is(end_of($run), 'cancelled 57014', 'a run is cancelled');
after_stuck('cancelled');

$run = stuck_run('ended');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_steward job partitions'});
is(end_of($run), 'terminated 57P01', 'its process is ended');
after_stuck('ended');

as_keeper(q{SELECT steward.alter_job('partitions', options => '{"timeout": "8 seconds"}')});
$run = stuck_run('late');
is(end_of($run), 'timed_out 57014', 'its time is over');
after_stuck('late');
as_keeper(q{SELECT steward.alter_job('partitions', options => '{"timeout": null}')});

# The worker itself is ended: the run knows.
$run = stuck_run('killed');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_steward' AND wait_event = 'PgSleep'});
is(end_of($run), 'failed 08006', 'the maintenance worker is ended');
after_stuck('killed');

# One bad table among good ones.
table('a_good', 'null');
table('bad', '"public.broken"');
table('z_good', 'null');
$run = begin_run();
is(end_of($run), 'failed 22012', 'a run in which a table failed is no success');
is(sql("SELECT message || '. ' || detail FROM steward.job_history WHERE run_id = $run"),
    'partition maintenance failed in 1 of 3 steps. create of public.bad_' . sql(q{SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM_DD')}) . ': division by zero', 'and says where');
is(partitions('a_good') . partitions('bad') . partitions('z_good'), '101', 'the good ones are served');
like(sql("SELECT notices FROM steward.job_history WHERE run_id = $run"), qr/WARNING:  create of partition public.bad_\S+ failed: division by zero/, 'the notices have it too');
is(sql(q{SELECT outcome || ' ' || sqlstate FROM steward.partition_history WHERE parent_table = 'public.bad'}), 'failed 22012', 'and the history');
as_keeper('DROP TABLE bad');
quiet_log($node, qr/terminating (background worker|connection)|job "partitions"|division by zero|of partition .* (failed|postponed)/);

# No second slot: the work is done in the run's own transaction, and the run says so.
$node->append_conf('postgresql.conf', 'max_worker_processes = 5');
$node->restart;
wait_for($node, q{(SELECT next_run FROM steward.jobs WHERE name = 'partitions') IS NOT NULL}, 'the launcher to have read the jobs');
table('narrow', 'null');
$run = begin_run();
is(end_of($run), 'succeeded -', 'without a second worker');
is(partitions('narrow'), '1', 'the work is done');
like(sql("SELECT notices FROM steward.job_history WHERE run_id = $run"), qr/no background worker is free/, 'and what it was done like is told');

done_testing();
