#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# Brings an old primary back as a standby of the new one by pg_rewind. See --help.
# shellcheck source=deploy/replication/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'USAGE'
Usage: rejoin.sh --data DIRECTORY --name NAME --host HOST [--port PORT] [--role NAME] [--passfile FILE] [--config-file FILE] [--dry-run]

Makes a stopped server, the old primary after a failover or a standby that has received more than the new one, a standby of the
new one. What only it has is given up. Run it as the user that its server runs as; the server is not started.

  -D, --data DIRECTORY  its data directory
  --name NAME           its name: that of its slot, which is made anew at the new primary
  --host HOST           the new primary, as this machine reaches it, set up by primary.sh with --standby NAME=ADDRESS
  --port PORT           its port (5432)
  --role NAME           the role to connect as (replicator)
  --passfile FILE       with its password; the server will read it, too (PGPASSFILE, or ~/.pgpass)
  --config-file FILE    its postgresql.conf, where that is not in the data directory
  -n, --dry-run         show what would be done, and do nothing
  -h, --help            this text

A server that crashed first comes to the end of its WAL, by itself and alone. Then pg_rewind is tried without a change. The *.conf
files of the data directory stay those of this server.

Exit status: 0 done, or it is that standby already; 1 something failed; 2 wrong arguments; 3 no server, or no rights; 4 the
directory is in use, or something else is not as it has to be: where pg_rewind cannot do it, standby.sh builds it anew.
USAGE
}

config=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        -n | --dry-run) dry_run=yes; shift; continue ;;
        --config-file) needs_value "$@"; config=$(readlink -m -- "$2") ;;
        *) standby_argument "$@" ;;
    esac
    shift 2
done
[ -n "$data" ] && [ -n "$name" ] && [ -n "$host" ] || wrong '--data, --name and --host are needed'

# ---- What is there ---------------------------------------------------------------------------------------------------

not_root
[ -r "$data/PG_VERSION" ] || refuse 4 "$data is not a data directory, or belongs to somebody else"
major=$(cat "$data/PG_VERSION")
find_programs "$major"
need_passfile
need_source
if is_standby_of_source; then say_standby; exit 0; fi
! server_uses "$data" || refuse 4 "a server uses $data (process $(head -n 1 "$data/postmaster.pid"))" 'Stop it first. A standby that runs is led elsewhere by follow.sh.'
[ -w "$data" ] || refuse 3 "$data cannot be written"
[ "$major" = "$source_major" ] || refuse 4 "it is of PostgreSQL $major, and $host, port $port of $source_major"
system=$(controldata 'Database system identifier')
[ "$system" = "$source_system" ] || refuse 4 "$host, port $port is of another cluster" "Their system identifiers are $system here and $source_system there."
[ "$source_is_standby" = f ] || refuse 4 "$host, port $port is a standby" 'Name the new primary.'
[ "$(controldata 'wal_log_hints setting')" = on ] || [ "$(controldata 'Data page checksum version')" != 0 ] ||
    refuse 4 'it had neither wal_log_hints nor data checksums: pg_rewind cannot know what to take back' 'Build it anew by standby.sh.'
[ -n "$config" ] || config=$data/postgresql.conf
[ -r "$config" ] || refuse 3 "no configuration file $config" 'Name it by --config-file.'
need_free_slot
facts=$(ask_source "SELECT timeline_id, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
    (SELECT bool_and(has_function_privilege(f, 'EXECUTE')) FROM unnest(ARRAY['pg_ls_dir(text, boolean, boolean)', 'pg_stat_file(text, boolean)',
        'pg_read_binary_file(text)', 'pg_read_binary_file(text, bigint, bigint, boolean)']) f) FROM pg_control_checkpoint()")
IFS='|' read -r written timeline can_rewind <<<"$facts"
[ "$can_rewind" = t ] || refuse 3 "role \"$role\" may not read what pg_rewind needs at $host, port $port" 'Run primary.sh there.'
[ "$written" = "$timeline" ] || refuse 4 "$host, port $port has been promoted, and made no checkpoint since" 'Run CHECKPOINT there first, as promote.sh does.'

# ---- Rewinding it ----------------------------------------------------------------------------------------------------

kept=$data.conf-kept-by-rejoin
[ ! -e "$kept" ] || refuse 4 "$kept is there, of an attempt that did not end" "Its files are the configuration of $data: put them back, and remove it."
undo() {
    [[ $begun != *pg_create_physical_replication_slot* ]] || undo_slot
    [ ! -e "$kept" ] || say "the configuration of $data is kept in $kept; pg_rewind may have left $data of no use" >&2
}
conf_files() { find "$1" -mindepth 1 -maxdepth 1 \( -name '*.conf' -o -name '*.conf.d' -o -name conf.d \) "${@:2}"; }
keep_conf() { mkdir -- "$kept" && conf_files "$data" -exec cp -a -- {} "$kept/" \; && sync -- "$kept"; }
put_conf_back() { conf_files "$data" -exec rm -r -- {} + && find "$kept" -mindepth 1 -maxdepth 1 -exec cp -a -- {} "$data/" \; && write_standby && rm -r -- "$kept"; }
rewind=("$bindir/pg_rewind" -D "$data" "--source-server=$(source_conninfo) dbname=postgres" --no-ensure-shutdown)

# Alone, with nobody connected, it replays its own WAL.
case $(controldata 'Database cluster state') in
    'shut down' | 'shut down in recovery') ;;
    *) step "$bindir/postgres" --single -D "$data" -c "config_file=$config" template1 ;;
esac
step "${rewind[@]}" --dry-run
plan_slot
step keep_conf
step "${rewind[@]}"
step put_conf_back
run_steps
[ -n "$dry_run" ] || say "done: $data is a standby of $host, port $port. Start its server"
