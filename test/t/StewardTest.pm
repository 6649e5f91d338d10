# SPDX-License-Identifier: PostgreSQL
#
# What the TAP tests share: sessions in the background, and what has to be true of partitions and of the server log.
package StewardTest;
use strict;
use warnings;
use Exporter 'import';
use DirectPsql;
use File::Temp;
use IPC::Run;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(session finish pid_of wait_for fingerprint whole quiet_log without_library
    wait_past_midnight scheduling schedule_daily runs_of launcher_of restart_probers logged wait_for_log);

# A session that works through its statements beside the test, each by itself; the application name finds it in the server.
sub session {
    my ($node, $name, @statements) = @_;
    my $session = { out => '', err => '' };
    $session->{run} = IPC::Run::start(
        [ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') . " application_name=$name",
            map { ('-c', $_) } @statements ],
        '<', \undef, '>', \$session->{out}, '2>', \$session->{err});
    return $session;
}

# The server preloads nothing; then it may not have settings of what it would preload.
sub without_library {
    my $node = shift;
    my $file = $node->data_dir . '/postgresql.conf';
    my $conf = slurp_file($file) =~ s/^steward\..*\n//mgr;
    open my $handle, '>', $file or die "$file: $!";
    print $handle "$conf\nshared_preload_libraries = ''\n";
    close $handle or die "$file: $!";
}

# Waits for its end; true when nothing failed.
sub finish { my $session = shift; return $session->{run}->finish; }

# One session looks many times: to start a psql for each look costs more than what is waited for. A server that is down
# is tried again.
sub wait_for {
    my ($node, $condition, $what, $db) = @_;
    my $look = "SELECT coalesce(($condition), false) AS found \\gset\n\\if :found\n\\echo found\n\\q\n\\endif\nSELECT pg_sleep(0.1) \\g /dev/null\n";
    # From a file: a pipe that a psql without a server closes at once breaks.
    my $script = File::Temp->new;
    print $script $look x 100;
    close $script or die "$script: $!";
    my @psql = (psql => '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db // 'postgres'), '-f', $script->filename);
    my ($out, $err);
    for (my $until = time + $PostgreSQL::Test::Utils::timeout_default; time < $until; select(undef, undef, undef, 0.1)) {
        IPC::Run::run(\@psql, '<', \undef, '>', \$out, '2>', \$err);
        return if $out =~ /found/;
    }
    die "timed out waiting for $what: $condition $out$err";
}

sub pid_of {
    my ($node, $where) = @_;
    my $query = "SELECT min(pid) FROM pg_stat_activity WHERE $where";
    wait_for($node, "($query) IS NOT NULL", "a session where $where");
    return $node->safe_psql('postgres', $query);
}

# Another day would make one more partition due in the middle of a test: it waits for one that begins within the next minutes.
sub wait_past_midnight {
    for my $zone (@_ ? @_ : 'UTC') {
        local $ENV{TZ} = $zone;
        POSIX::tzset();
        my ($seconds, $minutes, $hours) = localtime;
        my $left = 86400 - $hours * 3600 - $minutes * 60 - $seconds;
        sleep $left + 1 if $left < 300;
    }
    POSIX::tzset();
    return;
}

# Of all rows, whatever their order and partition.
sub fingerprint {
    my ($node, $table, $db) = @_;
    return $node->safe_psql($db // 'postgres',
        "SELECT count(*) || ' ' || coalesce(sum(('x' || left(md5(r::text), 15))::bit(60)::bigint), 0) FROM $table r");
}

# The range partitions of a table follow each other without gap or overlap; returns how many there are.
sub whole {
    my ($node, $table, $db) = @_;
    my ($count, $breaks) = split /\|/, $node->safe_psql($db // 'postgres', qq{
        WITH bound AS (
            SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''?(.*?)''?\\) TO \\(''?(.*?)''?\\)') AS b
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = '$table'::regclass AND c.relpartbound IS NOT NULL),
        pair AS (SELECT b[1]::timestamptz AS lower, lag(b[2]::timestamptz) OVER (ORDER BY b[1]::timestamptz) AS before
                 FROM bound WHERE b IS NOT NULL)
        SELECT count(*), count(*) FILTER (WHERE lower <> before) FROM pair});
    is($breaks, 0, "$table: $count partitions without gap or overlap");
    return $count;
}

# ---- Jobs ------------------------------------------------------------------------------------------------------------

# A server that runs jobs, with more settings as they are given, started. What is slow there depends on who else uses the machine.
sub scheduling {
    my ($name, @settings) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
    $node->init(allows_streaming => 1);
    $node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'max_worker_processes = 16',
        'autovacuum = off', 'restart_after_crash = on', 'steward.capture_slow_threshold = -1',
        'steward.capture_critical_threshold = -1', @settings));
    $node->start;
    $node->safe_psql('postgres', 'CREATE EXTENSION pg_steward');
    return $node;
}

# A job that is due in so many seconds, and then in a day again; also where it takes longer than that to write it down.
sub schedule_daily {
    my ($node, $seconds, $name, $command, $options) = @_;
    $options //= '{}';
    $node->safe_psql('postgres', qq{
        BEGIN;
        SELECT steward.schedule('$name', to_char((clock_timestamp() + interval '$seconds s') AT TIME ZONE 'UTC', 'SS MI HH24') || ' * * *',
            \$command\$$command\$command\$, 'UTC', options => '$options');
        UPDATE steward.job_definitions SET anchor = anchor - interval '20 s' WHERE name = '$name';
        COMMIT});
}

# What became of a job's runs, as the history has it.
sub runs_of {
    my ($node, $job, $db) = @_;
    return $node->safe_psql($db // 'postgres', "SELECT string_agg(kind || ' ' || attempt || ' ' || outcome, ', ' ORDER BY ended_at, run_id)
        FROM steward.job_history WHERE job_name = '$job'");
}

sub launcher_of { return pid_of(shift, q{backend_type = 'pg_steward launcher'}); }

# Standbys look for nodes, of which nobody tells them, once a minute; a prober that begins looks at once.
sub restart_probers {
    $_->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_steward prober'}) for @_;
    return;
}

# How many lines of the server log say so: what can be seen of a run on a standby.
sub logged {
    my ($node, $text) = @_;
    return scalar grep { /$text/ && !/STATEMENT: |CONTEXT: / } split /\n/, slurp_file($node->logfile);
}

sub wait_for_log {
    my ($node, $text, $count) = @_;
    for (1 .. 1800) {
        return if logged($node, $text) >= $count;
        select(undef, undef, undef, 0.1);
    }
    die "timed out waiting for $count lines of $text in the log of " . $node->name;
}

# Nothing in the server log but what the test says it expects, the refusals of pg_ctl's own knocking at a server that is not up
# yet, and when the server is stopped the end of a worker that was looking into a database and of a session whose client had just left.
sub quiet_log {
    my ($node, $allowed) = @_;
    my $is_stopping = 0;
    my @noise;
    for (split /\n/, slurp_file($node->logfile)) {
        $is_stopping = 1 if /LOG:  received \w+ shutdown request/;
        $is_stopping = 0 if /LOG:  starting PostgreSQL/;
        next unless /(?:PANIC|FATAL|ERROR|WARNING|TRAP): /;
        next if /FATAL:  the database system is / || ($is_stopping && /FATAL:  terminating (?:connection|background worker "pg_steward") due to administrator command/);
        push @noise, $_ unless defined $allowed && /$allowed/;
    }
    is(join("\n", @noise), '', 'the server log is quiet');
}

1;
