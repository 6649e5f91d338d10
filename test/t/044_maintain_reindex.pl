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
my ($status, $said) = call_maintain($node, $reindex);
is($status, 0, 'and is');
is(indexes(), 't_slow', 'under its name');

# ---- Ended in each phase ---------------------------------------------------------------------------------------------

# What keeps it in a phase, and what that phase is called.
my @phases = (
    ['waiting for writers before build', 'INSERT INTO public.t VALUES (0)'],
    ['building index%', undef],
    ['waiting for old snapshots', 'SELECT count(*) FROM public.t'],
);
for (@phases) {
    my ($phase, $holder) = @$_;
    invalidate();
    my ($other, $holdup);
    if ($holder && $holder =~ /INSERT/) {
        $other = session($node, 'holder', 'BEGIN', $holder, 'SELECT pg_sleep(600)');
        pid_of($node, q{application_name = 'holder' AND query ~ 'pg_sleep'});
    } else {
        $holdup = hold_up($node);
    }
    my $call = session($node, 'call', "CALL steward.maintain($reindex)");
    if ($holder && $holder !~ /INSERT/) {
        wait_for($node, q{EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase LIKE 'building index%')}, 'the build');
        $other = session($node, 'holder', 'BEGIN', $holder, 'SELECT pg_sleep(600)');
        pid_of($node, q{application_name = 'holder' AND query ~ 'pg_sleep'});
        let_go($node, $holdup);
        undef $holdup;
    }
    wait_for($node, "EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase LIKE '$phase')", $phase);
    sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index});
    if ($other) {
        sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
        finish($other);
    }
    let_go($node, $holdup) if $holdup;
    ok(!finish($call), "$phase: a cancelled rebuild fails");
    like($call->{err}, qr/reindex public\.t_slow: cancelled/, 'and says so');
    unlike(indexes(), qr/_cc(?:new|old)/, 'it leaves nothing behind');
    is((call_maintain($node, $reindex))[0], 0, 'the next one succeeds');
    is(indexes(), 't_slow', 'and all is valid');
}

# ---- The server goes down in it -----------------------------------------------------------------------------------------

invalidate();
my $holdup = hold_up($node);
my $call = session($node, 'call', "CALL steward.maintain($reindex)");
wait_for($node, q{EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase LIKE 'building index%')}, 'the build');
$node->stop('immediate');
finish($call);
finish($holdup);
$node->start;
like(indexes(), qr/^t_slow invalid, t_slow_ccnew invalid$/, 'a crash leaves an index behind');
like(planned($node, $reindex), qr/drop leftover public\.t_slow_ccnew/, 'which is in the plan');
call_maintain($node, $reindex);
call_maintain($node, $reindex);
is(indexes(), 't_slow', 'and is dropped, and the index rebuilt');

# ---- Not ours ------------------------------------------------------------------------------------------------------------

sql(q{CREATE INDEX t_slow_ccnew ON public.t (i); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.t_slow_ccnew'::regclass});
unlike(planned($node, $reindex), qr/drop leftover public\.t_slow_ccnew run/, 'what looks like a leftover and is not ours is not to be dropped');
call_maintain($node, $reindex);
like(indexes(), qr/t_slow_ccnew/, 'nor is it');

$node->stop('fast');
quiet_log($node, join('|', 'steps of maintenance failed', 'canceling statement', 'terminating (?:background worker|connection)', 'WARNING:  terminating'));
done_testing();
