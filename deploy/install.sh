#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# Sets one database of a server up from its environment: extensions, settings, replication, partitions, maintenance. See --help.
# shellcheck source=deploy/replication/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/replication/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<'USAGE'
Usage: install.sh [--env FILE] [--dry-run]

Sets up the database of DATABASE_URL: extensions, shared_preload_libraries, settings for this machine, and, as far as variables
ask for them, replication, partitioned tables, maintenance and backups. Run it on the server's machine, as the user that the
server runs as; it connects as psql does there, as a superuser. What is there stays; run again, it does what is missing.

  --env FILE     variables, as in deploy/environment.example; without it those of the environment count
  -n, --dry-run  show what would be done, and do nothing
  -h, --help     this text

The configuration files are copied beside themselves before they are changed. Settings are applied once, by
steward.apply_tuning(): steward.revert_tuning() puts them back.

Exit status: 0 done, or nothing to do; 1 something failed; 2 wrong arguments or variables; 3 no server, no such database, no
pg_steward or no rights; 4 something is not as it has to be; 5 the server has to be restarted: do that, and run this again.
USAGE
}

env_file=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        -n | --dry-run) dry_run=yes ;;
        --env) needs_value "$@"; env_file=$2; shift ;;
        *) wrong "unknown argument $1" ;;
    esac
    shift
done

# ---- Variables -------------------------------------------------------------------------------------------------------

known='DATABASE_URL DATABASE_REPLICA_URL DB_MAX_CONNECTIONS DB_IDLE_TIMEOUT DB_CONNECTION_TIMEOUT DB_SLOW_QUERY_THRESHOLD DB_ENABLE_QUERY_LOGGING
    DB_HEALTH_CHECK_INTERVAL DB_BACKUP_ENABLED DB_BACKUP_DIRECTORY DB_BACKUP_METHOD DB_MAINTENANCE_SCHEDULE DB_TIMEZONE DB_PROFILE DB_STANDBYS
    DB_REPLICATION_PASSFILE DB_PARTITIONING DB_RESTART_COMMAND'
declare -A value
read_variables() {
    local name line number=0
    for name in $known; do [ -z "${!name:-}" ] || [ -n "$env_file" ] || value[$name]=${!name}; done
    [ -n "$env_file" ] || return 0
    [ -r "$env_file" ] || refuse 3 "no file $env_file"
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
        [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || refuse 2 "$env_file line $number is not NAME=value"
        name=${BASH_REMATCH[2]} line=${BASH_REMATCH[3]}
        [[ $line =~ ^\"([^\"]*)\"[[:space:]]*$ || $line =~ ^\'([^\']*)\'[[:space:]]*$ || $line =~ ^([^\"\'[:space:]]*)[[:space:]]*$ ]] ||
            refuse 2 "$name ($env_file line $number) is neither one word nor quoted"
        case " $(tr -s '\n ' '  ' <<<"$known") " in
            *" $name "*) value[$name]=${BASH_REMATCH[1]} ;;
            *) [[ $name != DB_* ]] || refuse 2 "$name ($env_file line $number) is no variable of this script" ;;
        esac
    done <"$env_file"
}
set_to_default() { [ -n "${value[$1]:-}" ] || value[$1]=$2; }
must_match() { [[ ${value[$1]} =~ ^($2)$ ]] || refuse 2 "$1 has to be $3"; }
must_be_number() { # must_be_number NAME LEAST MOST WHAT
    [[ ${value[$1]} =~ ^[0-9]{1,9}$ ]] && [ $((10#${value[$1]})) -ge "$2" ] && [ $((10#${value[$1]})) -le "$3" ] || refuse 2 "$1 has to be $4, from $2 to $3"
    value[$1]=$((10#${value[$1]}))
}

# The password in it is neither used nor shown.
url='postgres(ql)?://[^/@[:space:]]+@(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._%-]+)(:([0-9]{1,5}))?/([A-Za-z0-9._~%-]+)(\?[^[:space:]]*)?'
check_variables() {
    local pair
    [ -n "${value[DATABASE_URL]:-}" ] || refuse 2 'DATABASE_URL is not set' 'See deploy/environment.example.'
    must_match DATABASE_URL "$url" 'postgresql://user:password@host:port/database'
    [[ ${value[DATABASE_URL]} =~ ^$url$ ]]
    [ -n "${PGPORT:-}" ] || export PGPORT=${BASH_REMATCH[4]:-5432}
    printf -v PGDATABASE %b "${BASH_REMATCH[5]//%/\\x}"
    [[ $PGDATABASE != *[\"\\\']* ]] || refuse 2 'DATABASE_URL names a database with a quote or a backslash'
    export PGDATABASE
    set_to_default DATABASE_REPLICA_URL "${value[DATABASE_URL]}"
    must_match DATABASE_REPLICA_URL "$url" 'postgresql://user:password@host:port/database'
    set_to_default DB_MAX_CONNECTIONS 20; must_be_number DB_MAX_CONNECTIONS 1 10000 'a number of connections'
    set_to_default DB_IDLE_TIMEOUT 30000; must_be_number DB_IDLE_TIMEOUT 0 86400000 'milliseconds'
    set_to_default DB_CONNECTION_TIMEOUT 2000; must_be_number DB_CONNECTION_TIMEOUT 1 3600000 'milliseconds'
    set_to_default DB_SLOW_QUERY_THRESHOLD 1000; must_be_number DB_SLOW_QUERY_THRESHOLD 0 86400000 'milliseconds'
    set_to_default DB_HEALTH_CHECK_INTERVAL 60000; must_be_number DB_HEALTH_CHECK_INTERVAL 100 86400000 'milliseconds'
    set_to_default DB_ENABLE_QUERY_LOGGING true; must_match DB_ENABLE_QUERY_LOGGING 'true|false' 'true or false'
    set_to_default DB_BACKUP_ENABLED false; must_match DB_BACKUP_ENABLED 'true|false' 'true or false'
    set_to_default DB_BACKUP_METHOD pg_dump; must_match DB_BACKUP_METHOD 'pg_dump|pg_basebackup' 'pg_dump or pg_basebackup'
    set_to_default DB_PROFILE mixed; must_match DB_PROFILE 'web|oltp|mixed|dw|desktop' 'web, oltp, mixed, dw or desktop'
    set_to_default DB_MAINTENANCE_SCHEDULE '0 2 * * *'
    if [ "${value[DB_BACKUP_ENABLED]}" = true ]; then
        [ -d "${value[DB_BACKUP_DIRECTORY]:-}" ] && [ -w "${value[DB_BACKUP_DIRECTORY]}" ] && [[ ${value[DB_BACKUP_DIRECTORY]} = /* ]] ||
            refuse 2 'DB_BACKUP_ENABLED is true, and DB_BACKUP_DIRECTORY names no directory that can be written'
    fi
    [ -z "${value[DB_PARTITIONING]:-}" ] || [ -r "${value[DB_PARTITIONING]}" ] || refuse 2 'DB_PARTITIONING names no file that can be read'
    for pair in ${value[DB_STANDBYS]:-}; do [[ $pair = ?*=?* ]] || refuse 2 'DB_STANDBYS has to be NAME=ADDRESS ...'; done
}

# ---- What is there ---------------------------------------------------------------------------------------------------

# The companions are for statistics, plans and warm caches; auto_explain is a library only, which comes with the settings.
extensions=(pg_stat_statements pg_prewarm uuid-ossp pg_steward)
declare -A fact
look() {
    local rows name text zone schedule script
    zone=$([ -z "${value[DB_TIMEZONE]:-}" ] && say NULL || literal "${value[DB_TIMEZONE]}")
    schedule=$(literal "${value[DB_MAINTENANCE_SCHEDULE]}")
    [ "$(sql 'SELECT pg_is_in_recovery()')" = f ] || refuse 4 'it is a standby' 'Run it on the primary: all of it but the restart comes to standbys by replication, and by deploy/replication.'
    rows=$(sql "SELECT format('has %s=yes', name) FROM pg_available_extensions UNION ALL SELECT format('version %s=%s', extname, extversion) FROM pg_extension")
    while IFS='=' read -r name text; do fact[$name]=$text; done <<<"$rows"
    # Some servers do not list what they would find.
    fact[has pg_steward]=yes
    # The extension is asked before it is there, and is gone after that.
    script="\\set ON_ERROR_STOP 1
        BEGIN; SET LOCAL client_min_messages = warning;
        \\echo checked=pg_steward
        $([ -n "${fact[version pg_steward]:-}" ] || say 'CREATE EXTENSION pg_steward;')
        \\echo checked=DB_TIMEZONE
        SELECT 'here=' || (now() AT TIME ZONE coalesce($zone, 'UTC'));
        \\echo checked=DB_MAINTENANCE_SCHEDULE
        SELECT FROM steward.explain_schedule($schedule, $zone, 1) e;
        \\echo checked=
        SELECT 'tuned=' || count(*) FROM steward.tuning_journal WHERE outcome = 'applied';
        SELECT format(E'settings=%s\\nrestart=%s', count(*), count(*) FILTER (WHERE needs_restart)) FROM steward.apply_tuning(true, '${value[DB_PROFILE]}', replicas => $standbys) WHERE outcome <> 'refused';
        SELECT 'preloaded=' || (current_setting('shared_preload_libraries') ~ '\\mpg_steward\\M');
        SELECT 'pending=' || coalesce(string_agg(name, ', ' ORDER BY name), '') FROM pg_settings WHERE pending_restart;
        SELECT 'threshold=' || split_part(c, '=', 2) FROM pg_db_role_setting s, unnest(setconfig) c
            WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND c LIKE 'steward.capture_slow_threshold=%';
        SELECT 'sets=' || count(*) FROM steward.partition_sets p JOIN pg_class c ON c.oid = p.parent WHERE c.relnamespace <> 'steward'::regnamespace;
        SELECT 'schedule=' || schedule FROM steward.jobs WHERE name = 'daily maintenance';
        SELECT 'backups=' || count(*) FROM steward.programs WHERE is_backup;
        SELECT 'free=' || current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int;
        SELECT 'files=' || concat_ws('|', current_setting('config_file'), current_setting('hba_file'), current_setting('ident_file'), current_setting('data_directory') || '/postgresql.auto.conf');
        ROLLBACK;"
    rows=$(psql_here -f - <<<"$script") || {
        name=$(sed -n 's/^checked=//p' <<<"$rows" | tail -n 1)
        [ "$name" != pg_steward ] || refuse 3 'pg_steward is not installed on this machine, or cannot be made in this database' 'make && sudo make install'
        [ -z "$name" ] || refuse 2 "$name is not one"
        refuse 1 'the server could not be looked at'
    }
    while IFS='=' read -r name text; do fact[$name]=$text; done <<<"$rows"
}

# ---- What is to be done ----------------------------------------------------------------------------------------------

# By the files that the server reads now, links followed.
copy_configuration() {
    local file stamp
    stamp=$(date -u +%Y%m%dT%H%M%SZ)
    while IFS= read -r file; do
        [ ! -f "$file" ] || cp -p -- "$(readlink -f -- "$file")" "$(readlink -f -- "$file").before-$stamp" || return 1
    done < <(tr '|' '\n' <<<"${fact[files]}")
    say "configuration files are copied beside themselves: *.before-$stamp"
}
apply_settings() { # apply_settings PROFILE REPLICAS
    local rows
    rows=$(sql "SELECT outcome, parameter, current_value, new_value, detail FROM steward.apply_tuning(false, $(literal "$1"), replicas => $2)") || return 1
    say "$rows"
    ! grep -q '^failed|' <<<"$rows"
}
prepare_primary() { # waiting for a restart is no failure here
    local status=0
    ${value[DB_REPLICATION_PASSFILE]:+env "PGPASSFILE=${value[DB_REPLICATION_PASSFILE]}"} "$here/replication/primary.sh" "$@" || status=$?
    [ $status = 0 ] || [ $status = 5 ]
}
waits_for_nothing() {
    [ "$(sql "SELECT NOT EXISTS (SELECT FROM pg_settings WHERE pending_restart) AND current_setting('shared_preload_libraries') ~ '\\mpg_steward\\M'" 2>/dev/null)" = t ]
}
is_restarted() {
    wait_until 600 0.5 waits_for_nothing && return 0
    say 'settings still wait for a restart' >&2
    return 1
}

plan_extensions() {
    local name
    for name in "${extensions[@]}"; do
        if [ -z "${fact[has $name]:-}" ]; then say "extension $name is not installed on this machine: skipped"
        elif [ -z "${fact[version $name]:-}" ]; then sql_step "CREATE EXTENSION \"$name\""; fi
    done
}
plan_settings() {
    if [ "${fact[tuned]}" = 0 ] && [ "${fact[settings]}" != 0 ]; then
        step copy_configuration
        step apply_settings "${value[DB_PROFILE]}" "$standbys"
        [ "${fact[restart]}" = 0 ] || needs_restart=yes
    fi
    [ -z "${fact[pending]}" ] && [ "${fact[preloaded]}" = true ] || needs_restart=yes
}
plan_replication() {
    local pair status=0
    primary=()
    for pair in ${value[DB_STANDBYS]:-}; do primary+=(--standby "$pair"); done
    [ ${#primary[@]} -gt 0 ] || return 0
    # Whether there is anything to do, and whether it can be done.
    status=$(prepare_primary --dry-run "${primary[@]}" 2>&1) || refuse 4 "deploy/replication/primary.sh: $status"
    if ! grep -q '^nothing to do' <<<"$status" || grep -q '^waiting' <<<"$status"; then
        step prepare_primary "${primary[@]}"
        ! grep -q '^waiting' <<<"$status" || needs_restart=yes
        primary_again=yes
    fi
}
plan_upkeep() {
    local zone threshold=${value[DB_SLOW_QUERY_THRESHOLD]}ms
    [ "${value[DB_ENABLE_QUERY_LOGGING]}" = true ] || threshold=-1
    # A server that has not preloaded the library does not know the setting.
    [ "${fact[threshold]:-}" = "$threshold" ] || sql_step "ALTER DATABASE \"$PGDATABASE\" SET steward.capture_slow_threshold = '$threshold'"
    if [ -n "${value[DB_PARTITIONING]:-}" ] && [ "${fact[sets]}" = 0 ]; then
        step psql -Xqw -v ON_ERROR_STOP=1 -d "$PGDATABASE" -f "${value[DB_PARTITIONING]}"
    fi
    zone=$([ -z "${value[DB_TIMEZONE]:-}" ] || literal "${value[DB_TIMEZONE]}")
    [ -n "${fact[schedule]:-}" ] || sql_step "SELECT * FROM steward.enable_default_maintenance($zone)"
    [ "${fact[schedule]:-0 2 * * *}" = "${value[DB_MAINTENANCE_SCHEDULE]}" ] ||
        sql_step "SELECT steward.alter_job('daily maintenance', $(literal "${value[DB_MAINTENANCE_SCHEDULE]}"))"
    [ "${value[DB_BACKUP_ENABLED]}" = false ] || [ "${fact[backups]}" != 0 ] ||
        sql_step "SELECT steward.enable_backups('${value[DB_BACKUP_METHOD]}', '30 1 * * *', $(literal "${value[DB_BACKUP_DIRECTORY]}")${zone:+, timezone => $zone})"
}

# ---- All of it -------------------------------------------------------------------------------------------------------

read_variables
check_variables
not_root
need_own_server
need_files_of_server
standbys=$(wc -w <<<"${value[DB_STANDBYS]:-}")
needs_restart='' primary_again='' later=
look
plan_extensions
plan_settings
plan_replication
if [ -n "$needs_restart" ] && [ -n "${value[DB_RESTART_COMMAND]:-}" ]; then
    step bash -c "${value[DB_RESTART_COMMAND]}"
    step is_restarted
    [ -z "$primary_again" ] || step prepare_primary "${primary[@]}"
    needs_restart=
fi
if [ -n "$needs_restart" ]; then later=yes; else plan_upkeep; fi

if [ ${#steps[@]} = 0 ]; then say 'nothing to do'; else run_steps; fi
if [ -n "$later" ]; then
    say 'the server has to be restarted; then run this again, for what is left'
    [ -n "$dry_run" ] || exit 5
fi
[ -z "$dry_run" ] || exit 0
[ "${fact[free]}" -ge "${value[DB_MAX_CONNECTIONS]}" ] || say "see to it: DB_MAX_CONNECTIONS is ${value[DB_MAX_CONNECTIONS]}, and the server lets ${fact[free]} in"
sql "SELECT format('see to it: %s: %s%s', area || ' ' || \"check\", detail, ' (' || remedy || ')') FROM steward.doctor() WHERE verdict IN ('warning', 'critical')"
