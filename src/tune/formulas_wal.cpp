// SPDX-License-Identifier: PostgreSQL
#include <algorithm>

#include "base/text.hpp"
#include "tune/formulas.hpp"

namespace steward::tune {

namespace {

constexpr double kCheckpointSeconds = 900;

double wal_per_second(const Input& input) {
    if (!input.evidence || input.evidence->wal_seconds < 60) return 0;
    return static_cast<double>(input.evidence->wal_bytes) / input.evidence->wal_seconds;
}

std::int64_t profile_wal_size(const Input& input) {
    constexpr std::int64_t kOf[] = {4 * kGB, 8 * kGB, 8 * kGB, 16 * kGB, 2 * kGB};
    return kOf[static_cast<int>(input.workload.profile)];
}

std::string why_wal_size(const Input& input) {
    const double needed = 3 * wal_per_second(input) * kCheckpointSeconds;
    const bool is_by_rate = needed > static_cast<double>(profile_wal_size(input));
    std::string why =
        is_by_rate
            ? fmt::format("Three times what this server writes in the 15 minutes between checkpoints ({} a second).",
                          rough_memory(wal_per_second(input)))
            : std::string(
                  "Checkpoints come by the clock and not because this is full: fewer whole pages are written to WAL.");
    if (input.machine.wal_disk_bytes)
        why += fmt::format(" At most a fifth of its disk of {}.",
                           rough_memory(static_cast<double>(*input.machine.wal_disk_bytes)));
    why += " Recovery after a crash replays up to this much.";
    if (!input.evidence) return why;
    const std::int64_t all = input.evidence->timed_checkpoints + input.evidence->requested_checkpoints;
    if (all > 0)
        why += fmt::format(" {} of {} checkpoints so far were requested, for WAL or by hand.",
                           input.evidence->requested_checkpoints, all);
    return why;
}

}  // namespace

std::int64_t max_wal_size_of(const Input& input) {
    constexpr std::int64_t kLeast = 128 * kMB;  // four segments for each end
    constexpr double kMost = 256.0 * kGB;
    const double needed = std::min(3 * wal_per_second(input) * kCheckpointSeconds, kMost);
    std::int64_t size = std::max(profile_wal_size(input), static_cast<std::int64_t>(needed));
    if (input.machine.wal_disk_bytes) size = std::min(size, *input.machine.wal_disk_bytes / 5);
    // Whole segments, as the server counts them.
    return std::max(kLeast, rounded_down(size) / (64 * kMB) * (64 * kMB));
}

void add_wal(Rows& rows) {
    rows.under("Write-ahead log and checkpoints");
    const std::int64_t wal_size = max_wal_size_of(rows.input);
    const bool is_desktop = rows.has(Profile::desktop);
    rows.set("wal_level", rows.input.workload.has_logical_replication ? "logical" : "replica", Severity::warning,
             rows.input.workload.has_logical_replication ? "Logical replication needs it."
                                                         : "Replicas and backups need it; logical costs more WAL.");
    rows.set("max_wal_size", memory_text(wal_size), Severity::warning, why_wal_size(rows.input));
    rows.set("min_wal_size", memory_text(std::max(80 * kMB, wal_size / 4)), Severity::info,
             "A quarter of max_wal_size is kept for reuse, so that a burst need not make new files.");
    rows.set("checkpoint_timeout", is_desktop ? "5min" : "15min", Severity::info,
             is_desktop ? "The default: a short recovery."
                        : "Each page is written to WAL in full once a checkpoint; recovery may take longer.");
    rows.set("checkpoint_completion_target", "0.9", Severity::info,
             "Writes are spread over the time between checkpoints; the default from version 14 on.");
    // Elsewhere the server's own choice is right: a thirty-second of shared_buffers, at most 16MB.
    if (!rows.has(Profile::web) && !is_desktop && rows.memory.shared_buffers >= 2 * kGB)
        rows.set("wal_buffers", memory_text(std::min(64 * kMB, rows.memory.shared_buffers / 32)), Severity::info,
                 "Above the 16MB the server takes by itself: room for many that write at once.");
    const bool has_lz4 = rows.from(15) && rows.input.build.has_lz4;
    rows.set("wal_compression", has_lz4 ? "lz4" : "on", Severity::info,
             has_lz4 ? "Whole pages are written in a third of the room at little cost."
                     : "Whole pages are written in a third of the room; pglz costs some of a processor.");
    if (rows.from(14) && rows.input.build.has_lz4)
        rows.set("default_toast_compression", "lz4", Severity::info,
                 "Compresses and expands large values faster than pglz does.");
}

// ---- Replication -----------------------------------------------------------------------------------------------------

namespace {

void add_archive(Rows& rows) {
    const std::string& command = rows.input.workload.archive_command;
    const bool has_library = rows.input.workload.has_archive_library;
    if (command.empty() && !has_library) {
        rows.set("archive_mode", "off", Severity::info,
                 "On without a command that works, it keeps all WAL until the disk is full. Name the command of your "
                 "backup program "
                 "(option archive_command) and it is on.");
        return;
    }
    rows.set("archive_mode", rows.input.workload.archive_mode, Severity::warning,
             "A backup can be brought up to any moment.");
    if (!has_library)
        rows.set("archive_command", command, Severity::warning, "As given. It must fail when the file is not safe.");
}

}  // namespace

void add_replication(Rows& rows) {
    rows.under("Replication and archive");
    const int replicas = rows.input.workload.replicas;
    const int senders = std::max(10, 2 * replicas + 4);
    rows.set("max_wal_senders", senders, Severity::warning,
             "The default is 10; fewer save nothing, a base backup takes two, and a standby with fewer than its "
             "primary does not start.");
    rows.set("max_replication_slots", senders, Severity::info, "As many as senders.");
    const std::int64_t wal_size = max_wal_size_of(rows.input);
    const auto& disk = rows.input.machine.wal_disk_bytes;
    std::int64_t kept_for_slots = 3 * wal_size;
    if (disk) kept_for_slots = std::min(kept_for_slots, rounded_down(*disk / 10 * 3) / kMB * kMB);
    rows.set(
        "max_slot_wal_keep_size", memory_text(kept_for_slots), Severity::warning,
        "Three times max_wal_size, at most 30 % of the disk: a replica that is gone for good does not fill the disk.");
    if (rows.from(18))
        rows.set("idle_replication_slot_timeout", "7d", Severity::info,
                 "A slot nobody has used for a week keeps WAL no longer.");
    add_archive(rows);
    rows.set("hot_standby", "on", Severity::info, "Standbys answer queries; the default.");
    if (replicas == 0) return;
    const std::int64_t keep = disk ? std::min(2 * kGB, rounded_down(*disk / 20) / kMB * kMB) : 2 * kGB;
    rows.set("wal_keep_size", memory_text(keep), Severity::warning,
             "What a standby without a slot may be behind; at most 5 % of the disk.");
    rows.set("hot_standby_feedback", "on", Severity::info,
             "Queries on a standby are not cancelled for rows that VACUUM has removed; long ones hold VACUUM back on "
             "the primary.");
    const bool may_lack_checksums = rows.input.build.has_checksums ? !*rows.input.build.has_checksums : !rows.from(18);
    if (may_lack_checksums)
        rows.set(
            "wal_log_hints", "on", Severity::info,
            "pg_rewind needs it where data checksums are off: an old primary comes back without a copy of everything.");
}

}  // namespace steward::tune
