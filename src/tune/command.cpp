// SPDX-License-Identifier: PostgreSQL
#include "tune/command.hpp"

#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "tune/libraries.hpp"
#include "tune/output.hpp"

namespace steward::tune {

const char kCommandHelp[] =
    "deploy/tune [OPTION ...]: the configuration of a PostgreSQL server for a machine and a workload, with its "
    "reasons\n"
    "  --memory SIZE             such as 8GB (default: of this machine, or the limit of its control group)\n"
    "  --cpus N                  processors (default: of this machine)\n"
    "  --profile NAME            web, oltp, mixed, dw, desktop (default: mixed)\n"
    "  --version N               major version of PostgreSQL, 13 to 19 (default: 13, whose settings all of them know)\n"
    "  --disk KIND               hdd, ssd, nvme, san (default: ssd)\n"
    "  --disk-size SIZE          of the data directory's file system; --wal-disk-size SIZE where pg_wal is on another\n"
    "  --database-size SIZE      of all databases together\n"
    "  --connections N           max_connections (default: by profile and memory)\n"
    "  --no-pool                 clients connect without a pool such as PgBouncer\n"
    "  --replicas N              standbys (default: 0)\n"
    "  --logical                 logical replication\n"
    "  --archive-command TEXT    what archives a WAL file\n"
    "  --statistics-target N     default_statistics_target\n"
    "  --no-lz4                  the server was built without lz4\n"
    "  --format NAME             conf, alter_system, json, patroni, diff (default: conf)\n";

namespace {

using Problem = std::optional<base::Failure>;

// What `read` makes of `text`, put at its place; or what is wrong with it.
template <class Value, class Place>
Problem put(base::Result<Value> read, Place& place) {
    if (!read) return read.failure();
    place = *read;
    return std::nullopt;
}

struct Wanted {
    Input input;
    Format format = Format::conf;
};

Problem read_option(Wanted& wanted, const std::string& option, const std::string& value) {
    Machine& machine = wanted.input.machine;
    Workload& load = wanted.input.workload;
    if (option == "--memory") return put(parse_memory(option, value), machine.memory_bytes);
    if (option == "--cpus") return put(parse_count(option, value, 1, kMaxCpus), machine.cpus);
    if (option == "--profile") return put(parse_profile(value), load.profile);
    if (option == "--version")
        return put(parse_count(option, value, kOldestVersion, kNewestVersion), wanted.input.build.version);
    if (option == "--disk") return put(parse_disk(value), machine.disk);
    if (option == "--disk-size") return put(parse_memory(option, value), machine.data_disk_bytes);
    if (option == "--wal-disk-size") return put(parse_memory(option, value), machine.wal_disk_bytes);
    if (option == "--database-size") return put(parse_memory(option, value), load.database_bytes);
    if (option == "--connections")
        return put(parse_count(option, value, kMinConnections, kMaxConnections), load.max_connections);
    if (option == "--replicas") return put(parse_count(option, value, 0, kMaxReplicas), load.replicas);
    if (option == "--statistics-target")
        return put(parse_count(option, value, 1, kMaxStatisticsTarget), load.statistics_target);
    if (option == "--format") return put(parse_format(value), wanted.format);
    if (option != "--archive-command")
        return base::Failure{base::kInvalidParameter, fmt::format("unknown option: \"{}\"", base::cut_utf8(option, 64)),
                             "", "--help lists them."};
    load.archive_command = value;
    return std::nullopt;
}

bool read_switch(Wanted& wanted, const std::string& option) {
    if (option == "--no-pool")
        wanted.input.workload.is_pooled = false;
    else if (option == "--logical")
        wanted.input.workload.has_logical_replication = true;
    else if (option == "--no-lz4")
        wanted.input.build.has_lz4 = false;
    else
        return false;
    return true;
}

}  // namespace

base::Result<std::string> run_command(const std::vector<std::string>& arguments, const Machine& here) {
    Wanted wanted;
    wanted.input.machine = here;
    wanted.input.build.version = kOldestVersion;
    wanted.input.build.libraries_there_are.assign(std::begin(kCompanions), std::end(kCompanions));
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& option = arguments[i];
        if (option == "--help") return std::string(kCommandHelp);
        if (read_switch(wanted, option)) continue;
        const bool has_value = i + 1 < arguments.size();
        if (auto problem = read_option(wanted, option, has_value ? arguments[i + 1] : std::string())) return *problem;
        ++i;
    }
    Machine& machine = wanted.input.machine;
    if (!machine.wal_disk_bytes) machine.wal_disk_bytes = machine.data_disk_bytes;
    if (auto problem = problem_of(wanted.input)) return *problem;
    std::vector<Advice> rows;
    for (Row& row : recommend(wanted.input)) rows.push_back({std::move(row), std::nullopt});
    std::string text;
    for (const std::string& line : config_lines(wanted.format, rows, title_of(wanted.input))) text += line + "\n";
    return text;
}

}  // namespace steward::tune
