// SPDX-License-Identifier: PostgreSQL
//
// What keeps the server well and seen: autovacuum, statistics, the log, and what the kernel and the pooler need to match.
#include <algorithm>

#include "base/text.hpp"
#include "tune/formulas.hpp"
#include "tune/libraries.hpp"

namespace steward::tune {

namespace {

constexpr int kManyPartitions = 5000;

int locks_of(int most_partitions) {
    int locks = 128;
    while (locks < 2 * most_partitions && locks < 1024) locks *= 2;
    return locks;
}

}  // namespace

int autovacuum_workers_of(int cpus, int most_partitions) {
    const int by_cpus = cpus >= 32 ? 6 : cpus >= 16 ? 4 : 3;
    return most_partitions > kManyPartitions ? std::max(5, by_cpus) : by_cpus;
}

void add_vacuum(Rows& rows) {
    rows.under("Vacuum and locks");
    rows.set("autovacuum_max_workers", rows.memory.autovacuum_workers, Severity::info,
             "3, 4 from 16 processors on, 6 from 32 on: they share one cost limit, so that more are not faster by "
             "themselves.");
    rows.set("autovacuum_naptime", "30s", Severity::info, "Each database is looked at twice a minute.");
    rows.set("autovacuum_vacuum_scale_factor", "0.1", Severity::warning,
             "Vacuumed when a tenth has changed, not a fifth: less bloat, shorter runs.");
    rows.set("autovacuum_analyze_scale_factor", "0.05", Severity::info, "Analyzed when a twentieth has changed.");
    rows.set("autovacuum_vacuum_insert_scale_factor", "0.1", Severity::info,
             "Tables that only grow are frozen early, and index-only scans work on them.");
    if (rows.from(18))
        rows.set("autovacuum_vacuum_max_threshold", 50'000'000, Severity::info,
                 "A table of any size is vacuumed after 50 million changed rows; the default is 100 million.");
    rows.set("autovacuum_vacuum_cost_limit", rows.is_spinning() ? 400 : 2000, Severity::warning,
             rows.is_spinning() ? "Twice the default: autovacuum falls behind with 200."
                                : "Ten times the default, which is for disks of twenty years ago.");
    rows.set("autovacuum_vacuum_cost_delay", "2ms", Severity::info, "The default.");
    rows.set("max_locks_per_transaction", locks_of(rows.input.workload.most_partitions), Severity::warning,
             "A query over a partitioned table takes a lock for each partition and index; the lock table is made at "
             "the start.");
}

void add_monitoring(Rows& rows) {
    rows.under("Statistics and log");
    const auto& cost = rows.input.machine.clock_read_ns;
    constexpr double kDearNanoseconds = 100;
    const bool is_dear = cost && *cost > kDearNanoseconds;
    std::string why = is_dear ? "Reading the clock is dear on this machine" : "Tells waiting for the disk from working";
    if (cost) why += fmt::format("{} {:.0f} ns to read the clock", is_dear ? ":" : ";", *cost);
    rows.set("track_io_timing", is_dear ? "off" : "on", is_dear ? Severity::info : Severity::warning, why + ".");
    if (rows.from(14)) rows.set("track_wal_io_timing", is_dear ? "off" : "on", Severity::info, "The same of WAL.");
    rows.set("track_functions", "pl", Severity::info, "How long functions in procedural languages take.");
    rows.set("track_activity_query_size", "4kB", Severity::info, "1kB cuts many queries short.");
    rows.set("log_min_duration_statement", "1s", Severity::info, "Slow statements are logged.");
    rows.set("log_checkpoints", "on", Severity::info, "One line every few minutes that says how long writing took.");
    rows.set("log_lock_waits", "on", Severity::warning, "Who has waited for a lock for a second.");
    rows.set("log_temp_files", "10MB", Severity::info, "Which queries did not fit into work_mem.");
    rows.set("log_autovacuum_min_duration", "10s", Severity::info, "Long runs of autovacuum, and what they did.");
    rows.set("log_line_prefix", "%m [%p] %q%u@%d/%a ", Severity::info,
             "Time, process, role, database and application; programs that read logs know it.");

    rows.under("Libraries");
    const std::vector<std::string>& before = rows.input.build.preloaded;
    const bool is_preloaded = std::find(before.begin(), before.end(), "pg_steward") != before.end();
    rows.set("shared_preload_libraries", library_list(merged_libraries(before, rows.input.build.libraries_there_are)),
             is_preloaded ? Severity::info : Severity::warning,
             before.empty()
                 ? "pg_steward for the scheduler, capture and the prober; the others for whom they serve already."
                 : "What is preloaded stays; pg_steward for the scheduler, capture and the prober.");
}

// ---- Around the server -----------------------------------------------------------------------------------------------

void add_surroundings(Rows& rows) {
    rows.under("Kernel");
    const Machine& machine = rows.input.machine;
    const std::int64_t shared = rows.memory.shared_buffers / 20 * 21;  // and what else is shared
    if (!rows.has(Profile::desktop)) {
        rows.add(Kind::kernel, "vm.nr_hugepages",
                 fmt::format("{}", (shared + machine.huge_page_bytes - 1) / machine.huge_page_bytes),
                 fmt::format("shared_buffers and a twentieth more in pages of {}; shared_memory_size_in_huge_pages "
                             "says it exactly from version 15 on.",
                             memory_text(machine.huge_page_bytes)));
        rows.add(Kind::kernel, "vm.swappiness", "10", "Caches are given up before memory of the server.");
        if (!machine.is_container) {
            rows.add(
                Kind::kernel, "vm.overcommit_memory", "2",
                "A query that asks for too much fails; the kernel kills no process, which would stop all sessions.");
            rows.add(Kind::kernel, "vm.overcommit_ratio", "80",
                     "Of memory that is not in huge pages; count swap in addition.");
        }
        rows.add(Kind::kernel, "vm.dirty_background_bytes", "67108864",
                 "Written out from 64MB on, so that a checkpoint's sync finds little left.");
        rows.add(Kind::kernel, "vm.dirty_bytes", "536870912", "No more than 512MB wait to be written.");
    }
    if (!rows.input.workload.is_pooled) return;
    rows.under("PgBouncer");
    const int connections = rows.memory.connections;
    const int reserve = std::max(1, rows.memory.active / 10);
    const int most = connections - std::clamp(connections / 40, 3, 10) - (rows.from(16) ? 3 : 0);
    rows.add(Kind::pgbouncer, "pool_mode", "transaction", "A server connection is bound for a transaction only.");
    rows.add(
        Kind::pgbouncer, "default_pool_size",
        fmt::format("{}", std::clamp(rows.memory.active, 1, std::max(1, most - reserve))),
        "As many as work_mem was computed for, all pools together: share it out among the pairs of database and role.");
    rows.add(Kind::pgbouncer, "reserve_pool_size", fmt::format("{}", reserve),
             "A tenth more for those who have waited for 5 seconds.");
    rows.add(Kind::pgbouncer, "max_client_conn", fmt::format("{}", connections * 10),
             "Clients are cheap there: about 2kB each.");
}

}  // namespace steward::tune
