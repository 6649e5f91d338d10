// SPDX-License-Identifier: PostgreSQL
#include "maintain/throttle.hpp"

#include <algorithm>

namespace steward::maintain {

namespace {

// Of all processors together, when each has work of its own.
constexpr double kShareWhenBusy = 0.05;
// Up to this much of the machine in use nobody notices another process.
constexpr double kIdleUse = 0.25;
// The lag from which on maintenance goes slower, as a share of the lag from which on it waits.
constexpr double kLagInSight = 0.25;

double share_beside_sessions(const Load& load) {
    const double processors = std::max(load.processors, 1);
    const double use = load.busy_sessions / processors;
    const double when_busy = std::min(kShareWhenBusy * processors, 1.0);
    if (use <= kIdleUse) return 1;
    if (use >= 1) return when_busy;
    return 1 - (1 - when_busy) * (use - kIdleUse) / (1 - kIdleUse);
}

}  // namespace

double allowed_share(const Load& load, const Tolerance& tolerance) {
    double share = share_beside_sessions(load);
    if (!load.lag_bytes || tolerance.lag_bytes <= 0) return share;
    const double lag = static_cast<double>(*load.lag_bytes) / static_cast<double>(tolerance.lag_bytes);
    if (lag >= 1) return 0;
    if (lag > kLagInSight) share *= (1 - lag) / (1 - kLagInSight);
    return share;
}

double next_delay_ms(double delay_ms, double used_share, double allowed_share) {
    if (allowed_share <= 0) return kMostDelayMs;
    if (allowed_share >= 1) return 0;
    // Twice as much as allowed: twice the delay; changes by more than that at once would overshoot.
    const double step = std::clamp(used_share / allowed_share, 0.5, 2.0);
    return std::clamp(std::max(delay_ms, kLeastDelayMs) * step, kLeastDelayMs, kMostDelayMs);
}

}  // namespace steward::maintain
