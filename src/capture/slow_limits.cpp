// SPDX-License-Identifier: PostgreSQL
#include "capture/slow_limits.hpp"

#include <algorithm>

#include "capture/counters.hpp"

namespace steward::capture {

std::uint64_t name_hash(std::string_view name) noexcept {
    std::uint64_t hash = name.size();
    for (char c : name) hash = mix(hash * 31 + static_cast<unsigned char>(c));
    return hash;
}

Thresholds thresholds_by(const SlowLimit* limits, int count, std::uint64_t queryid, std::uint64_t application,
                         Thresholds as_set) noexcept {
    Thresholds of_application{kAsSet, kAsSet, false};
    Thresholds own = of_application;
    for (int i = 0; i < count; ++i) {
        const SlowLimit& limit = limits[i];
        if (limit.subject != (limit.is_of_query ? queryid : application)) continue;
        (limit.is_of_query ? own : of_application) = {limit.slow_ms, limit.critical_ms, true};
    }
    for (const Thresholds& next : {of_application, as_set}) {
        if (own.slow_ms == kAsSet) own.slow_ms = next.slow_ms;
        if (own.critical_ms == kAsSet) own.critical_ms = next.critical_ms;
        own.are_own |= next.are_own;
    }
    return own;
}

int SlowLimits::replace(std::uint32_t database, const SlowLimit* limits, int count) noexcept {
    SlowLimit* kept =
        std::remove_if(limits_, limits_ + count_, [&](const SlowLimit& limit) { return limit.database == database; });
    auto others = static_cast<int>(kept - limits_);
    if (others == count_ && count == 0) return 0;
    int placed = std::min(count, kMost - others);
    std::copy(limits, limits + placed, kept);
    count_ = others + placed;
    changes_.store(changes() + 1, std::memory_order_release);
    return placed;
}

int SlowLimits::copy(std::uint32_t database, SlowLimit* to) const noexcept {
    SlowLimit* end =
        std::copy_if(limits_, limits_ + count_, to, [&](const SlowLimit& limit) { return limit.database == database; });
    return static_cast<int>(end - to);
}

}  // namespace steward::capture
