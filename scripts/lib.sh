# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
#
# What the scripts share: who runs servers, where, and how everything is taken away again. To be sourced by bash.
#
#   work_dir                  makes $work, a directory that the server's user can read, removed at the end
#   stage                     builds the extension and installs it into $work/stage, not into the system
#   start_server NAME [LINE]  a throwaway cluster with the staged extension in reach, reached by PGHOST and PGPORT
#   as_server COMMAND         runs a command as the user that servers run as, never root
#   run COMMAND               runs a command that takes long; it dies with the script

set -euo pipefail
umask 022

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$tree"

work=
child=
server_env=(false)
build_args=()
PG_CONFIG=${PG_CONFIG:-pg_config}
jobs=$(nproc 2>/dev/null || echo 2)
[ "$(id -u)" = 0 ] && server_user=postgres || server_user=$(id -un)

# A session of somebody's own must not decide where the tests connect to.
for variable in "${!PG@}"; do [ "$variable" = PG_CONFIG ] || unset "$variable"; done
unset MAKEFLAGS MAKELEVEL MFLAGS

say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "$*" >&2; }
die() { note "$(basename "$0"): $*"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "needs root or sudo: $*"
    fi
}

as_server() { (cd "$work" && "${server_env[@]}" "$@"); }

# A process group of its own, so that an interrupt reaches everything a command has started.
run() {
    local status=0
    setsid -- "$@" </dev/null &
    child=$!
    wait "$child" || status=$?
    child=
    return "$status"
}

run_as_server() { run "${server_env[@]}" "$@"; }

# ---- Work directory and cleaning up ----------------------------------------------------------------------------------

work_dir() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/steward.XXXXXX")
    chmod 755 "$work"
    mkdir "$work/home" "$work/tmp" "$work/servers" "$work/sockets"
    server_env=(env "HOME=$work/home")
    if [ "$(id -u)" = 0 ]; then
        id "$server_user" >/dev/null 2>&1 || die "there is no user $server_user to run servers as"
        server_env=(setpriv "--reuid=$server_user" "--regid=$(id -gn "$server_user")" --clear-groups -- "${server_env[@]}")
        chown "$server_user" "$work"/{home,tmp,servers,sockets}
    fi
}

# Every server that lives below $work, whoever has started it: tests start some of their own.
server_pids() {
    find "$work" -name postmaster.pid -exec head -qn 1 {} + 2>/dev/null || true
}

stop_servers() {
    local pid tries
    for pid in $(server_pids); do kill -INT "$pid" 2>/dev/null || true; done
    for tries in $(seq 50); do
        [ -n "$(server_pids)" ] || return 0
        [ "$tries" != 30 ] || for pid in $(server_pids); do kill -QUIT "$pid" 2>/dev/null || true; done
        sleep 0.1
    done
}

cleanup() {
    local status=$?
    trap '' INT TERM HUP
    if [ -n "$child" ]; then
        kill -TERM -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    if [ -n "$work" ] && [ -d "$work" ]; then
        stop_servers
        if [ -n "${KEEP:-}" ]; then note "kept: $work"; else rm -rf "$work"; fi
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# ---- Servers ---------------------------------------------------------------------------------------------------------

find_server() {
    command -v "$PG_CONFIG" >/dev/null || die "no $PG_CONFIG: scripts/install-packages build"
    bindir=$("$PG_CONFIG" --bindir)
    sharedir=$("$PG_CONFIG" --sharedir)
    pkglibdir=$("$PG_CONFIG" --pkglibdir)
    pgxs_dir=$("$PG_CONFIG" --pgxs) pgxs_dir=${pgxs_dir%/src/makefiles/pgxs.mk}
    major=$("$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
    [ -x "$bindir/initdb" ] || die "no initdb in $bindir: scripts/install-packages build"
}

build() { run make -s "-j$jobs" PG_CONFIG="$PG_CONFIG" "${build_args[@]}" all; }

stage() {
    find_server
    build && run make -s PG_CONFIG="$PG_CONFIG" "${build_args[@]}" DESTDIR="$work/stage" install
}

# How a server finds an extension that is not installed where it looks by itself.
staging_settings() {
    if [ "$major" -ge 18 ]; then
        say "extension_control_path = '$work/stage$sharedir:\$system'"
    else
        say "extension_destdir = '$work/stage'"
    fi
    say "dynamic_library_path = '$work/stage$pkglibdir:\$libdir'"
}

test_settings() {
    staging_settings
    say "fsync = off"
    say "listen_addresses = ''"
    say "unix_socket_directories = '$work/sockets'"
    [ ! -f test/server.conf ] || cat test/server.conf
}

# start_server NAME [SETTING ...]
start_server() {
    local data="$work/servers/$1" log="$work/servers/$1.log"
    export PGHOST="$work/sockets" PGPORT=$((${PGPORT:-54320} + 1)) PGUSER=postgres PGDATABASE=postgres
    shift
    as_server "$bindir/initdb" -D "$data" -A trust -U postgres -E UTF8 --locale=C --no-sync >"$work/initdb.log" 2>&1 ||
        { cat "$work/initdb.log" >&2; die "initdb failed"; }
    { test_settings; say "port = $PGPORT"; for line in "$@"; do say "$line"; done; } |
        as_server tee -a "$data/postgresql.conf" >/dev/null
    as_server "$bindir/pg_ctl" -s -w -D "$data" -l "$log" start || { tail -n 40 "$log" >&2; die "server did not start"; }
}
