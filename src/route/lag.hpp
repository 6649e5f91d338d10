// SPDX-License-Identifier: PostgreSQL
//
// How far a standby is behind, from what is known of it and of its primary, and how sure that is.
#pragma once

#include <cstdint>
#include <optional>

#include "route/units.hpp"

namespace steward::route {

enum class LagKind : std::uint8_t { exact, upper_bound, unknown };
const char* name_of(LagKind kind) noexcept;

struct Lag {
    std::optional<std::uint64_t> bytes;
    std::optional<std::int64_t> micros;
    LagKind kind = LagKind::unknown;
};

// The primary had flushed so much, at least, at this moment of ours.
struct Horizon {
    Lsn flushed;
    Steady at;
    bool is_known = false;
};

// The oldest WAL behind `replayed` was so old, by the primary's clock, at this moment of ours.
struct Measured {
    Lsn replayed;
    std::int64_t age = 0;
    Steady at;
    bool is_known = false;
};

// The standby had replayed so much at this moment of ours.
struct Position {
    Lsn replayed;
    Steady at;
};

// What is younger than `fresh_for` counts as it was then. What is older may have changed since: the lag is then what it is at
// most, and grows.
Lag lag_of(const Position& position, const Horizon& horizon, const Measured& measured, Steady now,
           std::int64_t fresh_for) noexcept;

}  // namespace steward::route
