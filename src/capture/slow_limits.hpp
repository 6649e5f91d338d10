// SPDX-License-Identifier: PostgreSQL
//
// What applications and queries of their own are slow by, in place of the settings: rows of steward.slow_thresholds. All
// databases share one room in shared memory; a session keeps a copy of those of its own, as long as none changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "capture/slow_rule.hpp"

namespace steward::capture {

// In a row: as the settings say.
inline constexpr int kAsSet = -2;

struct SlowLimit {
    std::uint32_t database;
    bool is_of_query;       // or of an application
    std::uint64_t subject;  // the query's id, or the hash of the application's name
    std::int32_t slow_ms;   // -1: none is slow
    std::int32_t critical_ms;
};

std::uint64_t name_hash(std::string_view name) noexcept;

// In milliseconds; -1: never.
struct Thresholds {
    int slow_ms;
    int critical_ms;
    bool are_own;  // not what the settings say

    std::uint64_t after_ns() const noexcept { return std::min(nanos_of(slow_ms), nanos_of(critical_ms)); }
};

// Of a query in an application: its own row comes first, then that of the application, then what is set.
Thresholds thresholds_by(const SlowLimit* limits, int count, std::uint64_t queryid, std::uint64_t application,
                         Thresholds as_set) noexcept;

// In shared memory. Whoever reads or changes them holds their lock.
class SlowLimits {
public:
    static constexpr int kMost = 1000;

    // In place of those that the database had. How many found room.
    int replace(std::uint32_t database, const SlowLimit* limits, int count) noexcept;
    int copy(std::uint32_t database, SlowLimit* to) const noexcept;
    int count() const noexcept { return count_; }

    // Without the lock: another number when any has changed.
    std::uint64_t changes() const noexcept { return changes_.load(std::memory_order_acquire); }

private:
    std::atomic<std::uint64_t> changes_ = 0;
    int count_ = 0;
    SlowLimit limits_[kMost];
};

}  // namespace steward::capture
