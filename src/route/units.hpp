// SPDX-License-Identifier: PostgreSQL
//
// What positions in the WAL and moments are counted in. Steady is the monotonic clock of one machine: nothing in this room
// compares the wall clocks of two.
#pragma once

#include <compare>
#include <cstdint>

namespace steward::route {

struct Lsn {
    std::uint64_t value = 0;
    auto operator<=>(const Lsn&) const = default;
    bool is_valid() const noexcept { return value != 0; }
};

struct Steady {
    std::int64_t micros = 0;
    auto operator<=>(const Steady&) const = default;
};

constexpr std::int64_t operator-(Steady later, Steady earlier) noexcept { return later.micros - earlier.micros; }
constexpr Steady operator+(Steady at, std::int64_t micros) noexcept { return {at.micros + micros}; }

}  // namespace steward::route
