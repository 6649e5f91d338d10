# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
#
# For benchmarks of the scheduler, to be sourced: a server of their own that preloads the library, because they restart it.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
staged=$STEWARD_STAGE
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"

# own_server [SETTING ...]: settings later in the file win.
own_server() {
    work_dir
    find_server
    ln -s "$staged" "$work/stage"
    start_server own "shared_preload_libraries = 'pg_steward'" "synchronous_commit = off" "shared_buffers = 512MB" \
        "checkpoint_timeout = 1h" "max_wal_size = 8GB" "autovacuum = off" "log_line_prefix = '%m [%p] %q%a '" "$@"
    sql -c "CREATE EXTENSION pg_steward"
}

# start_standby PORT NAME [SETTING ...]: of the server at that port; the next port is its own.
start_standby() {
    local upstream=$1 data="$work/servers/$2" log="$work/servers/$2.log"
    export PGPORT=$((PGPORT + 1))
    shift 2
    as_server "$bindir/pg_basebackup" -p "$upstream" -D "$data" -R -c fast --no-sync
    { say "port = $PGPORT"; for line in "$@"; do say "$line"; done; } | as_server tee -a "$data/postgresql.conf" >/dev/null
    as_server "$bindir/pg_ctl" -s -w -D "$data" -l "$log" start || { tail -n 40 "$log" >&2; die "standby did not start"; }
}

# A standby looks for nodes once a minute, a prober that begins at once.
know_nodes() { # know_nodes NODES PORT...: as soon as the table is there
    local nodes=$1 port
    shift
    for port in "$@"; do
        until [ "$(PGPORT=$port sql -c 'SELECT count(*) FROM steward.nodes' 2>/dev/null)" = "$nodes" ]; do sleep 0.1; done
        PGPORT=$port sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_steward prober'" >/dev/null
    done
}

restart_server() {
    as_server "$bindir/pg_ctl" -s -w -m fast -D "$work/servers/own" -l "$work/servers/own.log" restart
}

sql() { "$bindir/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# The medians of numbers, one a line.
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

launcher_pid() { sql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_steward launcher'"; }

# Milliseconds of processor time that a process has used.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"; }

# What has warnings or errors in the server's log is no measurement.
check_log() {
    ! grep -E ' (WARNING|ERROR|FATAL|PANIC):' "$work/servers/own.log" | grep -v "${1:-^$}" | head -n 5 | grep . ||
        die "the server's log says more than it should"
}
