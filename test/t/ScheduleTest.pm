# SPDX-License-Identifier: PostgreSQL
#
# What the TAP tests of the scheduler share: a server with a launcher, a session that stays, and a clock that can be set.
package ScheduleTest;
use strict;
use warnings;
use Exporter 'import';
use Fcntl;
use File::Basename;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes;

our @EXPORT = qw(scheduler_node ask await soon outcomes ended running_pid launcher_pid crash_by clock_library start_with_clock set_clock);

# A running server with the launcher, and a table in which commands say that they have run.
sub scheduler_node {
    my ($name, @settings) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
    $node->init;
    $node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'max_worker_processes = 16',
        'autovacuum = off', 'restart_after_crash = on', 'log_statement = none', @settings));
    $node->start;
    ask($node, 'CREATE EXTENSION pg_steward; CREATE TABLE done (what text, at timestamptz DEFAULT clock_timestamp())');
    return $node;
}

# ---- Asking ----------------------------------------------------------------------------------------------------------

my %sessions;

# Of one psql that stays, as starting one for each question takes longest in these tests. Nothing when the server is away.
sub answer {
    my ($node, $sql, $db) = @_;
    my $name = $node->name . ' ' . ($db // 'postgres');
    my $session = $sessions{$name} //= begin_session($node, $db // 'postgres');
    ($session->{out}, $session->{err}) = ('', '');
    local $SIG{PIPE} = 'IGNORE';
    $session->{in} .= "$sql\n;\n\\echo end of answer\n";
    my $is_answered = eval {
        $session->{run}->pump until $session->{out} =~ /^end of answer\n/m || !$session->{run}->pumpable;
        1;
    } && $session->{out} =~ s/^end of answer\n\z//m;
    if (!$is_answered) {
        eval { $session->{run}->kill_kill };
        delete $sessions{$name};
        return;
    }
    die "$sql\n$session->{err}" if $session->{err} =~ /ERROR/;
    chomp $session->{out};
    return $session->{out};
}

END {
    my $status = $?;
    eval { $_->{run}->kill_kill } for values %sessions;
    $? = $status;
}

sub begin_session {
    my ($node, $db) = @_;
    my $session = { in => '', out => '', err => '' };
    $session->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($db) . ' application_name=test' ],
        '<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err});
    return $session;
}

sub ask {
    my ($node, $sql, $db) = @_;
    return answer(@_) // answer(@_) // die "no answer to: $sql";
}

# Waits until a condition holds, over restarts of the server too.
sub await {
    my ($node, $condition, $what, $db) = @_;
    my $end = time + 2 * ($PostgreSQL::Test::Utils::timeout_default // 180);
    while (time < $end) {
        return if (answer($node, "SELECT coalesce(($condition), false)", $db) // '') eq 't';
        Time::HiRes::sleep(0.05);
    }
    die "timed out waiting for $what: $condition\n" . (answer($node, 'TABLE steward.jobs; SELECT * FROM steward.job_runs', $db) // '');
}

# ---- Jobs ------------------------------------------------------------------------------------------------------------

# Schedules a command that runs once, at once. It stays defined when it fails; options are JSON.
sub soon {
    my ($node, $job, $command, $options, $db) = @_;
    $options //= '{}';
    return ask($node, "SELECT steward.schedule_at('$job', clock_timestamp() + interval '200 ms', \$job\$$command\$job\$, options => '$options')", $db);
}

# How the runs of a job have ended, in order.
sub outcomes {
    my ($node, $job) = @_;
    return ask($node, "SELECT string_agg(outcome || coalesce(' ' || sqlstate, ''), ', ' ORDER BY run_id) FROM steward.job_history WHERE job_name = '$job'");
}

# Waits until so many runs of a job have ended.
sub ended {
    my ($node, $job, $runs) = @_;
    await($node, "(SELECT count(*) >= $runs FROM steward.job_history WHERE job_name = '$job')", "$runs ended run(s) of $job");
}

sub first_pid {
    my ($node, $query, $what) = @_;
    await($node, "($query) IS NOT NULL", $what);
    return ask($node, $query);
}

# The process of the run of a job, once its command has begun.
sub running_pid {
    my ($node, $job) = @_;
    return first_pid($node, "SELECT min(pid) FROM steward.job_runs WHERE job = '$job' AND outcome = 'running'", "a running $job");
}

sub launcher_pid {
    return first_pid(shift, q{SELECT min(pid) FROM pg_stat_activity WHERE backend_type = 'pg_steward launcher'}, 'the launcher');
}

# Kills a process as the kernel does, and waits for the server that comes after it.
sub crash_by {
    my ($node, $pid) = @_;
    my $started = ask($node, q{SELECT min(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer'});
    kill 'KILL', $pid;
    await($node, "EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'checkpointer' AND backend_start > '$started')", 'the server after a crash');
}

# ---- A clock that can be set -----------------------------------------------------------------------------------------

# The library that moves a server's clock, built here; nothing where there is no compiler.
sub clock_library {
    my $library = PostgreSQL::Test::Utils::tempdir() . '/clock.so';
    return if system('g++', '-std=c++20', '-O1', '-shared', '-fPIC', '-o', $library, dirname(__FILE__) . '/clock.cpp') != 0;
    return $library;
}

sub write_clock {
    my ($node, $seconds) = @_;
    my $file = $node->basedir . '/clock';
    # In place: the server has mapped it.
    sysopen(my $out, $file, O_WRONLY | O_CREAT) or die "$file: $!";
    syswrite $out, pack('q', ($seconds - Time::HiRes::time()) * 1_000_000);
    close $out;
    return $file;
}

# Starts a server whose wall clock says so, and nobody else's.
sub start_with_clock {
    my ($node, $library, $seconds) = @_;
    local %ENV = (%ENV, LD_PRELOAD => $library, STEWARD_CLOCK => write_clock($node, $seconds));
    $node->start;
}

# The kernel wakes the launcher when somebody sets the clock. Nobody does here, so something else has to.
sub set_clock {
    my ($node, $seconds) = @_;
    write_clock($node, $seconds);
    ask($node, 'SELECT pg_reload_conf()');
}

1;
