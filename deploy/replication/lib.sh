# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
#
# What the scripts of deploy/replication share. Each of them looks first, refuses or plans, and only then acts: what
# --dry-run prints is what would be run. To be sourced by bash.
# shellcheck disable=SC2034,SC2154
set -euo pipefail

me=$(basename "$0")
dry_run=
role=replicator
passfile=${PGPASSFILE:-$HOME/.pgpass}

say() { printf '%s\n' "$*"; }
refuse() { # refuse STATUS WHAT [WAY OUT]
    printf '%s: %s\n' "$me" "$2" >&2
    [ -z "${3:-}" ] || printf '%s\n' "$3" >&2
    exit "$1"
}
wrong() { refuse 2 "$1" "Try $me --help."; }

# ---- Arguments -------------------------------------------------------------------------------------------------------

needs_value() { [ $# -gt 1 ] && [ -n "$2" ] || wrong "$1 needs a value"; }

# What an argument may be: it comes into SQL, pg_hba.conf and connection strings.
check_name() { [[ $2 =~ ^[a-z_][a-z0-9_]{0,62}$ ]] || wrong "$1 \"$2\" is not a name of lower-case letters, digits and underscores"; }
check_host() { [[ $2 =~ ^[A-Za-z0-9.:_/-]+$ ]] || wrong "$1 \"$2\" is not a host"; }
check_port() { [[ $2 =~ ^[0-9]{1,5}$ ]] && [ "$2" -ge 1 ] && [ "$2" -le 65535 ] || wrong "$1 \"$2\" is not a port"; }

# What the scripts take that connect two servers.
data='' name='' host='' port=5432
standby_argument() {
    case $1 in
        -D | --data | --name | --host | --port | --role | --passfile) needs_value "$@" ;;
        *) wrong "unknown argument $1" ;;
    esac
    case $1 in
        -D | --data) data=$(readlink -m -- "$2") ;;
        --name) check_name --name "$2"; name=$2 ;;
        --host) check_host --host "$2"; host=$2 ;;
        --port) check_port --port "$2"; port=$2 ;;
        --role) check_name --role "$2"; role=$2 ;;
        --passfile) passfile=$2 ;;
    esac
}

not_root() { [ "$(id -u)" != 0 ] || refuse 3 "root must not run this" "Run it as the user that the server runs as: sudo -u postgres $me ..."; }

# A password stands in a file of its own, which libpq reads only if nobody else can.
need_passfile() {
    passfile=$(readlink -m -- "$passfile")
    [[ $passfile != *[\'\\]* ]] || wrong "--passfile must not have quotes or backslashes in its name"
    [ -f "$passfile" ] && [ -r "$passfile" ] ||
        refuse 3 "no passfile $passfile" "Make it, mode 0600, with a line *:*:*:$role:PASSWORD, and give it to each server's user."
    case $(stat -c %a -- "$passfile") in *00) ;; *) refuse 3 "passfile $passfile can be read by others" "chmod 0600 $passfile" ;; esac
}

# ---- What is to be done ----------------------------------------------------------------------------------------------

steps=()
quoted() {
    local word text=
    for word; do
        case $word in
            *[\'] | *\'*) case $word in *[\"\$\`\\!]*) word="'${word//\'/\'\\\'\'}'" ;; *) word="\"$word\"" ;; esac ;;
            '' | *[!A-Za-z0-9_./:=,@%+-]*) word="'$word'" ;;
        esac
        text+="${text:+ }$word"
    done
    say "$text"
}
step() { steps+=("$(quoted "$@")"); }

# Shows all steps, or runs one after the other; the first that fails is the last. Whatever ends it early, undo() is called.
child='' begun=''
undo() { :; }
leave() {
    local status=$?
    trap '' EXIT INT TERM HUP
    [ -z "$child" ] || { kill -TERM -- "-$child" 2>/dev/null; wait "$child" 2>/dev/null || true; }
    [ $status = 0 ] || undo || true
    exit "$status"
}
run_steps() {
    local text status
    [ -n "$dry_run" ] || { trap leave EXIT; trap 'exit 130' INT; trap 'exit 143' TERM HUP; }
    for text in "${steps[@]}"; do
        say "$text"
        [ -z "$dry_run" ] || continue
        begun+="$text"$'\n'
        # In the background, as signals are heeded only between commands; in a process group, so that all of it is ended.
        set -m
        eval "$text" </dev/null &
        child=$!
        set +m
        status=0
        wait "$child" || status=$?
        child=
        [ $status = 0 ] || refuse 1 "failed: $text"
    done
    trap - EXIT INT TERM HUP
}

wait_until() { # wait_until TRIES SECONDS COMMAND...: tries it again that much later
    local _
    for _ in $(seq "$1"); do
        ! "${@:3}" || return 0
        sleep "$2"
    done
    return 1
}

# ---- Servers ---------------------------------------------------------------------------------------------------------

psql_here() { PGAPPNAME=$me psql -XAtqw -v ON_ERROR_STOP=1 -d "${PGDATABASE:-postgres}" "$@"; }
sql() { psql_here -c "$1"; }
literal() { say "'${1//\'/\'\'}'"; }
sql_step() { step psql -XAtqw -v ON_ERROR_STOP=1 -o /dev/null -d "${PGDATABASE:-postgres}" -c "$1"; }

need() { for tool; do command -v "$tool" >/dev/null || refuse 3 "$tool is not in the PATH"; done; }

# This very server, as a superuser; and its files, as the user it runs as.
need_own_server() {
    local facts is_superuser user
    need psql
    facts=$(sql "SELECT rolsuper, rolname, CASE WHEN rolsuper THEN current_setting('data_directory') END FROM pg_roles WHERE rolname = current_user") ||
        refuse 3 'the server cannot be reached' 'PGHOST, PGPORT, PGUSER and PGDATABASE count as for psql.'
    IFS='|' read -r is_superuser user own_data <<<"$facts"
    [ "$is_superuser" = t ] || refuse 3 "role \"$user\" is not a superuser"
}
need_files_of_server() {
    [ -r "$own_data/postmaster.pid" ] && [ "$(cat "$own_data/postmaster.pid")" = "$(sql "SELECT pg_read_file('postmaster.pid')")" ] ||
        refuse 3 "the server's data directory $own_data is not here, or belongs to somebody else" "Run it on the server's machine, as the user it runs as."
}

# The server that WAL comes from, as the replication role.
source_conninfo() { say "host=$host port=$port user=$role passfile='$passfile' application_name=${name:-$me} connect_timeout=10"; }
ask_source() { psql -XAtqw -v ON_ERROR_STOP=1 -d "$(source_conninfo) dbname=postgres" -c "$1"; }
ask_sender() { psql -XAtqw -d "$(source_conninfo) replication=true" -c "$1"; }
source_step() { step psql -XAtqw -v ON_ERROR_STOP=1 -o /dev/null -d "$(source_conninfo) dbname=postgres" -c "$1"; }
plan_slot() { # from now on it keeps WAL
    [ -z "$slot" ] || source_step "SELECT pg_drop_replication_slot('$name')"
    source_step "SELECT pg_create_physical_replication_slot('$name', true)"
}
need_source() {
    local facts
    need psql
    facts=$(ask_source "SELECT current_setting('server_version_num')::int / 10000, system_identifier, pg_is_in_recovery(),
        (SELECT rolreplication FROM pg_roles WHERE rolname = current_user),
        (SELECT slot_type || ' ' || CASE WHEN active THEN 'active' ELSE coalesce(wal_status, 'unused') END
         FROM pg_replication_slots WHERE slot_name = $(literal "$name"))
        FROM pg_control_system()") || refuse 3 "role \"$role\" cannot connect to $host, port $port" \
        "Run primary.sh there with --standby $name=ADDRESS; $passfile needs its password."
    IFS='|' read -r source_major source_system source_is_standby is_replication slot <<<"$facts"
    [ "$is_replication" = t ] || refuse 3 "role \"$role\" has not the attribute REPLICATION at $host, port $port" "Run primary.sh there."
    facts=$(ask_sender IDENTIFY_SYSTEM) ||
        refuse 3 "$host, port $port takes no replication connection of role \"$role\"" "Run primary.sh there with --standby $name=ADDRESS."
    IFS='|' read -r _ source_timeline _ <<<"$facts"
}

# ---- Data directories ------------------------------------------------------------------------------------------------

server_uses() { # server_uses DIRECTORY: a process has it; the number of one that is gone may be another's by now
    local pid
    pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] && [ -e "/proc/$pid" ] || return 1
    [ "$(readlink "/proc/$pid/cwd" || echo "$1")" = "$1" ]
}
is_empty() { [ ! -e "$1" ] || [ -z "$(find "$1" -mindepth 1 -maxdepth 1 -print -quit)" ]; }

# The programs of a major version: the first of those that are there.
find_programs() { # find_programs MAJOR
    local dir
    for dir in "$(dirname "$(command -v pg_ctl || echo /)")" "/usr/lib/postgresql/$1/bin" "/usr/pgsql-$1/bin" "$(pg_config --bindir 2>/dev/null)"; do
        [ -x "$dir/pg_ctl" ] && [[ $("$dir/pg_ctl" --version) =~ \)\ $1[^0-9] ]] || continue
        bindir=$dir
        return 0
    done
    refuse 3 "the programs of PostgreSQL $1 are not here" "Install the server's package, or put its bin directory into the PATH."
}
controldata() { LC_ALL=C "$bindir/pg_controldata" -D "$data" | sed -n "s/^$1: *//p"; }

# What ALTER SYSTEM, pg_basebackup -R or we have written there last.
auto_setting() { sed -n "s/^ *$1 *= *'\(.*\)' *\$/\1/p" "$data/postgresql.auto.conf" 2>/dev/null | tail -n 1 | sed "s/''/'/g"; }

# A standby of that source already, under that name?
is_standby_of_source() {
    local conninfo
    [ -e "$data/standby.signal" ] && [ "$(controldata 'Database system identifier')" = "$source_system" ] || return 1
    conninfo=" $(auto_setting primary_conninfo) "
    [ "$(auto_setting primary_slot_name)" = "$name" ] && [[ $conninfo == *" host=$host "* || $conninfo == *" host='$host' "* ]] &&
        [[ $conninfo == *" port=$port "* || $conninfo == *" port='$port' "* ]]
}
say_standby() {
    if server_uses "$data"; then say "nothing to do: $data is a standby of $host, port $port, and its server runs"
    else say "nothing to do: $data is a standby of $host, port $port; start its server"; fi
}

# What is there under that name must be ours, and idle.
need_free_slot() {
    case $slot in
        'physical active') refuse 4 "slot \"$name\" is in use at $host, port $port" 'Is a standby of that name running? Each needs a name of its own.' ;;
        '' | physical*) ;;
        *) refuse 4 "slot \"$name\" is there for logical replication" 'Take another name.' ;;
    esac
}

# A slot that was made here and that nobody uses must not keep WAL for ever. It may be in use for a moment by what has just ended.
drop_slot() {
    local left _
    for _ in $(seq 50); do
        ask_source "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $(literal "$name") AND NOT active" >/dev/null || return 1
        left=$(ask_source "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $(literal "$name")") || return 1
        [ "$left" != 0 ] || return 0
        sleep 0.2
    done
    return 1
}
undo_slot() { drop_slot || say "slot \"$name\" may be left at $host, port $port: it keeps WAL until it is dropped" >&2; }

# What makes a server a standby of the source when it starts.
write_standby() {
    printf "primary_conninfo = '%s'\nprimary_slot_name = '%s'\n" "$(source_conninfo | sed "s/'/''/g")" "$name" >>"$data/postgresql.auto.conf" &&
        : >"$data/standby.signal" && sync -- "$data/postgresql.auto.conf" "$data/standby.signal" "$data"
}
