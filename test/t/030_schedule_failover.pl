# SPDX-License-Identifier: PostgreSQL
#
# A standby takes over: what the old primary had begun is neither run twice nor lost, what it could not begin is made up for,
# and what it ended is not run again. It happens twice, to a standby and to the standby of that one.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

# With two runs at once, those that never end keep all later ones from beginning: the old primary cannot run them, however
# slow the test is.
my $first = scheduling('first', 'steward.schedule_max_running = 2');
$first->safe_psql('postgres', qq{
    CREATE TABLE done (what text, at timestamptz DEFAULT clock_timestamp());
    CREATE FUNCTION rest_once(who text) RETURNS void LANGUAGE sql AS
        'SELECT pg_sleep(CASE WHEN count(*) > 1 THEN 0 ELSE 600 END) FROM done WHERE what = who';
    SELECT steward.schedule('at startup', '\@startup', 'INSERT INTO done VALUES (''at startup'')');
    SELECT steward.schedule('after crash', '\@after_crash', 'INSERT INTO done VALUES (''after crash'')');
    SELECT steward.schedule('at promotion', '\@promotion', 'INSERT INTO done VALUES (''at promotion'')')});
$first->stop('immediate');
$first->start;
wait_for($first, '(SELECT count(*) FROM steward.job_history) = 2', 'what runs when the server starts after a crash');
is(runs_of($first, $_), 'event 1 succeeded', "it has run: $_") for 'at startup', 'after crash';
is(runs_of($first, 'at promotion'), '', 'nobody was promoted');

$first->backup('base');
my $second = PostgreSQL::Test::Cluster->new('second');
$second->init_from_backup($first, 'base', has_streaming => 1);
$second->start;
my $third = PostgreSQL::Test::Cluster->new('third');
$third->init_from_backup($first, 'base');
$third->enable_streaming($second);
$third->start;

# One run has ended, two are under way, some wait, and one job can never begin.
schedule_daily($first, 1, 'ran', q{INSERT INTO done VALUES ('ran')});
wait_for($first, q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'ran')}, 'a run that ends');
schedule_daily($first, 1, 'cut', q{INSERT INTO done VALUES ('cut'); SELECT rest_once('cut')});
schedule_daily($first, 1, 'again', q{INSERT INTO done VALUES ('again'); SELECT rest_once('again')}, '{"retries": 1, "retry_delay": "1 second"}');
wait_for($first, q{(SELECT count(*) FROM done WHERE what IN ('cut', 'again')) = 2}, 'two runs under way');
schedule_daily($first, 1, 'missed', q{INSERT INTO done VALUES ('missed')});
schedule_daily($first, 1, 'skipped', q{INSERT INTO done VALUES ('skipped')}, '{"missed": "skip"}');
$first->safe_psql('postgres', q{
    CREATE ROLE gone LOGIN;
    SELECT steward.schedule('broken', '* * * * * *', 'SELECT 1', role => 'gone');
    DROP ROLE gone;
    SELECT steward.schedule('often', '*/2 * * * * *', 'INSERT INTO done VALUES (''often'')');
    SELECT steward.schedule_at('once', clock_timestamp() + interval '1 second', 'INSERT INTO done VALUES (''once'')')});
$first->wait_for_catchup($second, 'replay', $first->lsn('insert'));
$first->stop('immediate');
wait_for($second, q{clock_timestamp() > (SELECT run_at FROM steward.job_definitions WHERE name = 'once') + interval '2 seconds'},
    'all to be due on nobody');
is($second->safe_psql('postgres', q{SELECT count(*) FROM steward.job_history}), '3', 'a standby runs nothing of the primary');
is($second->safe_psql('postgres', q{SELECT string_agg(DISTINCT what, ' ' ORDER BY what) FROM done}), 'after crash again at startup cut ran',
    'nor makes up for it');

$second->promote;
wait_for($second, q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'again' AND attempt = 2)}, 'the retry after the promotion');
wait_for($second, "EXISTS (SELECT FROM steward.job_history WHERE job_name = '$_')", "the run of $_") for 'missed', 'once', 'at promotion';
wait_for($second, q{(SELECT count(*) FROM steward.job_history WHERE job_name = 'often') > 2}, 'what runs often');
is(runs_of($second, 'cut'), 'scheduled 1 interrupted', 'a run under way on the old primary is interrupted and not run again');
is(runs_of($second, 'again'), 'scheduled 1 interrupted, retry 2 succeeded', 'unless retries says so');
is(runs_of($second, 'ran'), 'scheduled 1 succeeded', 'what ran and ended there is not run again');
is(runs_of($second, 'missed'), 'missed 1 succeeded', 'what was due on nobody is made up for, once');
is(runs_of($second, 'once'), 'missed 1 succeeded', 'also when it runs only once');
is(runs_of($second, 'skipped'), '', 'or skipped, as its policy says');
like(runs_of($second, 'often'), qr/^missed 1 succeeded(?:, scheduled 1 succeeded)+$/, 'many missed runs are made up for by one');
is(runs_of($second, 'at promotion'), 'event 1 succeeded', 'a promotion is told once');
is(runs_of($second, $_), 'event 1 succeeded', "and is no other event: $_") for 'at startup', 'after crash';
is($second->safe_psql('postgres', q{SELECT state, waiting_reason FROM steward.jobs WHERE name = 'broken'}),
    'broken|role "gone" does not exist', 'a job that can never begin kept nobody waiting');
is($second->safe_psql('postgres', q{SELECT string_agg(what || ' ' || n, ', ' ORDER BY what) FROM
    (SELECT what, count(*) AS n FROM done WHERE what <> 'often' GROUP BY 1) d}),
    'after crash 1, again 2, at promotion 1, at startup 1, cut 1, missed 1, once 1, ran 1', 'and that is what the commands have done');
is($second->safe_psql('postgres', q{SELECT count(*) - count(DISTINCT (job_id, due_at, attempt)) FROM steward.job_history}), '0', 'no instant ran twice');

# The standby of the new primary stays one, and is promoted in its turn while its launcher is being replaced.
schedule_daily($second, 1, 'second cut', q{INSERT INTO done VALUES ('second cut'); SELECT pg_sleep(600)});
wait_for($second, q{EXISTS (SELECT FROM done WHERE what = 'second cut')}, 'a run on the new primary');
$second->wait_for_catchup($third, 'replay', $second->lsn('insert'));
my $history = q{SELECT string_agg(job_name || ' ' || kind || ' ' || outcome, ', ' ORDER BY run_id) FROM steward.job_history WHERE job_name <> 'often'};
is($third->safe_psql('postgres', $history), $second->safe_psql('postgres', $history), 'the standby of the standby has all of that and ran none of it');
$second->stop('immediate');
my $launcher = launcher_of($third);
# It hears of its end before it can look whether the server is still a standby.
kill 'STOP', $launcher or die "kill: $!";
$third->promote;
$third->safe_psql('postgres', "SELECT pg_terminate_backend($launcher)");
kill 'CONT', $launcher or die "kill: $!";
wait_for($third, q{(SELECT count(*) FROM steward.job_history WHERE job_name = 'at promotion') = 2}, 'a promotion without a launcher');
wait_for($third, q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'second cut')}, 'the interrupted run');
is(runs_of($third, 'second cut'), 'scheduled 1 interrupted', 'again a run is interrupted and not run again');
is(runs_of($third, 'cut'), 'scheduled 1 interrupted', 'and the one of before stays what it was');
$third->safe_psql('postgres', q{SELECT steward.schedule('after all', '* * * * * *', 'INSERT INTO done VALUES (''after all'')')});
wait_for($third, q{(SELECT count(*) FROM steward.job_history WHERE job_name = 'after all') > 1}, 'new jobs');
is(runs_of($third, $_), 'event 1 succeeded', "no other event: $_") for 'at startup', 'after crash';
is($third->safe_psql('postgres', q{SELECT count(*) - count(DISTINCT (job_id, due_at, attempt)) FROM steward.job_history}), '0', 'no instant ran twice');

$third->stop;
my $expected = qr/terminating (?:background worker|connection)|could not receive|could not connect|streaming|replication|walreceiver|terminated by|not a standby/;
quiet_log($_, $expected) for $first, $second, $third;
done_testing();
