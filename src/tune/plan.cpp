// SPDX-License-Identifier: PostgreSQL
#include "tune/plan.hpp"

#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "tune/connections.hpp"
#include "tune/formulas.hpp"

namespace steward::tune {

namespace {

constexpr std::string_view kProfileWords[] = {"web", "oltp", "mixed", "dw", "desktop"};
constexpr std::string_view kDiskWords[] = {"hdd", "ssd", "nvme", "san"};
constexpr std::string_view kKindWords[] = {"setting", "memory", "kernel", "pgbouncer"};
constexpr std::string_view kSeverityWords[] = {"ok", "info", "warning", "critical"};

// What work_mem may be. The first ones are for machines too small for their connections.
constexpr std::int64_t kWorkMemSteps[] = {
    64 * kKB,  128 * kKB, 256 * kKB, 512 * kKB, 1 * kMB,   2 * kMB,   4 * kMB,  6 * kMB,
    8 * kMB,   12 * kMB,  16 * kMB,  24 * kMB,  32 * kMB,  48 * kMB,  64 * kMB, 96 * kMB,
    128 * kMB, 192 * kMB, 256 * kMB, 384 * kMB, 512 * kMB, 768 * kMB, 1 * kGB,
};

constexpr std::int64_t kEnoughBlocks = 100'000;

base::Failure bad_word(std::string_view what, std::string_view word, const char* words) {
    return {base::kInvalidParameter, fmt::format("unknown {}: \"{}\"", what, base::cut_utf8(word, 64)), "",
            fmt::format("One of {}.", words)};
}

base::Failure out_of_range(std::string_view what, const std::string& value, const std::string& range) {
    return {base::kInvalidParameter, fmt::format("{} is out of range: {}", what, value), "", range};
}

double operations_of(Profile profile) {
    constexpr double kOf[] = {2, 2, 2.5, 4, 2};
    return kOf[static_cast<int>(profile)];
}

std::int64_t work_mem_cap(Profile profile) {
    constexpr std::int64_t kOf[] = {64 * kMB, 64 * kMB, 128 * kMB, kGB, 64 * kMB};
    return kOf[static_cast<int>(profile)];
}

std::int64_t shared_buffers_of(Profile profile, std::int64_t memory) {
    if (profile == Profile::desktop) return rounded_down(memory / 16);
    if (memory < kGB) return rounded_down(memory * 15 / 100);
    return rounded_down(memory / 4);
}

std::int64_t step_below(double bytes, std::int64_t cap) {
    std::int64_t best = kWorkMemSteps[0];
    for (const std::int64_t step : kWorkMemSteps)
        if (static_cast<double>(step) <= bytes && step <= cap) best = step;
    return best;
}

}  // namespace

std::optional<double> hit_ratio(const std::optional<Evidence>& evidence) {
    if (!evidence) return std::nullopt;
    const std::int64_t all = evidence->blocks_hit + evidence->blocks_read;
    if (all < kEnoughBlocks) return std::nullopt;
    return static_cast<double>(evidence->blocks_hit) / static_cast<double>(all);
}

std::string_view name_of(Profile profile) { return kProfileWords[static_cast<int>(profile)]; }
std::string_view name_of(Disk disk) { return kDiskWords[static_cast<int>(disk)]; }
std::string_view name_of(Kind kind) { return kKindWords[static_cast<int>(kind)]; }
std::string_view name_of(Severity severity) { return kSeverityWords[static_cast<int>(severity)]; }

base::Result<Profile> parse_profile(std::string_view name) {
    for (const Profile profile : kProfiles)
        if (name_of(profile) == name) return profile;
    return bad_word("profile", name, kProfileNames);
}

base::Result<Disk> parse_disk(std::string_view name) {
    for (const Disk disk : kDisks)
        if (name_of(disk) == name) return disk;
    return bad_word("disk", name, kDiskNames);
}

std::optional<base::Failure> problem_of(const Input& input) {
    const auto check_number = [](std::string_view what, int value, int min, int max) -> std::optional<base::Failure> {
        if (value >= min && value <= max) return std::nullopt;
        return out_of_range(what, fmt::format("{}", value), fmt::format("A whole number from {} to {}.", min, max));
    };
    const std::int64_t memory = input.machine.memory_bytes;
    if (memory < kMinMemory || memory > kMaxMemory)
        return out_of_range("memory", fmt::format("{} bytes", memory),
                            fmt::format("From {} to {} bytes: {} to {}.", kMinMemory, kMaxMemory,
                                        memory_text(kMinMemory), memory_text(kMaxMemory)));
    for (const auto& disk : {input.machine.data_disk_bytes, input.machine.wal_disk_bytes})
        if (disk && *disk < kMinMemory)
            return out_of_range("size of the disk", fmt::format("{} bytes", *disk),
                                fmt::format("At least {}.", memory_text(kMinMemory)));
    if (auto problem = check_number("number of processors", input.machine.cpus, 1, kMaxCpus)) return problem;
    if (input.workload.max_connections)
        if (auto problem =
                check_number("max_connections", *input.workload.max_connections, kMinConnections, kMaxConnections))
            return problem;
    if (auto problem = check_number("number of replicas", input.workload.replicas, 0, kMaxReplicas)) return problem;
    if (input.workload.statistics_target)
        if (auto problem =
                check_number("statistics target", *input.workload.statistics_target, 1, kMaxStatisticsTarget))
            return problem;
    return check_number("version", input.build.version, kOldestVersion, kNewestVersion);
}

// ---- Memory ----------------------------------------------------------------------------------------------------------

double MemoryPlan::expected_bytes() const {
    return static_cast<double>(shared_buffers) + active * operations * static_cast<double>(work_mem) +
           static_cast<double>(maintenance_work_mem) + autovacuum_workers * static_cast<double>(autovacuum_work_mem);
}

double MemoryPlan::all_connections_bytes() const {
    return expected_bytes() + (connections - active) * operations * static_cast<double>(work_mem);
}

MemoryPlan plan_memory(const Input& input) {
    const Machine& machine = input.machine;
    const Workload& load = input.workload;
    const std::int64_t memory = machine.memory_bytes;
    const bool is_dw = load.profile == Profile::dw;
    const bool is_new_vacuum = input.build.version >= 17;

    MemoryPlan plan;
    plan.connections = connections_of(input);
    const double active =
        load.is_pooled ? std::max(4.0 * machine.cpus, plan.connections / 4.0) : plan.connections / 2.0;
    plan.active = std::clamp(static_cast<int>(active), 1, plan.connections);
    plan.operations = operations_of(load.profile);
    plan.autovacuum_workers = autovacuum_workers_of(machine.cpus, load.most_partitions);
    plan.shared_buffers = shared_buffers_of(load.profile, memory);
    const std::int64_t most = is_dw && is_new_vacuum ? 8 * kGB : 2 * kGB;
    plan.maintenance_work_mem = rounded_down(std::min(most, is_dw ? memory / 8 : memory / 16));
    plan.autovacuum_work_mem =
        rounded_down(std::clamp(memory / 32, std::min(64 * kMB, memory / 16), is_new_vacuum ? 2 * kGB : kGB));

    // A desktop has other things to do than this server.
    const double available = static_cast<double>(memory) * (load.profile == Profile::desktop ? 0.5 : 0.9);
    const double rest =
        available - (static_cast<double>(plan.shared_buffers) + static_cast<double>(plan.maintenance_work_mem) +
                     plan.autovacuum_workers * static_cast<double>(plan.autovacuum_work_mem));
    plan.work_mem =
        step_below(rest / (std::min<double>(active, plan.connections) * plan.operations), work_mem_cap(load.profile));
    return plan;
}

}  // namespace steward::tune
