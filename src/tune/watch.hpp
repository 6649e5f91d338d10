// SPDX-License-Identifier: PostgreSQL
//
// Whether what has been applied made queries slower: the same queries before and after, each by the time that 95 % of its
// calls do not pass.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/histogram.hpp"

namespace steward::tune {

// Of fewer calls, on either side, the slowest twentieth says nothing.
inline constexpr std::int64_t kEnoughCalls = 30;
// Of all queries together, after the change.
inline constexpr std::int64_t kEnoughCallsOfAll = 100;
// More than one bucket of the histogram: a smaller ratio may be none.
inline constexpr double kSlower = 1.3;
// And three quarters of the calls are of queries at least so much slower: not some of them in the weather of the day.
inline constexpr double kSlowerMostly = 1.1;
// A smaller difference is none, whatever the ratio.
inline constexpr std::int64_t kNoDifferenceNs = 100'000;

struct WatchedQuery {
    capture::Histogram before;
    capture::Histogram after;
};

enum class Decision { kept, reverted, undecided };
std::string_view name_of(Decision decision);

struct Judgement {
    Decision decision = Decision::undecided;
    int queries = 0;  // with enough calls on both sides
    std::int64_t calls_before = 0;
    std::int64_t calls_after = 0;
    double ratio = 1;  // the median over the calls: after, of before
    std::string detail;
};

Judgement judge(const std::vector<WatchedQuery>& queries);

}  // namespace steward::tune
