# SPDX-License-Identifier: PostgreSQL
#
# A rebuild of an index that is ended in any of its phases leaves nothing behind, and one of somebody else's is left alone.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use MaintainTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = maintain_node('main');
sub sql { return $node->safe_psql('postgres', shift); }
sub indexes { return sql(q{SELECT string_agg(c.relname || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END, ', ' ORDER BY c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'public.t'::regclass}); }
my $reindex = q{'1 hour', ARRAY['reindex', 'drop leftover']};

slow_table($node, 'public.t');
sql('VACUUM ANALYZE public.t');
# An invalid index is to be rebuilt.
sub invalidate { sql(q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.t_slow'::regclass}); }
invalidate();
is(planned($node, $reindex), 'reindex public.t_slow run', 'an invalid index is to be rebuilt');
call_maintain($node, q{disk_bytes => 0, actions => ARRAY['reindex']});
is(indexes(), 't_slow invalid', 'but not without room on the disk');
my ($status, $said) = call_maintain($node, $reindex);
is($status, 0, 'and is');
is(indexes(), 't_slow', 'under its name');

# ---- Ended in each phase ---------------------------------------------------------------------------------------------

# What keeps it in a phase: a transaction that has used the table, from before or from the middle of the build on. A prepared one
# holds its locks, and no snapshot.
sub holder {
    my $holder = session($node, 'holder', 'BEGIN', shift, 'SELECT pg_sleep(600)');
    pid_of($node, q{application_name = 'holder' AND query ~ 'pg_sleep'});
    return sub { sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'}); finish($holder) };
}
sub prepared {
    my ($name, $statement) = @_;
    sql("BEGIN; $statement; PREPARE TRANSACTION '$name'");
    return sub { sql("COMMIT PREPARED '$name'") };
}
sub in_phase { return wait_for($node, "EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase LIKE '$_[0]%')", $_[0]); }
my $writes = 'INSERT INTO public.t VALUES (0)';
my $reads = 'LOCK TABLE public.t IN ACCESS SHARE MODE';
my @phases = (
    ['waiting for writers before build', before => sub { holder($writes) }],
    ['building index'],
    ['waiting for writers before validation', during => sub { prepared('a', $writes) }],
    ['waiting for old snapshots', during => sub { holder('SELECT count(*) FROM public.t') }],
    ['waiting for readers before marking dead', during => sub { prepared('a', $reads) }],
    ['waiting for readers before dropping', during => sub { prepared('a', $reads) },
        then => sub { in_phase('waiting for readers before marking dead'); my $go_on = prepared('b', $reads); shift->(); return $go_on }],
);
for (@phases) {
    my ($phase, %way) = @$_;
    invalidate();
    my $release = $way{before} ? $way{before}->() : sub {};
    my $holdup = $way{before} ? undef : hold_up($node);
    my $call = session($node, 'call', "CALL steward.maintain($reindex)");
    if ($way{during}) {
        in_phase('building index');
        $release = $way{during}->();
        let_go($node, $holdup);
        undef $holdup;
    }
    $release = $way{then}->($release) if $way{then};
    in_phase($phase);
    sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index});
    $release->();
    let_go($node, $holdup) if $holdup;
    ok(!finish($call), "$phase: a cancelled rebuild fails");
    like($call->{err}, qr/reindex public\.t_slow: cancelled/, 'and says so');
    unlike(indexes(), qr/_cc(?:new|old)/, 'it leaves nothing behind');
    is((call_maintain($node, $reindex))[0], 0, 'the next one succeeds');
    is(indexes(), 't_slow', 'and all is valid');
}

# ---- Its end is not awaited ------------------------------------------------------------------------------------------

invalidate();
my $holdup = hold_up($node);
my $call = session($node, 'call', "CALL steward.maintain($reindex)");
in_phase('building index');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'call'});
ok(!finish($call), 'a cancelled call fails');
is(indexes(), 't_slow invalid', 'what its rebuild had begun is taken away');
like(ledger($node), qr/reindex public\.t_slow cancelled, drop leftover public\.t_slow_ccnew done$/, 'and all is in the ledger');
($status, $said) = call_maintain($node, q{'10 seconds', ARRAY['reindex', 'drop leftover']});
like($said, qr/reindex public\.t_slow: cancelled, .*the window has ended/, 'a rebuild ends with the window');
is(indexes(), 't_slow invalid', 'and leaves nothing behind either');
let_go($node, $holdup);

# ---- The server goes down in it -----------------------------------------------------------------------------------------

for (['building index', 't_slow invalid, t_slow_ccnew invalid'], ['waiting for readers before marking dead', 't_slow, t_slow_ccold invalid']) {
    my ($phase, $left) = @$_;
    invalidate();
    $holdup = hold_up($node);
    $call = session($node, 'call', "CALL steward.maintain($reindex)");
    in_phase('building index');
    my $release = sub {};
    if ($phase ne 'building index') {
        $release = prepared('a', $reads);
        let_go($node, $holdup);
        in_phase($phase);
    }
    $node->stop('immediate');
    finish($call);
    finish($holdup) if $phase eq 'building index';
    $node->start;
    is(indexes(), $left, "$phase: a crash leaves an index behind");
    like(planned($node, $reindex), qr/drop leftover public\.t_slow_cc/, 'which is in the plan');
    $release->();
    call_maintain($node, $reindex);
    call_maintain($node, $reindex);
    is(indexes(), 't_slow', 'and is dropped, and the index rebuilt');
}

# ---- A machine that is busy -----------------------------------------------------------------------------------------------

invalidate();
my $busy = session($node, 'busy', 'DO $$BEGIN LOOP END LOOP; END$$');
wait_for($node, q{EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'busy' AND state = 'active' AND query ~ '^DO')}, 'a busy session');
($status, undef, $said) = $node->psql('postgres', "SET steward.maintain_max_load = 0.0001;\nCALL steward.maintain('5 seconds', ARRAY['reindex'])");
is($status, 0, 'maintenance that finds no room for a rebuild does not fail');
like($said, qr/reindex public\.t_slow: postponed, others load \d+ % of the processors/, 'but leaves it for the next time');
like($node->safe_psql('postgres', q{SELECT detail FROM steward.maintenance_ledger WHERE outcome = 'postponed' ORDER BY step_id DESC LIMIT 1}),
    qr/^others load/, 'and says why in the ledger');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'busy'});
finish($busy);
is((call_maintain($node, $reindex))[0], 0, 'then it has room');
is(indexes(), 't_slow', 'and the index is rebuilt');

# ---- Not ours ------------------------------------------------------------------------------------------------------------

invalidate();
$holdup = hold_up($node);
$call = session($node, 'call', "CALL steward.maintain($reindex)");
in_phase('building index');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index});
finish($call);
let_go($node, $holdup);
sql(q{CREATE INDEX t_slow_ccnew ON public.t (i); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.t_slow_ccnew'::regclass});
unlike(planned($node, $reindex), qr/drop leftover public\.t_slow_ccnew run/, 'what looks like a leftover and is not ours is not to be dropped');
call_maintain($node, $reindex);
like(indexes(), qr/t_slow_ccnew/, 'nor is it');

$node->stop('fast');
quiet_log($node, join('|', 'steps of maintenance failed', 'canceling statement', 'terminating (?:background worker|connection)', 'WARNING:  terminating'));
done_testing();
