#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# Builds a standby by pg_basebackup, from the primary or from another standby. See --help.
# shellcheck source=deploy/replication/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'USAGE'
Usage: standby.sh --data DIRECTORY --name NAME --host HOST [--port PORT] [--role NAME] [--passfile FILE] [--dry-run]

Makes a standby in an empty data directory. Run it as the user that its server will run as; the server is not started. The
source has been set up by primary.sh; it may be a standby itself, which makes this one a cascaded standby.

  -D, --data DIRECTORY  the data directory: empty, or not there yet
  --name NAME           its name: that of its slot at the source, and its application_name
  --host HOST           the source, as this machine reaches it
  --port PORT           its port (5432)
  --role NAME           the role to connect as (replicator)
  --passfile FILE       with its password; the server will read it, too (PGPASSFILE, or ~/.pgpass)
  -n, --dry-run         show what would be done, and do nothing
  -h, --help            this text

When it fails or is ended by a signal, the directory is as it was, and a slot that it has made is dropped.

Exit status: 0 done, or it is that standby already; 1 something failed; 2 wrong arguments; 3 no server, or no rights; 4 the
directory is in use or not empty, or something else is not as it has to be.
USAGE
}

while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        -n | --dry-run) dry_run=yes; shift; continue ;;
        *) standby_argument "$@" ;;
    esac
    shift 2
done
[ -n "$data" ] && [ -n "$name" ] && [ -n "$host" ] || wrong '--data, --name and --host are needed'

# ---- What is there ---------------------------------------------------------------------------------------------------

not_root
need_passfile
need_source
find_programs "$source_major"
if ! is_empty "$data"; then
    if is_standby_of_source; then say_standby; exit 0; fi
    ! server_uses "$data" || refuse 4 "a server uses $data (process $(head -n 1 "$data/postmaster.pid"))" 'Nothing is built where a server runs.'
    refuse 4 "$data is not empty" 'Move away what is there. An old primary comes back by rejoin.sh.'
fi
parent=$data
while [ ! -e "$parent" ]; do parent=$(dirname "$parent"); done
[ -d "$parent" ] && [ -w "$parent" ] || refuse 3 "$parent cannot be written"

need_mb=$(ask_source "SELECT coalesce(sum(pg_database_size(oid)), 0) / 1048576 FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')")
has_mb=$(($(df -Pk -- "$parent" | awk 'NR == 2 { print $4 }') / 1024))
[ "${need_mb%.*}" -lt "$has_mb" ] || refuse 4 "the databases take ${need_mb%.*} MB, and $parent has room for $has_mb MB"

need_free_slot
make_slot=--create-slot
case $slot in '' | 'physical lost' | 'physical unreserved') ;; *) make_slot='' ;; esac

# ---- Building it -----------------------------------------------------------------------------------------------------

existed=
[ ! -d "$data" ] || existed=yes
undo() {
    [ ! -d "$data" ] || find "$data" -mindepth 1 -delete
    [ -n "$existed" ] || [ ! -d "$data" ] || rmdir -- "$data"
    [ -z "$make_slot" ] || [[ $begun != *--create-slot* ]] || undo_slot
}
[ -z "$slot" ] || [ -z "$make_slot" ] || source_step "SELECT pg_drop_replication_slot('$name')"
step "$bindir/pg_basebackup" -d "$(source_conninfo)" -D "$data" -R -X stream --checkpoint=fast --slot="$name" ${make_slot:+"$make_slot"} --no-password
run_steps
[ -n "$dry_run" ] || say "done: $data is a standby of $host, port $port. Start its server; then, if pg_steward is there, steward.register_standby('$name', HOST, PORT)"
