// SPDX-License-Identifier: PostgreSQL
#include "maintain/backup_run_pg.hpp"

#include <system_error>

#include "base/text.hpp"
#include "maintain/backup.hpp"
#include "maintain/backup_files.hpp"
#include "maintain/output.hpp"
#include "maintain/program_run_pg.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

constexpr std::size_t kMuchBytes = 16U << 20U;

struct Backup {
    std::int64_t id = 0;
    base::Instant started_at;
    std::string final_location;  // empty: the program knows where
    std::string location;        // as long as it is partial
    std::optional<std::int64_t> bytes;
};

template <class Work>
auto with_files(const char* what, Work&& work) {
    try {
        return work();
    } catch (const std::system_error& error) {
        throw pg::PgError(ERRCODE_IO_ERROR, "could not {}: {}", what, error.what());
    }
}

AllowedProgram step(const AllowedProgram& program, const Argv& argv, const Backup& backup) {
    AllowedProgram step = program;
    step.argv = backup.location.empty() ? argv : with_location(argv, backup.location);
    return step;
}

// ---- What is no longer needed ----------------------------------------------------------------------------------------

// Only what was made for this program, in this cluster and database, and has been recorded so.
constexpr char kOurs[] = "program = $1 AND removed_at IS NULL AND location IS NOT NULL AND system_identifier = "
                         "steward.cluster_identifier() AND database_oid = (SELECT oid FROM pg_database WHERE datname = "
                         "current_database())";

void remove_backup(const AllowedProgram& program, std::int64_t id, const std::string& location) {
    const std::size_t slash = location.rfind('/');
    if (slash == std::string::npos || !is_backup_name(program.name, location.substr(slash + 1))) return;
    pg::ErrorReport report;
    if (pg::capture(report, [&] { with_files("remove a backup", [&] { remove_directory(location); }); })) {
        pg::execute("UPDATE steward.backup_history SET removed_at = clock_timestamp() WHERE backup_id = $1", {id});
        return;
    }
    const char* message = report.message.c_str();
    pg::call([&] { ereport(WARNING, (errcode(ERRCODE_IO_ERROR), errmsg("%s", message))); });
}

void remove_backups(const AllowedProgram& program, const std::string& which) {
    for (const pg::Row& row :
         pg::query(fmt::format("SELECT backup_id, location FROM steward.backup_history WHERE {} {}", kOurs, which),
                   {program.name}))
        remove_backup(program, row.number(0), row.text(1));
}

// ---- Records ---------------------------------------------------------------------------------------------------------

// After the second in which it begins, or the next one that no other backup is named after.
std::string free_location(const AllowedProgram& program, base::Instant at) {
    std::string location;
    do {
        location = fmt::format("{}/{}", *program.directory, backup_name(program.name, at));
        at.micros += base::kMicrosPerSecond;
    } while (is_taken(location) || is_taken(location + std::string(kPartial)));
    return location;
}

Backup record_start(const AllowedProgram& program) {
    Backup backup;
    backup.started_at = pg::now();
    if (program.directory) {
        backup.final_location = free_location(program, backup.started_at);
        backup.location = backup.final_location + std::string(kPartial);
    }
    {
        pg::AsExtensionOwner as_extension;
        // Nobody makes one now but us.
        pg::execute("UPDATE steward.backup_history SET outcome = 'interrupted', ended_at = clock_timestamp() "
                    "WHERE program = $1 AND outcome = 'running'",
                    {program.name});
        remove_backups(program, "AND outcome IN ('failed', 'interrupted')");
        pg::execute("DELETE FROM steward.backup_history WHERE program = $1 AND ended_at < now() - interval '1 year' "
                    "AND (removed_at IS NOT NULL OR location IS NULL)",
                    {program.name});
        const auto rows = pg::query(
            "INSERT INTO steward.backup_history (program, location, pid, backend_start, started_at, outcome, "
            "system_identifier, database_oid) "
            "SELECT $1, nullif($2, ''), a.pid, a.backend_start, $3, 'running', steward.cluster_identifier(), d.oid "
            "FROM pg_stat_get_activity(pg_backend_pid()) a, pg_database d WHERE d.datname = current_database() "
            "RETURNING backup_id",
            {program.name, backup.location, pg::Parameter::timestamptz(pg::to_server(backup.started_at))});
        backup.id = rows.at(0).number(0);
    }
    commit_record();
    return backup;
}

void record_failure(const Backup& backup, const pg::ErrorReport& report) {
    pg::rollback_in_procedure();
    {
        pg::AsExtensionOwner as_extension;
        pg::execute("UPDATE steward.backup_history SET outcome = 'failed', ended_at = clock_timestamp(), message = $2 "
                    "WHERE backup_id = $1",
                    {backup.id, report.message});
    }
    commit_record();
}

void record_good(const AllowedProgram& program, const Backup& backup, bool is_verified) {
    {
        pg::AsExtensionOwner as_extension;
        pg::execute("UPDATE steward.backup_history SET outcome = 'good', ended_at = clock_timestamp(), "
                    "location = nullif($2, ''), size_bytes = coalesce($3::bigint, size_bytes), verified_at = CASE WHEN "
                    "$4 THEN clock_timestamp() END "
                    "WHERE backup_id = $1",
                    {backup.id, backup.final_location, backup.bytes, is_verified});
    }
    commit_record();
    if (!program.keep || !is_verified) return;
    {
        pg::AsExtensionOwner as_extension;
        remove_backups(program, fmt::format("AND outcome = 'good' ORDER BY backup_id DESC OFFSET {}", *program.keep));
    }
    commit_record();
}

// ---- Making it -------------------------------------------------------------------------------------------------------

// What pgBackRest knows of the backup that was just made.
void read_inventory(const AllowedProgram& program, const Backup& backup) {
    const Ending ending = run_and_record(step(program, *program.inventory, backup),
                                         fmt::format("the inventory of program \"{}\"", program.name), kMuchBytes);
    const std::string json = printable_tail(ending.output, kMuchBytes, GetDatabaseEncoding() == PG_UTF8);
    pg::AsExtensionOwner as_extension;
    const auto rows =
        pg::query("UPDATE steward.backup_history h SET label = i.label, kind = i.kind, size_bytes = i.size_bytes FROM ("
                  "SELECT b ->> 'label' AS label, b ->> 'type' AS kind, (b #>> '{info,size}')::bigint AS size_bytes, "
                  "coalesce((b ->> 'error')::boolean, false) AS is_damaged "
                  "FROM jsonb_array_elements($2::jsonb) s, jsonb_array_elements(s -> 'backup') b "
                  "WHERE (b #>> '{timestamp,stop}')::double precision >= floor(extract(epoch FROM $3::timestamptz)) "
                  "ORDER BY (b #>> '{timestamp,stop}')::bigint DESC LIMIT 1) i WHERE h.backup_id = $1 RETURNING "
                  "i.label, i.is_damaged",
                  {backup.id, json, pg::Parameter::timestamptz(pg::to_server(backup.started_at))});
    if (rows.empty())
        throw pg::PgError(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, "program \"{}\" made no backup that its inventory lists",
                          program.name);
    if (rows[0].truth(1))
        throw pg::PgError(ERRCODE_DATA_CORRUPTED, "backup \"{}\" of program \"{}\" holds damaged pages",
                          rows[0].text(0), program.name)
            .hint("The database itself is damaged: look at what the program printed.");
}

void verify(const AllowedProgram& program, const Backup& backup) {
    const std::string what = fmt::format("the verification of the backup of program \"{}\"", program.name);
    const Ending ending = run_and_record(step(program, *program.verify, backup), what, kMuchBytes);
    if (!program.verify_says || has_line(ending.output, *program.verify_says)) return;
    throw pg::PgError(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, "{} did not say \"{}\"", what, *program.verify_says)
        .detail("It said last:\n{}", printable_tail(ending.output, kShownBytes, GetDatabaseEncoding() == PG_UTF8));
}

void run_steps(const AllowedProgram& program, Backup& backup) {
    if (!backup.location.empty()) with_files("make a directory for a backup", [&] { make_directory(backup.location); });
    run_and_record(step(program, program.argv, backup), fmt::format("program \"{}\"", program.name));
    if (program.verify) verify(program, backup);
    if (program.inventory) read_inventory(program, backup);
    if (backup.location.empty()) return;
    backup.bytes = with_files("measure a backup", [&] { return directory_bytes(backup.location); });
    with_files("name a finished backup", [&] { rename_directory(backup.location, backup.final_location); });
}

}  // namespace

void make_backup(const AllowedProgram& program) {
    if (pg::call([] { return RecoveryInProgress(); }))
        throw pg::PgError(ERRCODE_READ_ONLY_SQL_TRANSACTION, "program \"{}\" cannot make backups on a standby",
                          program.name)
            .detail("What it makes is recorded in steward.backups, which only the primary can write.")
            .hint("Let it run on the primary and point its arguments at the standby, or list it by "
                  "steward.allow_program().");
    Backup backup = record_start(program);
    pg::ErrorReport report;
    if (!pg::capture(report, [&] { run_steps(program, backup); })) {
        record_failure(backup, report);
        throw pg::PgError(std::move(report));
    }
    record_good(program, backup, program.verify.has_value());
}

}  // namespace steward::maintain
