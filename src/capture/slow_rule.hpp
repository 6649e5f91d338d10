// SPDX-License-Identifier: PostgreSQL
//
// From which duration on a statement is slow: as settings say, and for its own query. Nanoseconds; kNever: none is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "capture/histogram.hpp"

namespace steward::capture {

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

// -1: never.
constexpr std::uint64_t nanos_of(int millis) noexcept {
    return millis < 0 ? kNever : static_cast<std::uint64_t>(millis) * 1'000'000;
}

struct RelativeRule {
    double factor;  // of the 99th percentile; 0: never
    int floor_ms;
};

// Before, nobody knows how long a query takes.
inline constexpr std::int64_t kFewestCalls = 100;

inline std::uint64_t relative_threshold(const RelativeRule& rule, std::int64_t calls,
                                        const Histogram& histogram) noexcept {
    if (rule.factor <= 0 || calls < kFewestCalls) return kNever;
    double usual = static_cast<double>(percentiles_of(histogram, std::array{0.99})[0]) * rule.factor;
    if (usual <= 0 || usual >= 1e18) return kNever;
    return std::max(static_cast<std::uint64_t>(usual), nanos_of(rule.floor_ms));
}

}  // namespace steward::capture
