#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# Makes a standby the primary, by hand, after a look at what that costs. See --help.
# shellcheck source=deploy/replication/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'USAGE'
Usage: promote.sh [--although-primary-answers] [--although-others-have-more] [--dry-run]

Promotes the standby that psql connects to, as a superuser. First it shows what would be lost.

  --although-primary-answers   else it is refused while the server it follows answers: two primaries would take writes, and
                               what the old one has taken since would be lost. Stop that one first, so that nothing is
  --although-others-have-more  else it is refused while a registered standby (steward.nodes) has received more
  -n, --dry-run                show what would be lost and what would be done, and do nothing
  -h, --help                   this text

Then: primary.sh here for the other standbys, follow.sh on each of them, rejoin.sh on the old primary.

Exit status: 0 done, or it is a primary already; 1 something failed; 2 wrong arguments; 3 no server, or no rights; 4 refused.
USAGE
}

although_primary='' although_others=''
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        -n | --dry-run) dry_run=yes ;;
        --although-primary-answers) although_primary=yes ;;
        --although-others-have-more) although_others=yes ;;
        *) wrong "unknown argument $1" ;;
    esac
    shift
done

need pg_isready
need_own_server
# After a restart it has received less, by what it says, than it has replayed.
facts=$(sql "SELECT pg_is_in_recovery(), greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()),
    pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), pg_last_wal_replay_lsn()),
    date_trunc('second', pg_last_xact_replay_timestamp()), current_setting('synchronous_standby_names'),
    (SELECT count(*) FROM pg_extension WHERE extname = 'pg_steward'), current_setting('primary_conninfo')")
IFS='|' read -r is_standby received to_replay last_commit synchronous has_steward upstream <<<"$facts"
[ "$is_standby" = t ] || { say 'nothing to do: it is a primary'; exit 0; }

# ---- What would be lost ----------------------------------------------------------------------------------------------

say "received up to $received, of which $to_replay bytes are still to be replayed; the last commit replayed is of ${last_commit:-an unknown time}"
answers=
# A password is for no command line.
upstream=$(sed -E "s/(^| )password *= *('([^'\\\\]|\\\\.)*'|[^ ]*)/ /" <<<"$upstream")
if [ -n "$upstream" ]; then
    status=0
    pg_isready -q -t 5 -d "$upstream" || status=$?
    # 1: it is there, and takes nobody now.
    [ $status -gt 1 ] || answers='the server it follows answers'
fi
if [ -n "$answers" ]; then
    if its=$(psql -XAtqw -F ' ' -d "$upstream dbname=postgres connect_timeout=5" -c "SELECT pg_is_in_recovery(), CASE WHEN NOT pg_is_in_recovery()
        THEN pg_wal_lsn_diff(pg_current_wal_lsn(), '$received') END"); then
        case $its in
            t*) answers+=', and is a standby itself' ;;
            *) answers+=", and has written ${its#* } bytes more: these would be lost, and what it takes from now on" ;;
        esac
    fi
    say "$answers"
else
    say 'the server it follows does not answer: what that had written and not sent is lost'
fi
more=
# What only looks must not be in the way of a promotion.
if [ "$has_steward" != 0 ]; then
    sql "SELECT format('%s: %s%s', \"check\", detail, ' (' || remedy || ')') FROM steward.failover_readiness() WHERE verdict <> 'ok' OR \"check\" IN ('candidate', 'loss')" ||
        say 'steward.failover_readiness() cannot be had'
    # Whatever the schema of the extension, the view is of these rows; one of them is this server, which goes on receiving.
    more=$(sql "SELECT string_agg(format('%s up to %s', node_name, flush_lsn), ', ') FROM steward.node_status()
        WHERE role = 'standby' AND state = 'up' AND flush_lsn > greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())") || say 'whether others have received more cannot be known'
fi
[ -z "$more" ] || say "others have received more: $more"
[ -z "$synchronous" ] || say "synchronous_standby_names is \"$synchronous\" here: then commits wait for these, until they follow or synchronous.sh says otherwise"
if [ -z "$dry_run" ]; then
    [ -z "$answers" ] || [ -n "$although_primary" ] ||
        refuse 4 "$answers" 'Stop it, or see to it that nobody reaches it, and say --although-primary-answers.'
    [ -z "$more" ] || [ -n "$although_others" ] || refuse 4 "others have received more: $more" 'Promote the one that has most, or say --although-others-have-more.'
fi

# ---- The promotion ---------------------------------------------------------------------------------------------------

is_primary() { [ "$(sql 'SELECT pg_is_in_recovery()')" = f ]; }
sql_step 'SELECT pg_promote(true, 600)'
step is_primary
# pg_rewind reads the timeline from the control file, where a checkpoint writes it.
sql_step CHECKPOINT
run_steps
[ -n "$dry_run" ] || say "done: it is the primary, on timeline $(sql 'SELECT timeline_id FROM pg_control_checkpoint()')"
