// SPDX-License-Identifier: PostgreSQL
#include "maintain/throttle.hpp"

#include <algorithm>
#include <sstream>
#include <string>

namespace steward::maintain {

namespace {

// Of all processors together, when each has work of its own.
constexpr double kShareWhenBusy = 0.05;
// What must be free of a processor for a step that cannot be slowed down.
constexpr double kShareForUnthrottled = 0.5;
// What a VACUUM works before it is to sleep once (kCostLimit).
constexpr double kUsualWorkMs = 1;
// Of all processors together: while so much is idle nobody has to wait for one.
constexpr double kIdleWanted = 0.1;
// So much work of kCostLimit each is done between two sleeps, while these stay below kMostDelayMs.
constexpr double kMostAtOnce = 10;
// The lag from which on maintenance goes slower, as a share of the lag from which on it waits.
constexpr double kLagInSight = 0.25;

// What nobody else wants, but for what is to stay idle.
double share_beside_load(const Load& load, const Tolerance& tolerance) {
    if (tolerance.load <= 0) return 1;
    const int processors = std::max(load.processors, 1);
    const double least = std::min(kShareWhenBusy * processors, 1.0);
    return std::clamp((tolerance.load - use_of(load) - kIdleWanted) * processors, least, 1.0);
}

double share_beside_replicas(const Load& load, const Tolerance& tolerance) {
    if (!load.lag_bytes || tolerance.lag_bytes <= 0) return 1;
    const double lag = static_cast<double>(*load.lag_bytes) / static_cast<double>(tolerance.lag_bytes);
    if (lag >= 1) return 0;
    return lag > kLagInSight ? (1 - lag) / (1 - kLagInSight) : 1;
}

}  // namespace

std::optional<ProcessorTimes> parse_processor_times(std::string_view text) {
    std::istringstream line{std::string(text.substr(0, text.find('\n')))};
    std::string name;
    line >> name;
    if (name != "cpu") return std::nullopt;
    ProcessorTimes times;
    int column = 0;
    for (double value = 0; column < 8 && line >> value; ++column) {
        const bool is_idle = column == 3 || column == 4;
        times.total += value;
        if (!is_idle) times.busy += value;
    }
    if (column < 5) return std::nullopt;
    return times;
}

double wanted_by_others(double busy, double own, int processors) {
    const double idle = std::max(processors - busy, 0.0);
    return std::max(busy - own * std::min(idle / (kIdleWanted * processors), 1.0), 0.0);
}

double use_of(const Load& load) {
    return std::max(load.busy_sessions, load.busy_processors) / std::max(load.processors, 1);
}

double allowed_share(const Load& load, const Tolerance& tolerance) {
    return share_beside_load(load, tolerance) * share_beside_replicas(load, tolerance);
}

bool may_begin(double allowed_share) { return allowed_share >= kLeastShare; }

bool may_begin_unthrottled(const Load& load, const Tolerance& tolerance) {
    if (allowed_share(load, tolerance) < kShareForUnthrottled) return false;
    return tolerance.load <= 0 || use_of(load) < tolerance.load;
}

bool is_for_replicas(const Load& load, const Tolerance& tolerance) {
    return share_beside_replicas(load, tolerance) < share_beside_load(load, tolerance);
}

double next_delay_ms(double delay_ms, double used_share, double allowed_share) {
    if (allowed_share <= 0) return kMostDelayMs;
    if (allowed_share >= 1) return 0;
    // From full speed on: by what most machines do between two delays.
    if (delay_ms <= 0) return std::clamp(kUsualWorkMs * (1 / allowed_share - 1), kLeastDelayMs, kMostDelayMs);
    // Twice as much as allowed: twice the delay. It falls slowly, so that it does not swing.
    const double step = std::clamp(used_share / allowed_share, 0.7, 3.0);
    return std::clamp(delay_ms * step, kLeastDelayMs, kMostDelayMs);
}

Pace pace_of(double delay_ms) {
    const double at_once = std::clamp(kMostDelayMs / delay_ms, 1.0, kMostAtOnce);
    return {delay_ms * at_once, static_cast<int>(kCostLimit * at_once)};
}

}  // namespace steward::maintain
