// SPDX-License-Identifier: PostgreSQL
//
// Clocks that are not set: for how long something takes. What time it is says pg::now().
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <limits>

namespace steward::pg {

inline std::int64_t clock_ns(clockid_t clock) noexcept {
    timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
inline std::int64_t clock_micros(clockid_t clock) noexcept { return clock_ns(clock) / 1000; }

// Of this machine, since whenever.
inline std::int64_t steady_micros() noexcept { return clock_micros(CLOCK_MONOTONIC); }

// What it costs to read a clock: the least of some tries, as others are interrupted.
inline std::int64_t cost_of_reading_ns(clockid_t clock) noexcept {
    constexpr int kTries = 32;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (int i = 0; i < kTries; ++i) {
        const std::int64_t before = clock_ns(clock);
        least = std::min(least, clock_ns(clock) - before);
    }
    return least;
}

}  // namespace steward::pg
