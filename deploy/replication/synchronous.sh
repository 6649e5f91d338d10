#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# Has commits on the primary wait for standbys, or not. See --help.
# shellcheck source=deploy/replication/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'USAGE'
Usage: synchronous.sh --any N NAME ... [--dry-run]
       synchronous.sh --first N NAME ... [--dry-run]
       synchronous.sh --off [--dry-run]

Sets synchronous_standby_names of the primary that psql connects to, as a superuser.

  --any N NAME ...    a commit waits until N of these standbys have it (quorum)
  --first N NAME ...  a commit waits for the first N of these that are connected (priority)
  --off               no commit waits for a standby
  -n, --dry-run       show what would be done, and do nothing
  -h, --help          this text

N standbys have to be connected: with fewer, commits would wait at once. With N of N names, commits wait as soon as one is lost.

Exit status: 0 done, or nothing to do; 1 something failed; 2 wrong arguments; 3 no server, or no rights; 4 it is no primary, or too
few of the standbys are connected.
USAGE
}

method='' number=0
names=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        -n | --dry-run) dry_run=yes ;;
        --any | --first)
            [ -z "$method" ] || wrong 'one of --any, --first, --off'
            needs_value "$@"
            [[ $2 =~ ^[1-9][0-9]{0,2}$ ]] || wrong "$1 $2 is not a number of standbys"
            method=${1#--} number=$2
            shift ;;
        --off) [ -z "$method" ] || wrong 'one of --any, --first, --off'; method=off ;;
        -*) wrong "unknown option $1" ;;
        *) check_name standby "$1"; [[ " ${names[*]} " != *" $1 "* ]] || wrong "standby $1 is there twice"; names+=("$1") ;;
    esac
    shift
done
case $method in
    '') wrong 'one of --any, --first, --off' ;;
    off) [ ${#names[@]} = 0 ] || wrong '--off takes no names'; wanted='' ;;
    *)
        [ "$number" -le ${#names[@]} ] || wrong "$number of ${#names[@]} standbys cannot be"
        wanted="${method^^} $number ($(printf '%s, ' "${names[@]}" | sed 's/, $//'))" ;;
esac

need_own_server
facts=$(sql "SELECT pg_is_in_recovery(), current_setting('synchronous_standby_names'), current_setting('synchronous_commit'),
    (SELECT coalesce(string_agg(DISTINCT application_name, ' '), '') FROM pg_stat_replication WHERE state = 'streaming')")
IFS='|' read -r is_standby current commit connected <<<"$facts"
[ "$is_standby" = f ] || refuse 4 'it is a standby' 'Run it on the primary.'
[ "$current" != "$wanted" ] || { say "nothing to do: ${wanted:-commits wait for no standby}"; exit 0; }
there=0
for name in "${names[@]}"; do
    if [[ " $connected " = *" $name "* ]]; then there=$((there + 1)); else say "standby $name is not connected" >&2; fi
done
[ "$there" -ge "$number" ] || refuse 4 "commits would wait: $number of the standbys are wanted, and $there are connected" "Connected are: ${connected:-none}."
[[ $method = off || ! $commit =~ ^(off|local)$ ]] || say "synchronous_commit is $commit: no commit waits but those that say otherwise" >&2

is_seen() {
    [ "$(sql "SELECT current_setting('synchronous_standby_names') = $(literal "$wanted") AND
        (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) >= $number")" = t ]
}
is_in_force() {
    wait_until 100 0.1 is_seen && return 0
    say 'another file, or the command line of the server, sets it otherwise' >&2
    return 1
}
sql_step "ALTER SYSTEM SET synchronous_standby_names = $(literal "$wanted")"
sql_step 'SELECT pg_reload_conf()'
step is_in_force
run_steps
