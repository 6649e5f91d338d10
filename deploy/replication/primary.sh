#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# Sets a server up for standbys: the replication role, pg_hba.conf, slots, settings. See --help.
# shellcheck source=deploy/replication/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'USAGE'
Usage: primary.sh --standby NAME=ADDRESS ... [--role NAME] [--passfile FILE] [--dry-run]

Sets the server that psql connects to up for standbys. Run it on its machine, as the user it runs as: on the primary, and on
a standby that others are to follow. It may be repeated, also with more standbys, and then does what is missing.

  --standby NAME=ADDRESS  a server that is to follow: its name, which its slot and its application_name get, and where
                          it connects from: an address, a network (10.0.0.0/24), or a host name
  --role NAME             the role that standbys connect as (replicator). It is made with the attribute REPLICATION, the
                          password in the passfile, and the rights that pg_rewind needs
  --passfile FILE         with a line HOST:PORT:DATABASE:ROLE:PASSWORD (PGPASSFILE, or ~/.pgpass)
  -n, --dry-run           show what would be done, and do nothing
  -h, --help              this text

Lines for pg_hba.conf (scram-sha-256) come first in it, between marks; nothing else in it is changed, and the file that was
there is kept beside it. Settings are changed by ALTER SYSTEM, only those that are too small.

Exit status: 0 done, or nothing to do; 1 something failed; 2 wrong arguments; 3 no server, or no rights; 4 something is not as it
has to be; 5 done, but settings wait for a restart of the server: restart it, and run this again.
USAGE
}

mark_begin='# BEGIN standbys (deploy/replication/primary.sh)'
mark_end='# END standbys'

names=()
declare -A address
add_standby() {
    [[ $1 = ?*=?* ]] || wrong "--standby needs NAME=ADDRESS"
    local name=${1%%=*} where=${1#*=}
    check_name --standby "$name"
    check_host "the address of $name" "$where"
    [[ $where =~ ^[0-9.]+$ ]] && where+=/32
    [[ $where =~ ^[0-9A-Fa-f:]*:[0-9A-Fa-f:]*$ ]] && where+=/128
    [ -z "${address[$name]:-}" ] || wrong "--standby $name is there twice"
    names+=("$name")
    address[$name]=$where
}
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        -n | --dry-run) dry_run=yes; shift; continue ;;
        --standby) needs_value "$@"; add_standby "$2" ;;
        --role) needs_value "$@"; check_name --role "$2"; role=$2 ;;
        --passfile) needs_value "$@"; passfile=$2 ;;
        *) wrong "unknown argument $1" ;;
    esac
    shift 2
done
[ ${#names[@]} -gt 0 ] || wrong 'which standbys? --standby NAME=ADDRESS'

# ---- What is there ---------------------------------------------------------------------------------------------------

not_root
need_own_server
need_files_of_server
name_list=$(printf "'%s'," "${names[@]}")
name_list=${name_list%,}

# ---- The role --------------------------------------------------------------------------------------------------------

# Of the passfile's lines the first for that role, as libpq reads them: a backslash takes what follows as it is.
password_of_role() {
    awk -v role="$role" '
        /^#/ { next }
        {
            count = 1; text = ""
            delete field
            for (i = 1; i <= length($0); ++i) {
                c = substr($0, i, 1)
                if (c == "\\" && i < length($0)) text = text substr($0, ++i, 1)
                else if (c == ":" && count < 5) { field[count++] = text; text = "" }
                else text = text c
            }
            if (count == 5 && (field[4] == role || field[4] == "*") && text != "") { print text; exit }
        }' "$passfile"
}
# psql asks twice, and sends what SCRAM makes of it: the server never sees the password. Without a terminal it reads its input.
set_password() {
    local password
    password=$(password_of_role)
    printf '%s\n%s\n' "$password" "$password" |
        PGOPTIONS="-c password_encryption=scram-sha-256 -c log_statement=none -c log_min_duration_statement=-1" \
            LC_ALL=C setsid -w psql -XAtqw -v ON_ERROR_STOP=1 -d "${PGDATABASE:-postgres}" -c "\\password $1" 2> >(grep -v '^Enter ' >&2)
    [ "$(sql "SELECT rolpassword LIKE 'SCRAM-SHA-256\$%' FROM pg_authid WHERE rolname = $(literal "$1")")" = t ]
}

rewind_functions='pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), pg_read_binary_file(text), pg_read_binary_file(text, bigint, bigint, boolean)'
plan_role() {
    local found can_login can_replicate is_scram can_rewind missing
    found=$(sql "SELECT rolcanlogin, rolreplication, coalesce(rolpassword LIKE 'SCRAM-SHA-256\$%', false),
        (SELECT bool_and(has_function_privilege(a.oid, f::regprocedure, 'EXECUTE')) FROM regexp_split_to_table('$rewind_functions', ', (?=pg_)') f)
        FROM pg_authid a WHERE rolname = $(literal "$role")")
    IFS='|' read -r can_login can_replicate is_scram can_rewind <<<"${found:-f|f|f|f}"
    missing=
    [ "$can_login" = t ] || missing+=' LOGIN'
    [ "$can_replicate" = t ] || missing+=' REPLICATION'
    if [ "${setting[standby]}" = true ]; then
        [ "$found" = 't|t|t|t' ] || refuse 4 "role \"$role\" is not there, or not as it has to be, and a standby cannot change it" 'Run primary.sh on the primary.'
        return 0
    fi
    if [ -z "$found" ]; then sql_step "CREATE ROLE $role$missing"
    elif [ -n "$missing" ]; then sql_step "ALTER ROLE $role$missing"; fi
    [ "$can_rewind" = t ] || sql_step "GRANT EXECUTE ON FUNCTION $rewind_functions TO $role"
    [ "$is_scram" != t ] || return 0
    need_passfile
    need setsid
    [ -n "$(password_of_role)" ] || refuse 3 "passfile $passfile has no password of role \"$role\"" "Add a line *:*:*:$role:PASSWORD"
    step set_password "$role"
}

# ---- Settings --------------------------------------------------------------------------------------------------------

waiting=
declare -A setting
# As the server will have them after a restart: what the files say last, else what it has. And which of them wait already.
read_settings() {
    local rows name value
    rows=$(sql "SELECT s.name || '=' || coalesce((SELECT f.setting FROM pg_file_settings f WHERE f.name = s.name ORDER BY seqno DESC LIMIT 1), s.setting)
        FROM pg_settings s WHERE s.name IN ('wal_level', 'max_wal_senders', 'max_replication_slots', 'hot_standby', 'wal_log_hints', 'listen_addresses',
            'data_checksums', 'allow_alter_system', 'hba_file')
        UNION ALL SELECT 'others=' || count(*) FROM pg_replication_slots WHERE slot_name NOT IN ($name_list)
        UNION ALL SELECT 'running=' || (current_setting('wal_level') <> 'minimal' AND current_setting('max_replication_slots')::int >= ${#names[@]} + count(*))
            FROM pg_replication_slots WHERE slot_name NOT IN ($name_list)
        UNION ALL SELECT 'pending=' || coalesce(string_agg(name, ', ' ORDER BY name), '') FROM pg_settings WHERE pending_restart AND name IN
            ('wal_level', 'max_wal_senders', 'max_replication_slots', 'hot_standby', 'wal_log_hints', 'listen_addresses')
        UNION ALL SELECT 'standby=' || pg_is_in_recovery()
        UNION ALL SELECT 'steward=' || count(*) FROM pg_extension WHERE extname = 'pg_steward'
        UNION ALL SELECT 'hba_errors=' || coalesce(string_agg(format('line %s: %s', line_number, error), '; '), '') FROM pg_hba_file_rules WHERE error IS NOT NULL
        UNION ALL SELECT 'slot ' || slot_name || '=' || slot_type || coalesce(' ' || wal_status, '') FROM pg_replication_slots WHERE slot_name IN ($name_list)")
    while IFS='=' read -r name value; do setting[$name]=$value; done <<<"$rows"
    waiting=${setting[pending]}
}
set_to() { # set_to NAME VALUE
    [ "${setting[allow_alter_system]:-on}" = on ] || refuse 4 "$1 has to be $2, and allow_alter_system is off" 'Set it where your settings are kept.'
    sql_step "ALTER SYSTEM SET $1 = '$2'"
    waiting+="${waiting:+, }$1"
}
at_least() { if [ "${setting[$1]}" -lt "$2" ]; then set_to "$1" "$3"; fi; }
is_on() { [[ ${setting[$1]} =~ ^(on|true|yes|1)$ ]]; }

plan_settings() {
    local name before=${#steps[@]}
    [ "${setting[wal_level]}" != minimal ] || set_to wal_level replica
    # A base backup takes two, and a connection that was lost is missed only later.
    at_least max_wal_senders $((${#names[@]} + 3)) $((2 * ${#names[@]} + 10))
    at_least max_replication_slots $((${#names[@]} + setting[others])) $((${#names[@]} + setting[others] + 10))
    is_on hot_standby || set_to hot_standby on
    is_on data_checksums || is_on wal_log_hints || set_to wal_log_hints on
    case ${setting[listen_addresses]} in
        '' | localhost | 127.0.0.1 | ::1)
            for name in "${names[@]}"; do
                case ${address[$name]} in 127.* | ::1/128 | localhost) [ -z "${setting[listen_addresses]}" ] || continue ;; esac
                set_to listen_addresses '*'
                break
            done ;;
    esac
    [ ${#steps[@]} = "$before" ] || sql_step 'SELECT pg_reload_conf()'
}

# ---- pg_hba.conf -----------------------------------------------------------------------------------------------------

line_for() { printf 'host replication,postgres %s %s scram-sha-256 # %s' "$role" "${address[$1]}" "$1"; }

# What the file is to hold: our lines in front of all others, since the first that fits decides.
wanted_hba() {
    local name block
    block=$(sed -n "\|^$mark_begin\$|,\|^$mark_end\$|p" "$hba" | sed '1d;$d')
    for name in "${names[@]}"; do
        grep -qxF -- "$(line_for "$name")" <<<"$block" && continue
        block=$(grep -v -- " # $name\$" <<<"$block" || true)
        block+="${block:+$'\n'}$(line_for "$name")"
    done
    printf '%s\n' "$mark_begin" "$block" "$mark_end"
    sed "\|^$mark_begin\$|,\|^$mark_end\$|d" "$hba"
}

# In one step for whoever reads it, with the old one beside it, and back if the server does not like it.
install_hba() {
    local backup new errors
    backup="$hba.before-$(date -u +%Y%m%dT%H%M%SZ)"
    new="$hba.new.$$"
    cp -p -- "$hba" "$backup" && cp -p -- "$hba" "$new" && wanted_hba >"$new" && sync -- "$new" && mv -- "$new" "$hba" || { rm -f -- "$new"; return 1; }
    errors=$(sql "SELECT string_agg(format('line %s: %s', line_number, error), '; ') FROM pg_hba_file_rules WHERE error IS NOT NULL") || errors='nothing'
    if [ -n "$errors" ]; then
        mv -- "$backup" "$hba"
        say "$hba is as it was: the server says $errors" >&2
        return 1
    fi
    say "the file that was there: $backup"
    sql 'SELECT pg_reload_conf()' >/dev/null
    hba_is_in_force
}
hba_is_in_force() {
    local wanted
    wanted=$(wanted_hba | sed -n "\|^$mark_begin\$|,\|^$mark_end\$|p" | grep -c '^host ')
    [ "$(sql "SELECT count(*) >= $wanted FROM pg_hba_file_rules WHERE user_name = ARRAY['$role'] AND auth_method = 'scram-sha-256' AND database @> '{replication,postgres}'")" = t ] ||
        { say "pg_hba_file_rules has fewer than $wanted lines of role $role" >&2; return 1; }
}

plan_hba() {
    local begins ends
    hba=$(readlink -f -- "${setting[hba_file]}")
    [ -w "$hba" ] && [ -w "$(dirname "$hba")" ] || refuse 3 "$hba, or its directory, cannot be written"
    [ -z "${setting[hba_errors]}" ] || refuse 4 "$hba has errors: ${setting[hba_errors]}" 'Mend them first.'
    begins=$(grep -cxF -- "$mark_begin" "$hba" || true)
    ends=$(grep -cxF -- "$mark_end" "$hba" || true)
    [[ $begins-$ends =~ ^(0-0|1-1)$ ]] || refuse 4 "the marks of this script in $hba are broken" "They are \"$mark_begin\" and \"$mark_end\", once each."
    hba_difference=$(wanted_hba | diff -U 0 "$hba" - | sed '1,2d;/^@@/d' || true)
    [ -z "$hba_difference" ] || step install_hba
}

# ---- Slots -----------------------------------------------------------------------------------------------------------

# They keep WAL from when a standby uses them first: one that is never built must not fill the disk.
plan_slots() {
    local name
    for name in "${names[@]}"; do
        case ${setting[slot $name]:-none} in
            none) sql_step "SELECT pg_create_physical_replication_slot('$name')" ;;
            'physical lost') refuse 4 "slot \"$name\" has lost WAL: its standby has to be built anew" "standby.sh does it, on an empty directory." ;;
            physical*) ;;
            *) refuse 4 "slot \"$name\" is there for logical replication" 'Take another name.' ;;
        esac
    done
}

# ---- All of it -------------------------------------------------------------------------------------------------------

read_settings
# First what the server may refuse.
plan_hba
plan_settings
plan_role
if [ "${setting[running]}" = true ]; then plan_slots; else say 'slots: they are made when this is run again after the restart'; fi

if [ ${#steps[@]} = 0 ]; then say 'nothing to do'; else run_steps; fi
[ -z "$hba_difference" ] || [ -z "$dry_run" ] || printf '%s:\n%s\n' "$hba" "$hba_difference"
[ -n "$dry_run" ] || [ "${setting[steward]}" = 0 ] ||
    sql "SELECT format('see to it: %s: %s%s', \"check\", detail, ' (' || remedy || ')') FROM steward.setup_replication_check()
        WHERE verdict IN ('warning', 'critical') AND \"check\" <> 'slots'"
if [ -n "$waiting" ]; then
    say "waiting for a restart of the server: $waiting"
    [ -n "$dry_run" ] || exit 5
fi
