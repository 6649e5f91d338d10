#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# Maintenance of one database by pg_steward, for cron, systemd timers and by hand. Everything is done by SQL that may be called as well
# without this script; SELECT * FROM steward.enable_default_maintenance() schedules it without any cron.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: maintenance.sh [COMMAND] [--database NAME] [--dry-run]

Commands:
  vacuum      vacuum and freeze what needs it
  analyze     renew the planner's statistics where they are old or missing
  reindex     rebuild bloated and invalid indexes, without locking anybody out
  partitions  create partitions ahead of time, retire old ones
  backup      run the backups that steward.enable_backups() or steward.allow_backup() has set up
  logs        begin a new server log file, and remove those of more than 30 days ago
  full        all of these; a backup only if one is set up
  (none)      vacuum, analyze and partitions

Options:
  -d, --database NAME  the database; else PGDATABASE. PGHOST, PGPORT, PGUSER and ~/.pgpass count as for psql
  -n, --dry-run        show what would be done, and do nothing
  -h, --help           this text

Exit status: 0 done; 1 something failed; 2 wrong arguments; 3 no server, no such database or no pg_steward in it; 4 another one is at
work in this database.
USAGE
}

refuse() {
    printf 'maintenance.sh: %s\nTry maintenance.sh --help.\n' "$*" >&2
    exit 2
}

# ---- What each command is ----------------------------------------------------------------------------------------------

show_plan() {
    echo "SELECT action, object, round(score::numeric, 2) AS score, reason, round(predicted_seconds::numeric, 1) AS seconds, verdict, detail" \
        "FROM steward.maintenance_plan(actions => '{$1}');"
}

since_start() { # since_start SOURCE CONDITION COMPLAINT: fails when a row of this session says so
    echo "DO 'BEGIN IF EXISTS (SELECT FROM $1 h JOIN pg_stat_activity a ON a.pid = pg_backend_pid() WHERE $2)" \
        "THEN RAISE EXCEPTION ''$3''; END IF; END';"
}

# The SQL of a command, a statement a line: `statements COMMAND plan` changes nothing, `statements COMMAND act` does what that has shown.
statements() {
    case $1-$2 in
        vacuum-plan) show_plan freeze,vacuum ;;
        vacuum-act) echo "CALL steward.maintain(actions => '{freeze,vacuum}');" ;;
        analyze-plan) show_plan analyze ;;
        analyze-act) echo "CALL steward.maintain(actions => '{analyze}');" ;;
        reindex-plan) show_plan 'drop leftover,reindex' ;;
        reindex-act) echo "CALL steward.maintain(actions => '{drop leftover,reindex}');" ;;
        partitions-plan) echo "SELECT action, object, lock_mode, reason, risk FROM steward.partition_plan();" ;;
        partitions-act)
            echo "SELECT parent, action, partition, outcome, detail FROM :steward_schema.maintain_partitions();"
            since_start steward.partition_history "h.happened_at >= a.backend_start AND h.outcome = ''failed''" 'some partitions could not be maintained'
            ;;
        backup-plan) echo "SELECT format('CALL steward.run_program(%L);', name) AS backup, argv FROM steward.programs WHERE is_backup ORDER BY name;" ;;
        backup-act)
            [ "$command" != backup ] || echo "DO 'BEGIN IF NOT EXISTS (SELECT FROM steward.programs WHERE is_backup)" \
                "THEN RAISE EXCEPTION ''no backup is set up in this database'' USING HINT = ''See steward.enable_backups().''; END IF; END';"
            echo "SELECT format('CALL steward.run_program(%L);', name) FROM steward.programs WHERE is_backup ORDER BY name \\gexec"
            since_start steward.backups "h.started_at >= a.backend_start AND h.outcome <> ''good''" 'a backup has failed'
            echo "SELECT b.program, b.outcome, pg_size_pretty(b.size_bytes) AS size, b.verified_at IS NOT NULL AS is_verified, b.location" \
                "FROM steward.backups b JOIN pg_stat_activity a ON a.pid = pg_backend_pid() WHERE b.started_at >= a.backend_start;"
            ;;
        logs-plan) echo "SELECT file, pg_size_pretty(bytes) AS size, modified_at, outcome FROM steward.clean_logs(dry_run => true);" ;;
        logs-act) echo "SELECT file, pg_size_pretty(bytes) AS size, modified_at, outcome, detail FROM steward.clean_logs(rotate => current_setting('logging_collector')::boolean);" ;;
    esac
}

# Errors of one command stop no other; a cancel stops all.
script() {
    local mode=$1 step statement
    shift
    cat <<'SQL'
\set ON_ERROR_STOP 1
\pset footer off
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_steward') AS has_steward \gset
\if :has_steward
\else
\o :status_file
\qecho absent
\o
DO $$ BEGIN RAISE EXCEPTION 'database "%" has no pg_steward', current_database() USING HINT = 'CREATE EXTENSION pg_steward;'; END $$;
\endif
SELECT quote_ident(n.nspname) AS steward_schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_steward' \gset
SQL
    # "steward" in ASCII. The lock lives as long as the session.
    [ "$mode" = plan ] || cat <<'SQL'
SELECT pg_try_advisory_lock(32497601465119332) AS is_alone \gset
\if :is_alone
\else
\o :status_file
\qecho busy
\o
DO $$ BEGIN RAISE EXCEPTION 'another maintenance.sh is at work in database "%"', current_database(); END $$;
\endif
SQL
    printf '%s\n' '\set ON_ERROR_STOP 0' "\\set failed ''"
    for step; do
        printf '\\echo %s%s\n' "$step" "$([ "$mode" = act ] || echo ', if it were done now')"
        statements "$step" "$mode" | while IFS= read -r statement; do
            cat <<SQL
$statement
\\if :ERROR
SELECT concat_ws(', ', nullif(nullif(:'failed', ''), '$step'), '$step') AS failed, :'LAST_ERROR_SQLSTATE' IN ('57014', '57P01') AS is_over \\gset
\\if :is_over
\\q
\\endif
\\endif
SQL
        done
    done
    cat <<'SQL'
\set ON_ERROR_STOP 1
SELECT :'failed' <> '' AS has_failed, format('DO $do$ BEGIN RAISE EXCEPTION %L; END $do$', 'failed: ' || :'failed') AS complaint \gset
\if :has_failed
:complaint;
\endif
\o :status_file
\qecho done
\o
SQL
}

# ---- Arguments ---------------------------------------------------------------------------------------------------------

command=
mode=act
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        -n | --dry-run) mode=plan ;;
        -d | --database)
            [ $# -gt 1 ] && [ -n "$2" ] || refuse "$1 needs the name of a database"
            export PGDATABASE=$2
            shift
            ;;
        --database=?*) export PGDATABASE=${1#*=} ;;
        -*) refuse "unknown option $1" ;;
        vacuum | analyze | reindex | partitions | backup | logs | full)
            [ -z "$command" ] || refuse "one command at a time: $command, $1"
            command=$1
            ;;
        *) refuse "unknown command $1" ;;
    esac
    shift
done
case $command in
    '') commands=(vacuum analyze partitions) ;;
    full) commands=(vacuum analyze reindex partitions backup logs) ;;
    *) commands=("$command") ;;
esac
command -v psql >/dev/null || { echo "maintenance.sh: psql is not in the PATH" >&2; exit 3; }

# ---- The session -------------------------------------------------------------------------------------------------------

status_file=$(mktemp)
child=
trap 'rm -f "$status_file"' EXIT
# psql cancels the statement under way, which ends the session.
trap '[ -z "$child" ] || kill -INT "$child" 2>/dev/null' INT TERM HUP

statements=$(script "$mode" "${commands[@]}")
PGAPPNAME="pg_steward maintenance.sh" psql -X -q -v status_file="$status_file" <<<"$statements" &
child=$!
status=0
wait "$child" || status=$?
# A signal ends the first wait before psql has ended.
[ $status -le 128 ] || wait "$child" || true
case $(cat "$status_file") in
    done) exit 0 ;;
    absent) exit 3 ;;
    busy) exit 4 ;;
esac
[ $status = 2 ] && exit 3
exit 1
