// SPDX-License-Identifier: PostgreSQL
//
// The rules that weigh numbers.
#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "tune/connections.hpp"
#include "tune/check.hpp"

namespace steward::tune {

namespace {

constexpr double kMinuteMs = 60'000;
constexpr std::int64_t kEnoughCheckpoints = 20;

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

// The whole command does nothing, and the server believes that WAL is safe.
bool does_nothing(const std::string& command) {
    for (const char* nothing : {"true", "/bin/true", "/usr/bin/true", ":", "exit 0", "/bin/false", "false"})
        if (command == nothing) return true;
    return false;
}

void check_connections(Findings& found) {
    constexpr double kMany = 500;
    const double connections = found.amount("max_connections");
    if (connections > kMany)
        found.warn(
            "max_connections",
            fmt::format("{} connections: each costs memory and every snapshot looks at all that work", connections),
            "Put a pool such as PgBouncer in front, and lower it.");
    if (found.facts.evidence && found.facts.evidence->connection_history && connections > 0) {
        const ConnectionHistory& history = *found.facts.evidence->connection_history;
        const double reserved = found.reserved_connections();
        if (history.most > (connections - reserved) * 0.9)
            found.warn("max_connections",
                       fmt::format("of {} connections, {} reserved, at most {} were in use at the same time",
                                   connections, reserved, history_text(history)),
                       "Raise it, as steward.tune() says, or put a pool such as PgBouncer in front.");
    }
    if (found.has("idle_in_transaction_session_timeout") && found.amount("idle_in_transaction_session_timeout") == 0)
        found.inform("idle_in_transaction_session_timeout",
                     "a forgotten transaction holds its locks, and dead rows of all tables, for ever",
                     "Set it to 10min.");
    if (found.amount("statement_timeout") > 0)
        found.inform("statement_timeout",
                     fmt::format("every statement ends after {}, those of maintenance and dumps too",
                                 found.shown_value("statement_timeout")),
                     "ALTER ROLE ... SET statement_timeout for the roles it is meant for.");
    if (found.is("ssl", "off") && found.has("listen_addresses") &&
        found.text("listen_addresses").find('*') != std::string::npos)
        found.warn("ssl", "the server listens on all addresses, and what goes over the network can be read",
                   "Set up ssl, or listen_addresses to those that are needed.");
}

}  // namespace

// ---- Memory ----------------------------------------------------------------------------------------------------------

void check_memory(Findings& found) {
    check_connections(found);
    const auto memory = static_cast<double>(found.facts.machine.memory_bytes);
    if (memory <= 0) return;
    const double buffers = found.amount("shared_buffers");
    const double percent = share(buffers, memory) * 100;
    const std::string buffers_detail =
        fmt::format("shared_buffers {} is {:.0f} % of memory", found.shown_value("shared_buffers"), percent);
    if (percent > 60)
        found.error("shared_buffers", buffers_detail + ": the kernel will kill the server",
                    "A quarter of memory; steward.tune() says how much.");
    else if (percent > 40)
        found.warn("shared_buffers", buffers_detail + ": little is left for queries and the system's cache",
                   "A quarter of memory, unless measured to be worse.");
    else if (percent < 5 && memory >= 2.0 * kGB)
        found.inform("shared_buffers", buffers_detail, "A quarter of memory; steward.tune() says how much.");

    const double multiplier = std::max(1.0, found.amount("hash_mem_multiplier"));
    const double worst = buffers + found.amount("max_connections") * found.amount("work_mem") * multiplier;
    const std::string worst_detail = fmt::format(
        "{} connections x work_mem {} x hash_mem_multiplier {} and shared_buffers come to {}, of {} of memory",
        found.amount("max_connections"), found.shown_value("work_mem"), multiplier, rough_memory(worst),
        rough_memory(memory));
    const char* const lower = "Lower work_mem or max_connections; raise work_mem for the roles that need it.";
    if (worst > 4 * memory)
        found.error("work_mem", worst_detail, lower);
    else if (worst > 2 * memory)
        found.warn("work_mem", worst_detail, lower);

    const bool is_own = found.amount("autovacuum_work_mem") > 0;
    const double vacuum =
        found.amount(is_own ? "autovacuum_work_mem" : "maintenance_work_mem") * found.amount("autovacuum_max_workers");
    if (vacuum > memory / 4)
        found.warn(is_own ? "autovacuum_work_mem" : "maintenance_work_mem",
                   fmt::format("{} workers of autovacuum may take {}", found.amount("autovacuum_max_workers"),
                               rough_memory(vacuum)),
                   "Set autovacuum_work_mem to a thirty-second of memory.");
    const double cache = found.amount("effective_cache_size");
    if (cache > memory)
        found.warn("effective_cache_size",
                   fmt::format("{} is more than memory has: the planner takes pages for cached that are not",
                               found.shown_value("effective_cache_size")),
                   "Three quarters of memory.");
    else if (cache > 0 && cache < buffers)
        found.warn("effective_cache_size", "it is less than shared_buffers, which are a part of it",
                   "Three quarters of memory.");
    if (found.amount("track_activity_query_size") * found.amount("max_connections") > memory / 100)
        found.warn("track_activity_query_size", "texts of running queries take more than a hundredth of memory",
                   "4kB is enough for most.");
    if (buffers >= 2.0 * kGB && !found.is("huge_pages", "off") && found.is("huge_pages_status", "off"))
        found.warn("huge_pages", "the kernel has no huge pages free: page tables take memory and time",
                   "sysctl vm.nr_hugepages as steward.tune() says, and restart.");
    for (const Override& one : found.facts.overrides) {
        const auto amount = one.parameter == "work_mem" ? amount_of(one.value) : std::nullopt;
        if (amount && *amount > memory / 16)
            found.warn("work_mem",
                       fmt::format("{} has work_mem {}: a few of its queries use up memory", one.of, one.value),
                       "Lower it there, or set it for single statements.");
    }
}

// ---- WAL -------------------------------------------------------------------------------------------------------------

void check_wal(Findings& found) {
    const double most = found.amount("max_wal_size");
    if (found.amount("min_wal_size") > most)
        found.error("min_wal_size",
                    fmt::format("min_wal_size {} is more than max_wal_size {}", found.shown_value("min_wal_size"),
                                found.shown_value("max_wal_size")),
                    "A quarter of max_wal_size.");
    const auto& disk = found.facts.machine.wal_disk_bytes;
    const auto& free = found.facts.wal_disk_free_bytes;
    const double kept = found.amount("max_slot_wal_keep_size");
    if (disk && most > static_cast<double>(*disk))
        found.error("max_wal_size",
                    fmt::format("max_wal_size {} does not fit on its disk of {}", found.shown_value("max_wal_size"),
                                rough_memory(static_cast<double>(*disk))),
                    "At most a fifth of the disk.");
    else if (free && most > static_cast<double>(*free))
        found.warn("max_wal_size",
                   fmt::format("max_wal_size {} is more than the {} that are free on its disk",
                               found.shown_value("max_wal_size"), rough_memory(static_cast<double>(*free))),
                   "Make room, or lower it.");
    if (disk && kept > static_cast<double>(*disk))
        found.error("max_slot_wal_keep_size",
                    fmt::format("{} do not fit on a disk of {}: a replica that is gone fills it",
                                found.shown_value("max_slot_wal_keep_size"), rough_memory(static_cast<double>(*disk))),
                    "At most 30 % of the disk.");

    const double timeout = found.amount("checkpoint_timeout");
    if (timeout > 0 && timeout < 2 * kMinuteMs)
        found.warn(
            "checkpoint_timeout",
            fmt::format("{}: every page is written to WAL in full as often", found.shown_value("checkpoint_timeout")),
            "Set it to 15min.");
    if (timeout > 60 * kMinuteMs)
        found.warn("checkpoint_timeout",
                   fmt::format("{}: recovery after a crash may take as long", found.shown_value("checkpoint_timeout")),
                   "Set it to 15min.");
    if (found.has("checkpoint_completion_target") && found.amount("checkpoint_completion_target") < 0.7)
        found.warn("checkpoint_completion_target", "checkpoints write in bursts", "Set it to 0.9.");
    if (!found.facts.evidence) return;
    const auto requested = static_cast<double>(found.facts.evidence->requested_checkpoints);
    const double all = requested + static_cast<double>(found.facts.evidence->timed_checkpoints);
    if (all >= kEnoughCheckpoints && share(requested, all) > 0.3)
        found.warn("max_wal_size",
                   fmt::format("{:.0f} of {:.0f} checkpoints were requested, for WAL or by hand", requested, all),
                   "Raise max_wal_size; steward.tune() says how far.");
}

// ---- Replication and archive -----------------------------------------------------------------------------------------

void check_replication(Findings& found) {
    const Facts& facts = found.facts;
    const std::string& command = found.text("archive_command");
    if (found.has("archive_mode") && !found.is("archive_mode", "off") && found.text("archive_library").empty()) {
        if (command.empty())
            found.error("archive_command", "archive_mode is on without a command: WAL is kept until the disk is full",
                        "Set archive_command, or archive_mode = off.");
        else if (does_nothing(command))
            found.error("archive_command",
                        fmt::format("\"{}\" archives nothing: backups cannot be rolled forward", command),
                        "Set the command of your backup program, or archive_mode = off.");
    }
    if (found.is("wal_level", "minimal"))
        found.warn("wal_level", "minimal: no replica, no backup of the running server", "Set wal_level to replica.");
    if (found.has("max_slot_wal_keep_size") && found.amount("max_slot_wal_keep_size") < 0) {
        const char* const remedy = "Set it to three times max_wal_size, at most 30 % of the disk.";
        if (facts.slots > 0)
            found.warn("max_slot_wal_keep_size",
                       fmt::format("there are {} slots, and one that nobody reads fills the disk", facts.slots),
                       remedy);
        else
            found.inform("max_slot_wal_keep_size", "a slot that nobody reads would fill the disk", remedy);
    }
    if (facts.replicas > 0 && found.amount("max_wal_senders") <= facts.replicas)
        found.warn("max_wal_senders",
                   fmt::format("{} for {} replicas: no base backup can be taken", found.amount("max_wal_senders"),
                               facts.replicas),
                   "Set it to 10.");
    if (!facts.is_standby && !found.text("synchronous_standby_names").empty() && facts.synchronous_standbys == 0)
        found.error("synchronous_standby_names", "none of the standbys it names is there: every commit waits",
                    "Bring a standby back, or set it to an empty text and reload.");
    if (found.has("wal_sender_timeout") && found.amount("wal_sender_timeout") == 0)
        found.warn("wal_sender_timeout", "a replica that is dead is never given up", "Set it to 60s.");
    if (facts.replicas > 0 && found.is("wal_log_hints", "off") && found.is("data_checksums", "off"))
        found.inform("wal_log_hints", "an old primary cannot be brought back by pg_rewind",
                     "Set it to on, or enable data checksums.");
    if (facts.old_prepared_transactions > 0)
        found.warn("max_prepared_transactions",
                   fmt::format("{} prepared transactions are older than an hour: they hold locks, and VACUUM back",
                               facts.old_prepared_transactions),
                   "COMMIT PREPARED or ROLLBACK PREPARED those of pg_prepared_xacts that nobody will end.");
}

// ---- Planner, parallel work, log -------------------------------------------------------------------------------------

void check_planner(Findings& found) {
    const double random = found.amount("random_page_cost");
    const auto ratio = hit_ratio(found.facts.evidence);
    if (random > 0 && random < found.amount("seq_page_cost"))
        found.warn("random_page_cost", "single pages are taken for cheaper than pages in sequence",
                   "Never less than seq_page_cost.");
    if (ratio && random >= 4 && found.facts.machine.disk != Disk::hdd && *ratio > 0.95)
        found.warn(
            "random_page_cost",
            fmt::format(
                "{:.1f} % of pages were found in memory, and the disk does not turn: indexes are used too seldom",
                *ratio * 100),
            "Set it to 1.1.");
    if (ratio && random > 0 && random <= 1.2 && *ratio < 0.8)
        found.warn("random_page_cost",
                   fmt::format("only {:.0f} % of pages were found in memory: indexes are used too often", *ratio * 100),
                   "Set it to 2.");
    if (found.amount("default_statistics_target") > 500)
        found.warn(
            "default_statistics_target",
            fmt::format("{} for all columns makes ANALYZE and planning slow", found.text("default_statistics_target")),
            "100 to 200, and ALTER TABLE ... SET STATISTICS for columns whose estimates are wrong.");
    if (found.amount("max_parallel_workers") > found.amount("max_worker_processes") &&
        found.has("max_worker_processes"))
        found.warn("max_parallel_workers", "there are fewer worker processes than that",
                   "Raise max_worker_processes, or lower it.");
    if (found.has("max_parallel_workers") &&
        found.amount("max_parallel_workers_per_gather") > found.amount("max_parallel_workers"))
        found.warn("max_parallel_workers_per_gather", "one query may ask for more workers than there may be",
                   "At most max_parallel_workers.");
    if (found.is("log_min_duration_statement", "0"))
        found.warn("log_min_duration_statement", "every statement is logged",
                   "Set it to 1s; steward.queries counts all of them.");
    const auto& clock = found.facts.machine.clock_read_ns;
    if (found.is("track_io_timing", "off") && clock && *clock <= 100)
        found.inform("track_io_timing",
                     fmt::format("nobody sees who waits for the disk; reading the clock takes {:.0f} ns here", *clock),
                     "Set it to on.");
}

// ---- Vacuum ----------------------------------------------------------------------------------------------------------

void check_vacuum(Findings& found) {
    double limit = found.amount("autovacuum_vacuum_cost_limit");
    if (limit < 0) limit = found.amount("vacuum_cost_limit");
    if (limit > 0 && limit <= 200 && found.facts.machine.disk != Disk::hdd)
        found.inform("autovacuum_vacuum_cost_limit",
                     fmt::format("{} is for disks that turn: autovacuum falls behind on busy tables", limit),
                     "Set it to 2000.");
    if (found.amount("autovacuum_vacuum_cost_delay") > 10)
        found.warn(
            "autovacuum_vacuum_cost_delay",
            fmt::format("{}: autovacuum sleeps more than it works", found.shown_value("autovacuum_vacuum_cost_delay")),
            "Set it to 2ms.");
    if (found.amount("autovacuum_freeze_max_age") > 1e9)
        found.warn("autovacuum_freeze_max_age",
                   "more than half of all transaction ids may be used before a table is frozen",
                   "Set it to 200000000.");
    if (found.amount("autovacuum_naptime") > 10 * kMinuteMs)
        found.warn("autovacuum_naptime",
                   fmt::format("databases are looked at once in {}", found.shown_value("autovacuum_naptime")),
                   "Set it to 30s.");
    if (found.amount("autovacuum_vacuum_scale_factor") > 0.4)
        found.warn("autovacuum_vacuum_scale_factor", "tables are vacuumed when nearly half of them is dead",
                   "Set it to 0.1.");
    if (found.amount("autovacuum_max_workers") > 10)
        found.inform("autovacuum_max_workers", "they share one cost limit: more of them are each slower",
                     "Raise autovacuum_vacuum_cost_limit instead.");
}

}  // namespace steward::tune
