// SPDX-License-Identifier: PostgreSQL
#include "maintain/describe.hpp"

#include <array>
#include <cmath>

#include "base/text.hpp"

namespace steward::maintain {

namespace {

std::string against(double count, const char* what, double threshold) {
    return fmt::format("{} {}, autovacuum waits for {}", pretty_count(count), what, pretty_count(threshold));
}

// What the server lost is told, since nobody finds it in its views.
std::string remembered(double count) {
    if (count <= 0) return "";
    return fmt::format(" ({} of them from before the server lost its counters)", pretty_count(count));
}

}  // namespace

std::string freeze_reason(const TableFacts& table, const Score& score) {
    const bool is_multixact = score.multixact > score.freeze;
    const double age = static_cast<double>(is_multixact ? table.multixact_age : table.xid_age);
    const double limit =
        static_cast<double>(is_multixact ? table.thresholds.multixact_freeze_max_age : table.thresholds.freeze_max_age);
    return fmt::format("its oldest {} is {} old, a vacuum is forced at {}", is_multixact ? "multixact" : "transaction",
                       pretty_count(age), pretty_count(limit));
}

std::string vacuum_reason(const TableFacts& table, const Score& score) {
    if (score.dead >= score.inserted)
        return against(table.changes.dead, "dead rows", dead_threshold(table)) + remembered(table.remembered.dead);
    return against(table.changes.inserted, "rows inserted since its last vacuum", insert_threshold(table)) +
           remembered(table.remembered.inserted);
}

std::string analyze_reason(const TableFacts& table) {
    if (!table.has_statistics) return "the planner has no statistics of it";
    return against(table.changes.modified, "rows changed since its last analyse", analyze_threshold(table)) +
           remembered(table.remembered.modified);
}

std::string reindex_reason(const IndexFacts& index) {
    if (!index.is_valid) return "it is invalid: no query uses it, and every write keeps it up";
    return fmt::format("{:.0f} to {:.0f} % of its {} would be freed", 100 * index.bloat_low.value_or(0),
                       100 * index.bloat_high.value_or(1), pretty_bytes(index.bytes));
}

std::string pretty_bytes(std::int64_t bytes) {
    constexpr std::array<const char*, 5> kUnits{"bytes", "kB", "MB", "GB", "TB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (std::abs(value) >= 10 * 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.0f} {}", value, kUnits.at(unit));
}

std::string pretty_seconds(double seconds) {
    if (seconds < 60) return fmt::format("{:.0f} s", seconds);
    const auto minutes = static_cast<std::int64_t>(std::llround(seconds / 60));
    if (minutes < 60) return fmt::format("{} min", minutes);
    return minutes % 60 == 0 ? fmt::format("{} h", minutes / 60)
                             : fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

std::string pretty_count(double count) {
    const std::string digits = fmt::format("{:.0f}", std::abs(count));
    std::string grouped = count < 0 ? "-" : "";
    for (std::size_t at = 0; at < digits.size(); ++at) {
        if (at > 0 && (digits.size() - at) % 3 == 0) grouped += ',';
        grouped += digits[at];
    }
    return grouped;
}

}  // namespace steward::maintain
