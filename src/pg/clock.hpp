// SPDX-License-Identifier: PostgreSQL
//
// Clocks that are not set: for how long something takes. What time it is says pg::now().
#pragma once

#include <cstdint>
#include <ctime>

namespace steward::pg {

inline std::int64_t clock_micros(clockid_t clock) noexcept {
    timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// Of this machine, since whenever.
inline std::int64_t steady_micros() noexcept { return clock_micros(CLOCK_MONOTONIC); }

}  // namespace steward::pg
