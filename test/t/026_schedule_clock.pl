# SPDX-License-Identifier: PostgreSQL
#
# A live server whose wall clock is set: the nights in which clocks change, steps both ways, and a start in the past.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use ScheduleTest;
use StewardTest;
use Test::More;
use Time::Local qw(timegm);

my $library = clock_library() or plan skip_all => 'there is no g++ to build the clock with';

sub at {
    my ($year, $month, $day, $hour, $minute, $second) = shift =~ /^(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)Z$/ or die;
    return timegm($second, $minute, $hour, $day, $month - 1, $year);
}

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_steward'\nmax_worker_processes = 16\nautovacuum = off\ntimezone = 'UTC'");
start_with_clock($node, $library, at('2026-10-25 00:10:00Z'));
sub sql { return ask($node, shift); }
sub clock { set_clock($node, at(shift)); }
# When the runs of a job were due.
sub runs {
    my $job = shift;
    return sql("SELECT string_agg(to_char(due_at, 'DD HH24:MI:SS') || ' ' || kind, ', ' ORDER BY run_id) FROM steward.job_history WHERE job_name = '$job'");
}
sub next_run { my $job = shift; return sql("SELECT to_char(next_run, 'DD HH24:MI:SS') FROM steward.jobs WHERE name = '$job'"); }
# Waits until the launcher has passed an instant: the job of every second says so.
sub passed {
    my $instant = shift;
    await($node, "EXISTS (SELECT FROM steward.job_history WHERE job_name = 'tick' AND kind = 'scheduled' AND due_at BETWEEN '$instant' AND timestamptz '$instant' + '10 minutes')", "the launcher to pass $instant");
    await($node, q{NOT EXISTS (SELECT FROM steward.jobs WHERE name <> 'tick' AND queued + running > 0)}, 'the ends of runs');
}
# Nothing is left of what was scheduled and run so far but the tick, before the clock is set: it would be missed by then.
sub anew {
    my ($instant, $jobs) = @_;
    sql(q{SELECT steward.unschedule(name) FROM steward.jobs WHERE name <> 'tick'; DELETE FROM steward.job_history});
    clock($instant) if defined $instant;
    sql($jobs);
    await($node, q{NOT EXISTS (SELECT FROM steward.jobs WHERE state = 'loading')}, 'the jobs to be read');
}

sql(q{CREATE EXTENSION pg_steward; SELECT steward.schedule('tick', '* * * * * *', 'SELECT 1')});
like(sql('SELECT now()'), qr/^2026-10-25 00:1/, 'the server believes the clock that it is given');

# The night in which 02:30 comes twice: 02:30 summer time is 00:30, 02:30 winter time 01:30.
anew(undef, q{SELECT steward.schedule('fixed', '30 2 * * *', 'SELECT 1', 'Europe/Berlin');
       SELECT steward.schedule('hourly', '30 * * * *', 'SELECT 1', 'Europe/Berlin')});
is(next_run('fixed'), '25 00:30:00', 'before the overlap the job waits for the first pass');
clock('2026-10-25 00:29:57Z');
passed('2026-10-25 00:30:01Z');
is(next_run('fixed'), '26 01:30:00', 'after the first pass the job waits for the next day');
clock('2026-10-25 01:29:57Z');
passed('2026-10-25 01:30:01Z');
is(runs('fixed'), '25 00:30:00 scheduled', 'a job at 02:30 runs in the first pass of an overlap only');
is(runs('hourly'), '25 00:30:00 scheduled, 25 01:30:00 scheduled', 'a job of every hour runs in both');

# The night in which there is no 02:30: at 01:00 it is 03:00.
anew('2027-03-28 00:40:00Z', q{SELECT steward.schedule('fixed', '30 2 * * *', 'SELECT 1', 'Europe/Berlin');
       SELECT steward.schedule('hourly', '30 * * * *', 'SELECT 1', 'Europe/Berlin')});
clock('2027-03-28 00:59:57Z');
passed('2027-03-28 01:00:01Z');
clock('2027-03-28 01:29:57Z');
passed('2027-03-28 01:30:01Z');
is(runs('fixed'), '28 01:00:00 scheduled', 'a job at 02:30 runs once, at the end of a gap');
is(runs('hourly'), '28 01:30:00 scheduled', 'a job of every hour goes on after it');
is(next_run('fixed'), '29 00:30:00', 'and the next day it is 02:30 again');

# Steps forward.
anew('2027-05-05 05:00:30Z', q{SELECT steward.schedule('every', '* * * * *', 'SELECT 1', 'UTC')});
clock('2027-05-05 05:02:30Z');
passed('2027-05-05 05:02:31Z');
is(runs('every'), '05 05:01:00 missed, 05 05:02:00 scheduled', 'a step of two minutes: both minutes run');

anew('2027-05-05 06:00:30Z', q{SELECT steward.schedule('ten', '10 6 * * *', 'SELECT 1', 'UTC'), steward.schedule('twenty', '20 6 * * *', 'SELECT 1', 'UTC');
       SELECT steward.schedule('every', '* * * * *', 'SELECT 1', 'UTC');
       SELECT steward.schedule('never', '30 6 * * *', 'SELECT 1', 'UTC', options => '{"missed": "skip"}')});
clock('2027-05-05 06:40:30Z');
passed('2027-05-05 06:40:31Z');
is(runs('ten') . ', ' . runs('twenty'), '05 06:10:00 missed, 05 06:20:00 missed', 'a step of forty minutes: fixed jobs of that time run once each');
is(runs('every'), '05 06:40:00 missed', 'the job of every minute runs once for all of them');
is(runs('never'), '', 'and one that skips what it missed does not');
is(next_run('every'), '05 06:41:00', 'then it goes on');

anew('2027-05-05 08:00:30Z', q{SELECT steward.schedule('once', '15 * * * *', 'SELECT 1', 'UTC');
       SELECT steward.schedule('none', '15 * * * *', 'SELECT 1', 'UTC', options => '{"missed": "skip"}');
       SELECT steward.schedule('each', '15 * * * *', 'SELECT 1', 'UTC', options => '{"missed": "all"}');
       SELECT steward.schedule('late', '15 * * * *', 'SELECT 1', 'UTC', options => '{"missed": "all", "missed_within": "2 hours"}')});
clock('2027-05-05 12:00:30Z');
passed('2027-05-05 12:00:31Z');
ended($node, 'each', 4);
ended($node, 'late', 2);
is(runs('once'), '05 11:15:00 missed', 'a step of four hours: the policy decides that one run makes up for four');
is(runs('none'), '', 'that none does');
is(runs('each'), '05 08:15:00 missed, 05 09:15:00 missed, 05 10:15:00 missed, 05 11:15:00 missed', 'or that all are made up for');
is(runs('late'), '05 10:15:00 missed, 05 11:15:00 missed', 'as far as they are not too old');

# Steps back.
anew(undef, q{SELECT steward.schedule('fixed', '50 13 * * *', 'SELECT 1', 'UTC'), steward.schedule('every', '* * * * *', 'SELECT 1', 'UTC')});
clock('2027-05-05 13:49:57Z');
passed('2027-05-05 13:50:01Z');
is(runs('fixed'), '05 13:50:00 scheduled', 'a job at 13:50 has run');
clock('2027-05-05 13:20:58Z');
passed('2027-05-05 13:21:01Z');
like(runs('every'), qr/, 05 13:21:00 scheduled$/, 'half an hour back: the job of every minute goes on at once');
is(next_run('fixed'), '06 13:50:00', 'and the one at 13:50 waits for tomorrow');
sql(q{DELETE FROM steward.job_history WHERE job_name = 'tick'});
clock('2027-05-05 13:49:57Z');
passed('2027-05-05 13:50:01Z');
is(runs('fixed'), '05 13:50:00 scheduled', 'when it is 13:50 again it does not run again');

clock('2027-05-04 13:49:57Z');
passed('2027-05-04 13:50:01Z');
is(runs('fixed'), '05 13:50:00 scheduled, 04 13:50:00 scheduled', 'back by a day is a correction: the job runs on that day');
is(next_run('fixed'), '05 13:50:00', 'and on the day after it');
my $future = q{(SELECT max(handled_until) > clock_timestamp() FROM steward.job_progress)};
await($node, "NOT $future", 'the database to forget the future');
pass('what the database remembered of the future is void');

# The same while the server is down: what had run in the future is forgotten.
$node->stop;
start_with_clock($node, $library, at('2027-05-02 13:00:00Z'));
passed('2027-05-02 13:00:00Z');
is(next_run('fixed'), '02 13:50:00', 'a server that starts in its own past goes by the clock it has');
is(sql("SELECT $future"), 'f', 'and forgets the future too');
$node->stop('fast');
quiet_log($node, 'terminating (?:background worker|connection)');
done_testing();
