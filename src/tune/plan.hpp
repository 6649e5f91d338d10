// SPDX-License-Identifier: PostgreSQL
//
// What the best settings are computed from, and what comes out. recommend() is pure: the same input gives the same rows
// in a server, on the command line of deploy/tune and in the tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tune/connection_peaks.hpp"
#include "tune/units.hpp"

namespace steward::tune {

enum class Profile { web, oltp, mixed, dw, desktop };
enum class Disk { hdd, ssd, nvme, san };

inline constexpr Profile kProfiles[] = {Profile::web, Profile::oltp, Profile::mixed, Profile::dw, Profile::desktop};
inline constexpr Disk kDisks[] = {Disk::hdd, Disk::ssd, Disk::nvme, Disk::san};
inline constexpr char kProfileNames[] = "web, oltp, mixed, dw, desktop";
inline constexpr char kDiskNames[] = "hdd, ssd, nvme, san";

std::string_view name_of(Profile profile);
std::string_view name_of(Disk disk);
base::Result<Profile> parse_profile(std::string_view name);
base::Result<Disk> parse_disk(std::string_view name);

inline constexpr int kOldestVersion = 13;
inline constexpr int kNewestVersion = 19;
inline constexpr std::int64_t kMinMemory = 256 * kMB;
inline constexpr std::int64_t kMaxMemory = 16 * kTB;
inline constexpr int kMaxCpus = 4096;
inline constexpr int kMinConnections = 10;
inline constexpr int kMaxConnections = 10000;
inline constexpr int kMaxReplicas = 100;
inline constexpr int kMaxStatisticsTarget = 10000;

struct Machine {
    std::int64_t memory_bytes = 0;
    int cpus = 1;
    Disk disk = Disk::ssd;
    std::optional<std::int64_t> data_disk_bytes;  // size of the file system of the data directory
    std::optional<std::int64_t> wal_disk_bytes;   // and of that of pg_wal
    bool is_container = false;                    // its memory is limited by a control group
    std::optional<double> clock_read_ns;          // what reading the clock costs
    std::int64_t huge_page_bytes = 2 * kMB;
};

struct Workload {
    Profile profile = Profile::mixed;
    bool is_pooled = true;
    std::optional<int> max_connections;  // asked for
    std::optional<int> connections_set;  // what the server has, unless nobody has ever chosen it
    int replicas = 0;
    std::optional<std::int64_t> database_bytes;
    int most_partitions = 0;  // of one table
    std::optional<int> statistics_target;
    std::string archive_mode = "on";  // of what is archived, if anything is
    std::string archive_command;
    bool has_archive_library = false;
    bool has_logical_replication = false;
};

struct Build {
    int version = kNewestVersion;  // major
    bool has_lz4 = true;
    std::optional<bool> has_checksums;
    std::vector<std::string> preloaded;            // shared_preload_libraries as it is
    std::vector<std::string> libraries_there_are;  // of those worth preloading
};

// What this server has seen since its statistics were reset.
struct Evidence {
    double seconds = 0;
    std::int64_t temp_files = 0;
    std::int64_t temp_bytes = 0;
    std::int64_t timed_checkpoints = 0;
    std::int64_t requested_checkpoints = 0;
    std::int64_t wal_bytes = 0;  // within `wal_seconds`
    double wal_seconds = 0;
    std::int64_t blocks_hit = 0;
    std::int64_t blocks_read = 0;
    int connections = 0;  // now
    std::optional<ConnectionHistory> connection_history;
    std::optional<std::int64_t>
        spilling_queries;  // how many different ones have written temporary files, when captured
};

// Of the blocks asked for, those that were in shared_buffers; nothing where too few were.
std::optional<double> hit_ratio(const std::optional<Evidence>& evidence);

struct Input {
    Machine machine;
    Workload workload;
    Build build;
    std::optional<Evidence> evidence;
};

enum class Kind { setting, memory, kernel, pgbouncer };
enum class Severity { ok, info, warning, critical };

std::string_view name_of(Kind kind);
std::string_view name_of(Severity severity);

struct Row {
    Kind kind = Kind::setting;
    std::string_view group;  // the heading it stands under
    std::string parameter;
    std::string value;
    bool needs_restart = false;
    Severity severity = Severity::info;  // of not having it
    std::string reason;                  // sentences
};

// 22023 where a figure cannot be of a machine that PostgreSQL runs on.
std::optional<base::Failure> problem_of(const Input& input);

std::vector<Row> recommend(const Input& input);

// How memory is shared out; the numbers that the rows are made of.
struct MemoryPlan {
    int connections = 0;
    int active = 0;         // at the same time
    double operations = 0;  // that take work_mem in an active query
    std::int64_t shared_buffers = 0;
    std::int64_t work_mem = 0;
    std::int64_t maintenance_work_mem = 0;
    std::int64_t autovacuum_work_mem = 0;
    int autovacuum_workers = 0;

    double expected_bytes() const;         // when as many work as were reckoned with
    double all_connections_bytes() const;  // when every connection does
};
MemoryPlan plan_memory(const Input& input);

}  // namespace steward::tune
