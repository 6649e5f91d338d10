// SPDX-License-Identifier: PostgreSQL
#include "route/lag.hpp"

#include <algorithm>

namespace steward::route {

const char* name_of(LagKind kind) noexcept {
    switch (kind) {
    case LagKind::exact: return "exact";
    case LagKind::upper_bound: return "upper_bound";
    case LagKind::unknown: break;
    }
    return "unknown";
}

Lag lag_of(const Position& position, const Horizon& horizon, const Measured& measured, Steady now,
           std::int64_t fresh_for) noexcept {
    Lag lag;
    if (!horizon.is_known || !position.replayed.is_valid()) return lag;
    const bool is_position_fresh = now - position.at <= fresh_for;
    if (position.replayed >= horizon.flushed) {
        // All there was then has been replayed: only what came since can be missing.
        const bool is_horizon_fresh = now - horizon.at <= fresh_for;
        lag.bytes = 0;
        lag.micros = is_horizon_fresh ? 0 : now - horizon.at;
        lag.kind = is_horizon_fresh && is_position_fresh ? LagKind::exact : LagKind::upper_bound;
        return lag;
    }
    lag.bytes = horizon.flushed.value - position.replayed.value;
    // Another history, or nobody who could say.
    if (!measured.is_known || measured.replayed > position.replayed) return lag;
    const bool is_fresh = is_position_fresh && now - measured.at <= fresh_for;
    const Steady as_of = is_fresh ? position.at : now;
    lag.micros = std::max<std::int64_t>(measured.age + (as_of - measured.at), 0);
    lag.kind = is_fresh && measured.replayed == position.replayed ? LagKind::exact : LagKind::upper_bound;
    return lag;
}

}  // namespace steward::route
