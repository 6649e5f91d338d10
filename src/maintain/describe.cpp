// SPDX-License-Identifier: PostgreSQL
#include "maintain/describe.hpp"

#include <algorithm>
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

// The table or its TOAST table, whichever is further on its way.
template <class Progress>
const HeapFacts& worse(const TableFacts& table, Progress progress) {
    return table.toast && progress(*table.toast) > progress(table) ? *table.toast : table;
}

bool is_toast(const TableFacts& table, const HeapFacts& heap) { return table.toast && heap.id == table.toast->id; }

const char* in_toast(const TableFacts& table, const HeapFacts& heap) {
    return is_toast(table, heap) ? " in its TOAST table" : "";
}

double ratio(double count, double threshold) { return count / std::max(threshold, 1.0); }

}  // namespace

std::string freeze_reason(const TableFacts& table, const Score& score) {
    const bool is_multixact = score.multixact > score.freeze;
    auto age = [&](const HeapFacts& heap) { return is_multixact ? heap.multixact_age : heap.xid_age; };
    auto limit = [&](const HeapFacts& heap) {
        return is_multixact ? heap.thresholds.multixact_freeze_max_age : heap.thresholds.freeze_max_age;
    };
    const HeapFacts& heap = worse(table, [&](const HeapFacts& one) {
        return ratio(static_cast<double>(age(one)), static_cast<double>(limit(one)));
    });
    return fmt::format("{} oldest {}{} is {} old, a vacuum is forced at {}", is_toast(table, heap) ? "the" : "its",
                       is_multixact ? "multixact" : "transaction", is_toast(table, heap) ? " of its TOAST table" : "",
                       pretty_count(static_cast<double>(age(heap))), pretty_count(static_cast<double>(limit(heap))));
}

std::string vacuum_reason(const TableFacts& table, const Score& score) {
    if (score.dead >= score.inserted) {
        const HeapFacts& heap =
            worse(table, [](const HeapFacts& one) { return ratio(one.changes.dead, dead_threshold(one)); });
        return against(heap.changes.dead, fmt::format("dead rows{}", in_toast(table, heap)).c_str(),
                       dead_threshold(heap)) +
               remembered(heap.remembered.dead);
    }
    const HeapFacts& heap =
        worse(table, [](const HeapFacts& one) { return ratio(one.changes.inserted, insert_threshold(one)); });
    return against(heap.changes.inserted,
                   fmt::format("rows inserted{} since its last vacuum", in_toast(table, heap)).c_str(),
                   insert_threshold(heap)) +
           remembered(heap.remembered.inserted);
}

std::string analyze_reason(const TableFacts& table) {
    if (!table.has_statistics) return "the planner has no statistics of it";
    if (table.kind == TableFacts::Kind::partitioned)
        return fmt::format(
            "{} rows changed in its partitions since its last analyse, which is due at {}; autovacuum never does it",
            pretty_count(table.changes.modified), pretty_count(analyze_threshold(table)));
    return against(table.changes.modified, "rows changed since its last analyse", analyze_threshold(table)) +
           remembered(table.remembered.modified);
}

std::string reindex_reason(const IndexFacts& index) {
    if (!index.is_valid) return "it is invalid: no query uses it, and every write keeps it up";
    return fmt::format("{:.0f} to {:.0f} % of its {} would be freed", 100 * index.bloat_low.value_or(0),
                       100 * index.bloat_high.value_or(1), pretty_bytes(index.bytes));
}

std::string leftover_reason() {
    return "an interrupted REINDEX CONCURRENTLY left it behind: no query uses it, and every write keeps it up";
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
    if (seconds < 1) return fmt::format("{:.2g} s", seconds);
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
