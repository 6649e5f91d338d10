# SPDX-License-Identifier: PostgreSQL
#
# A program outlives no session that runs it, however that ends; it holds nothing back meanwhile; and its failure is told.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = scheduling('main', 'log_min_messages = log');
my $dir = PostgreSQL::Test::Utils::tempdir;
my $version = $node->safe_psql('postgres', 'SHOW server_version_num');

# On the list: a shell with such a script.
sub allow {
    my ($name, $script, $more) = @_;
    $node->safe_psql('postgres', "SELECT steward.allow_program('$name', ARRAY['/bin/sh', '-c', \$script\$$script\$script\$]" . ($more // '') . ')');
}

# Two processes, the second of which hears nothing; their ids once they run.
allow('hangs', "trap '' TERM; sleep 1000 & echo \$! \$\$ > $dir/pids.tmp; mv $dir/pids.tmp $dir/pids; wait; wait");
sub pids {
    for (1 .. 1800) {
        last if -e "$dir/pids";
        select(undef, undef, undef, 0.1);
    }
    my @pids = split ' ', slurp_file("$dir/pids");
    unlink "$dir/pids";
    return @pids;
}

sub gone {
    my ($what, @pids) = @_;
    for (1 .. 600) {
        last unless grep { kill 0, $_ } @pids;
        select(undef, undef, undef, 0.1);
    }
    ok(!(grep { kill 0, $_ } @pids), "$what: the program is gone with all of its group");
}

sub last_run { return $node->safe_psql('postgres', "SELECT $_[0] FROM steward.program_runs ORDER BY run_id DESC LIMIT 1"); }

sub fails {
    my ($on, $name, $sqlstate, $message) = @_;
    my ($status, $out, $err) = $on->psql('postgres', "\\set VERBOSITY verbose\nCALL steward.run_program('$name')");
    like($err, qr/ERROR:  $sqlstate: $message/, "$name: $message");
    return $err;
}

# Under way: nothing is held, and it runs once.
my $session = session($node, 'runs', q{CALL steward.run_program('hangs')});
my @pids = pids();
my $pid = pid_of($node, q{application_name = 'runs'});
is($node->safe_psql('postgres', "SELECT state, backend_xid, backend_xmin FROM pg_stat_activity WHERE pid = $pid"), 'active||', 'no snapshot is held');
is(last_run('outcome, pid, ended_at'), "running|$pid|", 'it is seen to run');
fails($node, 'hangs', '55006', 'program "hangs" is running already');

# Cancelled.
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
ok(!finish($session), 'a cancelled run fails');
like($session->{err}, qr/canceling statement due to user request\nDETAIL:  Program "hangs" was ended/, 'as what it is');
gone('cancelled', @pids);
is(last_run('outcome, exit_code, signal'), 'cancelled||9', 'and recorded so');

# Terminated: the session goes at once, the program in its time.
$session = session($node, 'runs', q{CALL steward.run_program('hangs')});
@pids = pids();
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . pid_of($node, q{application_name = 'runs'}) . ')');
finish($session);
gone('terminated', @pids);
is(last_run('outcome'), 'interrupted', 'seen as interrupted');

# Killed: the server starts anew.
$session = session($node, 'runs', q{CALL steward.run_program('hangs')});
@pids = pids();
is($node->safe_psql('postgres', q{SELECT outcome FROM steward.program_history ORDER BY run_id DESC OFFSET 1 LIMIT 1}), 'interrupted', 'and written down by the next run');
kill 9, pid_of($node, q{application_name = 'runs'});
finish($session);
gone('killed', @pids);
wait_for($node, 'true', 'the server to come back');
is(last_run('outcome'), 'interrupted', 'known after the crash');

# The server stopped at once.
$session = session($node, 'runs', q{CALL steward.run_program('hangs')});
@pids = pids();
$node->stop('immediate');
finish($session);
gone('server stopped', @pids);
$node->start;
is(last_run('outcome'), 'interrupted', 'known after the restart');

# The program's own timeout; what it leaves behind when it ends by itself.
allow('late', "exec sleep 1000", ", timeout => '100 ms'");
fails($node, 'late', '38000', 'program "late" was ended because it took longer than 00:00:00.1');
is(last_run('outcome, signal'), 'timed_out|15', 'recorded');
allow('daemon', "sleep 1000 & echo \$! > $dir/pids");
$node->safe_psql('postgres', q{CALL steward.run_program('daemon')});
gone('ended by itself', pids());

# Missing, not executable, killed, loud.
my $file = "$dir/tool";
append_to_file($file, "#!/bin/sh\necho fine\n");
chmod 0755, $file;
$node->safe_psql('postgres', "SELECT steward.allow_program('tool', ARRAY['$file'])");
$node->safe_psql('postgres', q{CALL steward.run_program('tool')});
is(last_run('outcome, output'), 'succeeded|fine', 'runs');
chmod 0644, $file;
fails($node, 'tool', '42501', 'program "tool" could not be started: Permission denied');
unlink $file;
fails($node, 'tool', '58P01', 'program "tool" could not be started: No such file or directory');
is(last_run('outcome, exit_code'), 'failed|', 'recorded');
allow('dies', 'kill -KILL $$');
fails($node, 'dies', '38000', 'program "dies" was ended by signal 9: Killed');
allow('loud', 'i=0; while [ $i -lt 100000 ]; do echo line $i; i=$((i+1)); done; exit 3');
like(fails($node, 'loud', '38000', 'program "loud" failed with exit code 3'), qr/\nDETAIL:  It said last:\nline \d+\n(?:line \d+\n)*line 99999$/, 'says what it said last');
is(last_run('length(output) BETWEEN 8000 AND 8192'), 't', '8 kB of it are kept');

# Nothing of the server's is open in it, and its signals are its own.
allow('looks', 'ls -l /proc/self/fd | grep -vc -e "-> /dev/null" -e "-> pipe:" -e "-> /proc/"; grep -E "Sig(Blk|Ign)" /proc/self/status');
$node->safe_psql('postgres', q{CALL steward.run_program('looks')});
is(last_run('output'), "1\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000", 'a clean process');

# As a job.
allow('bad backup', 'echo disk full; exit 28');
$node->safe_psql('postgres', q{SELECT steward.schedule('nightly', NULL, $$CALL steward.run_program('bad backup')$$); SELECT steward.run_job('nightly')});
wait_for($node, q{EXISTS (SELECT FROM steward.job_history WHERE job_name = 'nightly')}, 'the job');
is($node->safe_psql('postgres', q{SELECT outcome, sqlstate, message, detail FROM steward.job_history WHERE job_name = 'nightly'}),
    "failed|38000|program \"bad backup\" failed with exit code 28|It said last:\ndisk full", 'a job fails with its program');

# Who may write all tables may not write the list.
if ($version >= 140000) {
    $node->safe_psql('postgres', q{CREATE ROLE scribe LOGIN; GRANT pg_write_all_data TO scribe});
    my ($status, $out, $err) = $node->psql('postgres', q{SET SESSION AUTHORIZATION scribe; INSERT INTO steward.programs (name, argv, run_by) VALUES ('mine', ARRAY['/bin/sh'], 'scribe')});
    like($err, qr/permission denied to write the list of programs/, 'pg_write_all_data is not enough');
}

# A dump brings no program along.
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/dump", '-d', $node->connstr('postgres') ], 'dumped');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), "$dir/dump" ], 'restored');
is($node->safe_psql('restored', 'SELECT count(*) FROM steward.programs'), '0', 'without the list');
is($node->safe_psql('restored', q{SELECT count(*) > 0 FROM steward.program_runs}), 't', 'with the history');

# On a standby it runs and leaves no record.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
allow('touches', "echo > $dir/touched");
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
$standby->safe_psql('postgres', q{CALL steward.run_program('touches')});
ok(-e "$dir/touched", 'a standby runs programs');
fails($standby, 'bad backup', '38000', 'program "bad backup" failed with exit code 28');

my $ended = qr/ERROR:  program "|canceling statement due to user request|FATAL:  terminating connection|WARNING:  terminating connection|terminated by signal 9|permission denied to write/;
quiet_log($node, $ended);
quiet_log($standby, $ended);
$standby->stop;
$node->stop;
done_testing();
