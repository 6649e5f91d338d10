// SPDX-License-Identifier: PostgreSQL
#include "tune/read_pg.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "pg/clock.hpp"
#include "pg/file.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "schedule/options_pg.hpp"
#include "tune/connections_pg.hpp"
#include "tune/libraries.hpp"
#include "tune/look.hpp"

namespace steward::tune {

namespace {

constexpr int kDefaultConnections = 100;  // what initdb writes when nobody says otherwise

const std::string& value_of(const Settings& settings, const std::string& name) {
    static const std::string nothing;
    const auto found = settings.find(name);
    return found == settings.end() ? nothing : found->second.current.value;
}

bool takes(const Settings& settings, const std::string& name, const std::string& value) {
    const auto found = settings.find(name);
    return found != settings.end() && found->second.enum_values.find(value) != std::string::npos;
}

std::vector<std::string> installed_companions() {
    std::vector<std::string> found;
    for (const std::string_view name : kCompanions)
        if (pg::file_exists(fmt::format("{}/{}{}", pkglib_path, name, DLSUFFIX))) found.emplace_back(name);
    return found;
}

// What is of this server and not of its machine; arguments stand before it.
void read_workload(Input& input, const Settings& settings) {
    Workload& load = input.workload;
    const auto rows =
        pg::query("SELECT (SELECT sum(pg_database_size(oid))::bigint FROM pg_database), "
                  "greatest((SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'), (SELECT count(*) "
                  "FROM pg_replication_slots "
                  "WHERE slot_type = 'physical' AND NOT temporary), (SELECT count(*) - 1 FROM steward.nodes)), "
                  "(SELECT coalesce(max(n), 0) FROM (SELECT count(*) FROM pg_inherits GROUP BY inhparent) p(n)), "
                  "EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'logical')");
    load.database_bytes = rows.at(0).number(0);
    load.replicas = static_cast<int>(std::min<std::int64_t>(rows.at(0).number(1), kMaxReplicas));
    load.most_partitions = static_cast<int>(std::min<std::int64_t>(rows.at(0).number(2), INT32_MAX / 4));
    load.has_logical_replication = rows.at(0).truth(3) || value_of(settings, "wal_level") == "logical";
    const auto connections = std::atoi(value_of(settings, "max_connections").c_str());
    if (connections != kDefaultConnections)
        load.connections_set = std::clamp(connections, kMinConnections, kMaxConnections);
    if (value_of(settings, "archive_mode") != "off") {
        load.archive_mode = value_of(settings, "archive_mode");
        load.archive_command = value_of(settings, "archive_command");
        load.has_archive_library = !value_of(settings, "archive_library").empty();
    }
}

void apply_option(Input& input, const std::string& key, const schedule::OptionValue& value) {
    const auto count = [&](int min, int max) {
        return pg::value_or_throw(parse_count("option \"" + key + "\"", value.text, min, max));
    };
    const auto size = [&] { return pg::value_or_throw(parse_memory("option \"" + key + "\"", value.text)); };
    if (key == "version")
        input.build.version = count(kOldestVersion, kNewestVersion);
    else if (key == "statistics_target")
        input.workload.statistics_target = count(1, kMaxStatisticsTarget);
    else if (key == "data_disk")
        input.machine.data_disk_bytes = size();
    else if (key == "wal_disk")
        input.machine.wal_disk_bytes = size();
    else if (key == "databases")
        input.workload.database_bytes = size();
    else if (key == "archive_command" && value.type == "string")
        input.workload.archive_command = value.text;
    else if (key == "logical" && value.type == "boolean")
        input.workload.has_logical_replication = value.text == "true";
    else if (key == "archive_command" || key == "logical")
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value for option \"{}\": {}", key, value.text)
            .hint("{}", key == "logical" ? "true or false." : "The text of a command.");
    else
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "unknown option: \"{}\"", key)
            .hint("One of archive_command, data_disk, databases, logical, statistics_target, version, wal_disk.");
}

[[noreturn]] void null_argument(const char* name) {
    throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "{} must not be null", name);
}

}  // namespace

Settings read_settings() {
    pg::SafePath path;
    Settings settings;
    for (const pg::Row& row : pg::query("SELECT name, reset_val, unit, vartype, min_val, max_val, enumvals, context, "
                                        "pending_restart FROM pg_settings"))
        settings[row.text(0)] = {{row.text(1), row.text(2)},  row.text(3), row.text(4), row.text(5), row.text(6),
                                 row.text(7) == "postmaster", row.truth(8)};
    return settings;
}

Evidence read_evidence() {
    Evidence seen;
    const char* checkpoints = PG_VERSION_NUM >= 170000 ? "num_timed, num_requested FROM pg_stat_checkpointer"
                                                       : "checkpoints_timed, checkpoints_req FROM pg_stat_bgwriter";
    const char* wal = PG_VERSION_NUM >= 140000
                          ? "wal_bytes::bigint, extract(epoch FROM now() - stats_reset)::bigint FROM pg_stat_wal"
                          : "0, 0";
    const auto rows = pg::query(fmt::format(
        "SELECT d.*, c.*, w.*, (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') "
        "FROM (SELECT sum(temp_files)::bigint, sum(temp_bytes)::bigint, sum(blks_hit)::bigint, sum(blks_read)::bigint "
        "FROM pg_stat_database) d, (SELECT {}) c, (SELECT {}) w",
        checkpoints, wal));
    const pg::Row& row = rows.at(0);
    seen.temp_files = row.number(0);
    seen.temp_bytes = row.number(1);
    seen.blocks_hit = row.number(2);
    seen.blocks_read = row.number(3);
    seen.timed_checkpoints = row.number(4);
    seen.requested_checkpoints = row.number(5);
    seen.wal_bytes = row.number(6);
    seen.wal_seconds = static_cast<double>(row.number(7));
    seen.connections = static_cast<int>(row.number(8));
    seen.connection_history = connection_history();
    // Where queries are captured.
    std::int64_t spilling = 0;
    if (!pg::attempt(pg::Bounded::subtransaction, [&] {
            spilling = pg::query("SELECT count(*) FROM steward.queries WHERE temp_blks_written > 0").at(0).number(0);
        }))
        seen.spilling_queries = spilling;
    return seen;
}

Machine read_machine() {
    const auto memory = look_at_memory("");
    if (!memory)
        throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "the memory of this machine cannot be read")
            .hint("Give it as memory_bytes.");
    const std::string data(DataDir);
    Machine machine;
    machine.memory_bytes = memory->bytes;
    machine.is_container = memory->is_limited;
    machine.cpus = look_at_processors("", available_processors());
    machine.disk = disk_below("", data).value_or(Disk::ssd);
    if (const auto disk = file_system_of(data)) machine.data_disk_bytes = disk->bytes;
    if (const auto disk = file_system_of(data + "/pg_wal")) machine.wal_disk_bytes = disk->bytes;
    machine.clock_read_ns = static_cast<double>(pg::cost_of_reading_ns(CLOCK_MONOTONIC));
    machine.huge_page_bytes = look_at_huge_page("").value_or(machine.huge_page_bytes);
    return machine;
}

Input read_input(FunctionCallInfo fcinfo, int first, const Settings& settings) {
    if (PG_ARGISNULL(first)) null_argument("profile");
    if (PG_ARGISNULL(first + 1)) null_argument("pooled");
    if (PG_ARGISNULL(first + 7)) null_argument("options");
    Input input;
    Machine& machine = input.machine;
    Workload& load = input.workload;
    input.workload.profile = pg::value_or_throw(parse_profile(pg::text_argument(fcinfo, first)));

    machine = read_machine();
    if (auto disk = pg::optional_text_argument(fcinfo, first + 5)) machine.disk = pg::value_or_throw(parse_disk(*disk));
    if (!PG_ARGISNULL(first + 2)) {
        machine.memory_bytes = PG_GETARG_INT64(first + 2);
        machine.is_container = false;
    }
    machine.cpus = pg::optional_int_argument(fcinfo, first + 3).value_or(machine.cpus);

    pg::SafePath path;
    read_workload(input, settings);
    load.is_pooled = PG_GETARG_BOOL(first + 1);
    if (!PG_ARGISNULL(first + 4)) load.max_connections = PG_GETARG_INT32(first + 4);
    load.replicas = pg::optional_int_argument(fcinfo, first + 6).value_or(load.replicas);
    Build& build = input.build;
    build.version = PG_VERSION_NUM / 10000;
    build.has_lz4 = takes(settings, "wal_compression", "lz4") || takes(settings, "default_toast_compression", "lz4");
    build.has_checksums = value_of(settings, "data_checksums") == "on";
    build.preloaded = parse_libraries(value_of(settings, "shared_preload_libraries"));
    build.libraries_there_are = installed_companions();
    input.evidence = read_evidence();

    Datum json = PG_GETARG_DATUM(first + 7);
    const std::string options = pg::call([&] { return DatumGetCString(DirectFunctionCall1(jsonb_out, json)); });
    for (const auto& [key, value] : schedule::read_object(options, "options", "{\"statistics_target\": 1000}"))
        apply_option(input, key, value);
    if (auto problem = problem_of(input)) throw pg::error_from(*problem);
    return input;
}

std::vector<Advice> read_advice(const Input& input, const Settings& settings) {
    const bool is_this_version = input.build.version == PG_VERSION_NUM / 10000;
    std::vector<Advice> advice;
    for (Row& row : recommend(input)) {
        if (row.kind != Kind::setting) {
            auto current = row.kind == Kind::kernel ? look_at_kernel("", row.parameter) : std::nullopt;
            if (current && *current == row.value) row.severity = Severity::ok;
            advice.push_back({std::move(row), std::move(current)});
            continue;
        }
        const auto known = settings.find(row.parameter);
        if (known != settings.end()) {
            if (auto fitting = advised(row, known->second))
                advice.push_back(std::move(*fitting));
            else if (!is_this_version)
                advice.push_back({std::move(row), shown(known->second.current)});
        } else if (!is_this_version) {
            advice.push_back({std::move(row), std::nullopt});
        }
    }
    return advice;
}

}  // namespace steward::tune
