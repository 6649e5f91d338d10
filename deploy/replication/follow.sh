#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# Has a running standby follow another server, as after a promotion. See --help.
# shellcheck source=deploy/replication/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'USAGE'
Usage: follow.sh --name NAME --host HOST [--port PORT] [--role NAME] [--passfile FILE] [--dry-run]

Has the standby that psql connects to follow another server, without a restart: the new primary after a promotion, or another
standby. Run it on its machine, as the user it runs as, as a superuser. The other server has been set up by primary.sh.

  --name NAME      the name of this standby: that of its slot there, which is made if it is missing
  --host HOST      the server to follow, as this machine reaches it
  --port PORT      its port (5432)
  --role NAME      the role to connect as (replicator)
  --passfile FILE  with its password (PGPASSFILE, or ~/.pgpass)
  -n, --dry-run    show what would be done, and do nothing
  -h, --help       this text

The slot at the server it has followed, if that lives, is left: drop it there.

Exit status: 0 done, or nothing to do; 1 something failed; 2 wrong arguments; 3 no server, or no rights; 4 it is no standby, or
cannot follow that server: then rejoin.sh or standby.sh builds it anew.
USAGE
}

while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        -n | --dry-run) dry_run=yes; shift; continue ;;
        -D | --data) wrong "unknown argument $1" ;;
        *) standby_argument "$@" ;;
    esac
    shift 2
done
[ -n "$name" ] && [ -n "$host" ] || wrong '--name and --host are needed'

not_root
need_passfile
need_own_server
need_files_of_server
need_source
facts=$(sql "SELECT pg_is_in_recovery(), system_identifier, greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()),
    (SELECT ('x' || max(left(name, 8)))::bit(32)::int FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$') FROM pg_control_system()")
IFS='|' read -r is_standby system received timeline <<<"$facts"
[ "$is_standby" = t ] || refuse 4 'it is a primary' 'An old primary becomes a standby by rejoin.sh.'
[ "$system" = "$source_system" ] || refuse 4 "$host, port $port is of another cluster"
find_programs "$source_major"
data=$own_data
! is_standby_of_source || { say "nothing to do: it follows $host, port $port"; exit 0; }

# In a circle nobody would receive anything any more.
its_slot=$(ask_source "SELECT current_setting('primary_slot_name') WHERE pg_is_in_recovery()")
[ "$(sql "SELECT active FROM pg_replication_slots WHERE slot_name = $(literal "$its_slot")")" != t ] ||
    refuse 4 "$host, port $port follows this one, by slot \"$its_slot\"" 'Have it follow another server first.'

# What this standby has received and the other has not cannot be taken back. Positions of two timelines say nothing of each other:
# they have the same WAL up to where the one was left for the other.
back='Stop it when it has replayed all that, and have it come back by rejoin.sh.'
if [ "$timeline" = "$source_timeline" ]; then
    [ "$(ask_source "SELECT CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END >= '$received'")" = t ] ||
        refuse 4 "it has received WAL up to $received, and $host, port $port has not" "$back"
else
    left=$([ "$source_timeline" -lt "$timeline" ] || ask_sender "TIMELINE_HISTORY $source_timeline" | sed -nE "s,^(.*\|)?$timeline\s+([0-9A-F]+/[0-9A-F]+)\s.*,\2,p")
    [ -n "$left" ] || refuse 4 "$host, port $port is on timeline $source_timeline, which does not come from timeline $timeline, where this one is" "$back"
    [ "$(sql "SELECT '$left'::pg_lsn >= '$received'")" = t ] ||
        refuse 4 "it has received WAL of timeline $timeline up to $received, and $host, port $port has left that at $left" "$back"
fi

need_free_slot
is_streaming() { [ "$(ask_source "SELECT active FROM pg_replication_slots WHERE slot_name = $(literal "$name")")" = t ]; }
streams() {
    wait_until 300 0.2 is_streaming && return 0
    say 'it does not stream: see its log, and that of the other server' >&2
    return 1
}
plan_slot
sql_step "ALTER SYSTEM SET primary_conninfo = $(literal "$(source_conninfo)")"
sql_step "ALTER SYSTEM SET primary_slot_name = $(literal "$name")"
sql_step 'SELECT pg_reload_conf()'
step streams
run_steps
