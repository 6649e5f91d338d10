// SPDX-License-Identifier: PostgreSQL
#include "capture/counters.hpp"

#include <cmath>

namespace steward::capture {

double mean_ns(const Counters& counters) noexcept {
    std::int64_t calls = counters.sums[kCalls];
    return calls == 0 ? 0 : static_cast<double>(counters.sums[kTotalNs]) / static_cast<double>(calls);
}

double stddev_ns(const Counters& counters) noexcept {
    auto calls = static_cast<double>(counters.sums[kCalls]);
    if (calls < 1) return 0;
    double mean_micros = mean_ns(counters) / 1000;
    return 1000 * std::sqrt(std::max(counters.squares / calls - mean_micros * mean_micros, 0.0));
}

std::int64_t cpu_time_ns(const Counters& counters) noexcept {
    std::int64_t sampled = counters.sums[kSampledNs];
    if (sampled <= 0) return 0;
    double part = static_cast<double>(counters.sums[kCpuNs]) / static_cast<double>(sampled);
    return static_cast<std::int64_t>(part * static_cast<double>(counters.sums[kTotalNs]));
}

}  // namespace steward::capture
