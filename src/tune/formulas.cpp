// SPDX-License-Identifier: PostgreSQL
#include "tune/formulas.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/text.hpp"
#include "tune/connections.hpp"

namespace steward::tune {

namespace {

// What the server reads at its start only; autovacuum_max_workers only before version 18.
constexpr std::string_view kRestart[] = {
    "archive_mode",
    "huge_pages",
    "io_method",
    "max_connections",
    "max_replication_slots",
    "max_locks_per_transaction",
    "max_wal_senders",
    "max_worker_processes",
    "reserved_connections",
    "hot_standby",
    "shared_buffers",
    "shared_preload_libraries",
    "superuser_reserved_connections",
    "track_activity_query_size",
    "wal_buffers",
    "wal_level",
    "wal_log_hints",
};

bool needs_restart(std::string_view parameter, int version) {
    if (parameter == "autovacuum_max_workers") return version < 18;
    return std::find(std::begin(kRestart), std::end(kRestart), parameter) != std::end(kRestart);
}

}  // namespace

Rows::Rows(const Input& from) : input(from), memory(plan_memory(from)) {}

void Rows::set(std::string parameter, std::string value, Severity severity, std::string reason) {
    const bool restart = needs_restart(parameter, input.build.version);
    rows_.push_back(
        {Kind::setting, group_, std::move(parameter), std::move(value), restart, severity, std::move(reason)});
}

void Rows::set(std::string parameter, std::int64_t value, Severity severity, std::string reason) {
    set(std::move(parameter), fmt::format("{}", value), severity, std::move(reason));
}

void Rows::add(Kind kind, std::string parameter, std::string value, std::string reason) {
    rows_.push_back({kind, group_, std::move(parameter), std::move(value), false, Severity::info, std::move(reason)});
}

std::vector<Row> recommend(const Input& input) {
    Rows rows(input);
    add_connections(rows);
    add_memory(rows);
    add_wal(rows);
    add_replication(rows);
    add_planner(rows);
    add_parallel(rows);
    add_vacuum(rows);
    add_monitoring(rows);
    add_surroundings(rows);
    return std::move(rows).done();
}

// ---- Connections -----------------------------------------------------------------------------------------------------

void add_connections(Rows& rows) {
    rows.under("Connections");
    const int connections = rows.memory.connections;
    std::string why = why_connections(rows.input);
    why +=
        rows.input.workload.is_pooled
            ? fmt::format(" Behind a pool about {} of them work at a time.", rows.memory.active)
            : std::string(
                  " Without a pool half of them are reckoned to work at a time; a pool would let fewer do the same.");
    rows.set("max_connections", connections, Severity::info, why);
    const int reserved = std::clamp(connections / 40, 3, 10);
    rows.set("superuser_reserved_connections", reserved, Severity::info,
             "Who has to repair the server gets in when it is full: one in 40 connections, from 3 to 10.");
    if (rows.from(16))
        rows.set("reserved_connections", 3, Severity::info,
                 "For members of pg_use_reserved_connections: monitoring gets in when the server is full.");
    if (!rows.has(Profile::desktop))
        rows.set(
            "idle_in_transaction_session_timeout", rows.has(Profile::dw) ? "1h" : "10min", Severity::warning,
            "A transaction somebody has forgotten holds locks, and keeps VACUUM from all that died since it began.");
    if (rows.from(14))
        rows.set("client_connection_check_interval", "10s", Severity::info,
                 "A query whose client is gone ends within 10 seconds, and not when it has finished.");
    if (rows.has_replicas()) {
        rows.set("tcp_keepalives_idle", "1min", Severity::info,
                 "A peer that is dead is found within two minutes, not within two hours.");
        rows.set("tcp_keepalives_interval", "10s", Severity::info, "See tcp_keepalives_idle.");
        rows.set("tcp_keepalives_count", 6, Severity::info, "See tcp_keepalives_idle.");
    }
    rows.set("password_encryption", "scram-sha-256", Severity::warning,
             "MD5 passwords can be guessed from what is stored.");
}

// ---- Memory ----------------------------------------------------------------------------------------------------------

namespace {

std::string why_work_mem(const Rows& rows) {
    const MemoryPlan& plan = rows.memory;
    std::string why =
        fmt::format("What is left of memory for {} active connections with {} sorts or hashes each; a hash may take "
                    "hash_mem_multiplier times as much.",
                    plan.active, plan.operations);
    if (plan.work_mem < 4 * kMB)
        why +=
            fmt::format(" Below the server's default of 4MB: this memory does not carry {} connections; fewer behind a "
                        "pool would each get more.",
                        plan.connections);
    const auto& seen = rows.input.evidence;
    if (!seen) return why;
    if (seen->temp_files == 0)
        return why + " This server has written no temporary files since its statistics were reset.";
    why += fmt::format(" This server wrote {} temporary files of {} on average since its statistics were reset",
                       seen->temp_files,
                       rough_memory(static_cast<double>(seen->temp_bytes) / static_cast<double>(seen->temp_files)));
    if (seen->spilling_queries) why += fmt::format(", by {} different queries", *seen->spilling_queries);
    return why + ".";
}

}  // namespace

void add_memory(Rows& rows) {
    rows.under("Memory");
    const MemoryPlan& plan = rows.memory;
    const std::int64_t memory = rows.input.machine.memory_bytes;
    const bool is_desktop = rows.has(Profile::desktop);
    std::string share = is_desktop     ? "A sixteenth of memory: a desktop has other things to do."
                        : memory < kGB ? "15 % of memory: less than a gigabyte is little for everything else."
                                       : "A quarter of memory; the rest caches files too.";
    if (plan.shared_buffers > 16 * kGB)
        share += " Above 16GB measure: 16GB may do as well, as writing it out takes longer.";
    rows.set("shared_buffers", memory_text(plan.shared_buffers), Severity::warning, share);
    rows.set(
        "effective_cache_size", memory_text(rounded_down(is_desktop ? memory / 4 : memory / 4 * 3)), Severity::warning,
        "What shared_buffers and the system's cache hold together; the planner reckons with it, nothing is taken.");
    rows.set("work_mem", memory_text(plan.work_mem), Severity::warning, why_work_mem(rows));
    rows.set("hash_mem_multiplier", "2.0", Severity::info,
             "Hash tables may take twice work_mem before they go to disk; the default from version 15 on.");
    rows.set("maintenance_work_mem", memory_text(plan.maintenance_work_mem), Severity::info,
             rows.has(Profile::dw)
                 ? "An eighth of memory for building indexes."
                 : "A sixteenth of memory, at most 2GB, for building indexes and for VACUUM by hand.");
    rows.set("autovacuum_work_mem", memory_text(plan.autovacuum_work_mem), Severity::info,
             fmt::format("A thirty-second of memory for each of {} workers, so that all of them fit{}.",
                         plan.autovacuum_workers,
                         rows.from(17) ? "" : "; VACUUM uses no more than 1GB before version 17"));
    if (rows.from(16))
        rows.set("vacuum_buffer_usage_limit", "2MB", Severity::info,
                 "As the default is from version 17 on: VACUUM flushes WAL less often than with 256kB.");
    rows.set("huge_pages", "try", Severity::info,
             "Large memory costs fewer page tables; see the row of vm.nr_hugepages.");
    if (rows.input.machine.data_disk_bytes && !is_desktop) {
        const std::int64_t limit = std::clamp(*rows.input.machine.data_disk_bytes / 10, kGB, kTB);
        rows.set("temp_file_limit", memory_text(rounded_down(limit)), Severity::info,
                 "A tenth of the disk for one session: a runaway sort fails, and not the server.");
    }

    const double expected = plan.expected_bytes();
    const double all = plan.all_connections_bytes();
    const auto percent = [&](double bytes) { return bytes * 100 / static_cast<double>(memory); };
    rows.add(
        Kind::memory, "expected memory", memory_text(static_cast<std::int64_t>(expected) / kMB * kMB),
        fmt::format(
            "{:.0f} % of memory: shared_buffers {}, work_mem {} x {} active x {} operations, maintenance_work_mem {}, "
            "autovacuum_work_mem {} x {}.",
            percent(expected), memory_text(plan.shared_buffers), memory_text(plan.work_mem), plan.active,
            plan.operations, memory_text(plan.maintenance_work_mem), memory_text(plan.autovacuum_work_mem),
            plan.autovacuum_workers));
    rows.add(Kind::memory, "worst case memory", memory_text(static_cast<std::int64_t>(all) / kMB * kMB),
             fmt::format(
                 "{:.0f} % of memory, when all {} connections sort and hash at once{}.", percent(all), plan.connections,
                 all > static_cast<double>(memory) ? ": what keeps it from that is the pool, or that it never happens"
                                                   : ""));
}

// ---- Planner ---------------------------------------------------------------------------------------------------------

namespace {

constexpr double kGoodHitRatio = 0.95;

void add_random_page_cost(Rows& rows) {
    const auto& database = rows.input.workload.database_bytes;
    const bool fits = database && *database < rows.input.machine.memory_bytes;
    const auto ratio = hit_ratio(rows.input.evidence);
    const auto put = [&](const char* value, const std::string& why) {
        rows.set("random_page_cost", value, Severity::warning, why);
    };
    if (fits) return put("1.1", "The databases fit into memory, where no page is farther than another.");
    if (rows.is_spinning()) return put("4", "A disk that turns reads in sequence far faster than here and there.");
    if (rows.has(Profile::dw))
        return put(
            "4", "Large scans miss the cache, and a random read costs far more than a sequential one on an SSD, too.");
    if (ratio && *ratio < kGoodHitRatio)
        return put(
            "2",
            fmt::format("Only {:.0f} % of pages were found in shared_buffers: reads of single pages often reach the "
                        "disk; 1.1 is for 95 % and more.",
                        *ratio * 100));
    put("1.1",
        ratio ? fmt::format("{:.1f} % of pages were found in shared_buffers, and the disk does not turn.", *ratio * 100)
              : std::string("Most pages are cached, and the disk does not turn: single pages cost little more than "
                            "those in sequence."));
}

}  // namespace

void add_planner(Rows& rows) {
    rows.under("Planner");
    add_random_page_cost(rows);
    rows.set("seq_page_cost", "1", Severity::info, "What the other costs are measured by; never a thing to change.");
    const Disk disk = rows.input.machine.disk;
    const int index = static_cast<int>(disk);
    constexpr int kReadsOf[] = {2, 200, 256, 300};
    constexpr int kReadsFrom18[] = {16, 64, 128, 64};
    rows.set("effective_io_concurrency", rows.from(18) ? kReadsFrom18[index] : kReadsOf[index], Severity::info,
             fmt::format("Reads that {} storage serves at a time{}.", name_of(disk),
                         rows.from(18) ? "; from version 18 on one read is larger" : ""));
    rows.set("maintenance_io_concurrency", rows.is_spinning() ? (rows.from(18) ? 16 : 10) : 100, Severity::info,
             "The same for VACUUM and ANALYZE, and for replay from version 15 on.");
    constexpr int kTargets[] = {100, 100, 200, 500, 100};
    const auto& asked = rows.input.workload.statistics_target;
    rows.set(
        "default_statistics_target", asked.value_or(kTargets[static_cast<int>(rows.input.workload.profile)]),
        Severity::info,
        asked
            ? std::string("As asked for.")
            : std::string(
                  "1000 for all columns would make ANALYZE read ten times as much and planning several times as slow; "
                  "ALTER TABLE ... ALTER COLUMN ... SET STATISTICS 1000 is for columns whose estimates are wrong."));
    rows.set("constraint_exclusion", "partition", Severity::info,
             "The default, for inheritance and UNION ALL; partitioned tables are pruned by enable_partition_pruning.");
    rows.set("jit", rows.has(Profile::dw) ? "on" : "off", Severity::info,
             rows.has(Profile::dw)
                 ? "Queries that run for seconds gain from being compiled."
                 : "Compiling a query takes longer than most of these queries; the default is off from version 19 on.");
}

// ---- Parallel work ---------------------------------------------------------------------------------------------------

void add_parallel(Rows& rows) {
    rows.under("Parallel work");
    constexpr int kOurs = 4;
    constexpr int kMost = 1024;  // that the server takes
    const int cpus = rows.input.machine.cpus;
    const bool is_short = rows.has(Profile::web) || rows.has(Profile::oltp);
    const int workers = std::clamp(rows.has(Profile::oltp) ? cpus / 2 : cpus, 2, kMost);
    int gather = cpus / 2;
    if (is_short) gather = std::min(2, cpus / 2);
    if (rows.has(Profile::mixed) || rows.has(Profile::desktop)) gather = cpus == 1 ? 0 : std::clamp(cpus / 2, 2, 4);
    if (rows.has(Profile::dw)) gather = cpus == 1 ? 0 : std::max(2, cpus / 2);
    rows.set("max_worker_processes", std::max(8, cpus + kOurs + 4), Severity::info,
             "One for each processor, and room for pg_steward and other extensions; a standby needs as many as its "
             "primary.");
    rows.set("max_parallel_workers", workers, Severity::info,
             rows.has(Profile::oltp) ? "Half of the processors: short queries need the others."
                                     : "One for each processor.");
    rows.set("max_parallel_workers_per_gather", std::min(gather, kMost), Severity::info,
             is_short ? "At most 2: many queries run beside each other already."
                      : fmt::format("For one query of {} processors.", cpus));
    rows.set("max_parallel_maintenance_workers", std::clamp(cpus / 2, 1, 4), Severity::info,
             "Half of the processors, at most 4, build one index.");
    if (rows.from(18))
        rows.set("io_method", "worker", Severity::info,
                 "The default. io_uring is for those who have measured it: where the kernel or a container forbids it, "
                 "the server does not start.");
    if (rows.from(19))
        rows.set("io_max_workers", std::clamp((cpus + 3) / 4, 8, 32), Severity::info,
                 "A quarter of the processors, at least the default.");
    else if (rows.from(18))
        rows.set("io_workers", std::clamp((cpus + 3) / 4, 3, 32), Severity::info,
                 "A quarter of the processors, at least the default.");
}

}  // namespace steward::tune
