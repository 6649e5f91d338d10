// SPDX-License-Identifier: PostgreSQL
#include "route/strategy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/text.hpp"

namespace steward::route {

namespace {

constexpr std::pair<const char*, Strategy> kStrategies[] = {{"balanced", Strategy::balanced},
                                                            {"nearest", Strategy::nearest},
                                                            {"least_lag", Strategy::least_lag},
                                                            {"primary_only", Strategy::primary_only},
                                                            {"round_robin", Strategy::round_robin}};

// ---- Assignments: the upper half is the count in 65536ths, the lower one the moment in 1024ths of a second -----------------

constexpr double kOne = 65536;
constexpr std::int64_t kTick = 977;
constexpr double kMostCount = 65535;

constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();

std::uint32_t tick_of(Steady now) noexcept { return static_cast<std::uint32_t>(now.micros / kTick); }

double decayed(std::uint64_t packed, Steady now) noexcept {
    const double count = static_cast<double>(packed >> 32U) / kOne;
    if (count == 0) return 0;
    // The clock wraps after weeks: what is that old counts once more for seconds. One that is a little behind is now.
    const auto ticks = static_cast<std::int32_t>(tick_of(now) - static_cast<std::uint32_t>(packed));
    const double age = static_cast<double>(std::max(ticks, 0)) * kTick;
    return count * std::exp2(-age / static_cast<double>(kAssignmentHalfLife));
}

// ---- Drawing ---------------------------------------------------------------------------------------------------------

std::uint64_t next(std::uint64_t& state) noexcept {
    state += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
}

std::size_t place_at(const std::vector<std::uint64_t>& sums, std::uint64_t point) noexcept {
    return static_cast<std::size_t>(std::upper_bound(sums.begin(), sums.end(), point) - sums.begin());
}

template <class Key>
void sort_by(std::vector<Contender>& contenders, Key key) {
    std::stable_sort(contenders.begin(), contenders.end(),
                     [&](const Contender& a, const Contender& b) { return key(a) < key(b); });
}

}  // namespace

base::Result<Strategy> parse_strategy(std::string_view name) {
    for (const auto& [known, strategy] : kStrategies)
        if (name == known) return strategy;
    return base::Failure{base::kInvalidParameter, fmt::format("unknown strategy \"{}\"", name), "",
                         "Strategies are balanced, nearest, least_lag, primary_only and round_robin."};
}

double Assignments::count(Steady now) const noexcept { return decayed(packed_.load(std::memory_order_relaxed), now); }

void Assignments::add(Steady now) noexcept {
    std::uint64_t known = packed_.load(std::memory_order_relaxed);
    for (;;) {
        const double count = std::min(decayed(known, now) + 1, kMostCount);
        const std::uint64_t changed = (static_cast<std::uint64_t>(count * kOne) << 32U) | tick_of(now);
        if (packed_.compare_exchange_weak(known, changed, std::memory_order_relaxed)) return;
    }
}

double score_of(double load, int weight, double lag_share) noexcept {
    constexpr double kLagWeight = 0.25;
    return load * kUsualWeight / weight + kLagWeight * lag_share;
}

int tier_of(const Contender& contender) noexcept {
    return contender.load >= kFullLoad ? 2 : contender.is_in_zone ? 0 : 1;
}

bool is_better(const Contender& one, const Contender& other) noexcept {
    return std::make_pair(tier_of(one), one.score) < std::make_pair(tier_of(other), other.score);
}

void sort(std::vector<Contender>& contenders, Strategy strategy) {
    switch (strategy) {
    case Strategy::balanced: std::stable_sort(contenders.begin(), contenders.end(), is_better); break;
    case Strategy::nearest:
        sort_by(contenders, [](const Contender& c) { return std::make_pair(!c.is_in_zone, c.round_trip); });
        break;
    case Strategy::least_lag:
        sort_by(contenders,
                [](const Contender& c) { return std::make_pair(c.lag_micros.value_or(kFar), c.lag_bytes); });
        break;
    case Strategy::primary_only:
    case Strategy::round_robin: break;
    }
}

std::pair<std::size_t, std::size_t> draw_two(const std::vector<std::uint64_t>& sums, std::uint64_t random) noexcept {
    const std::size_t one = place_at(sums, next(random) % sums.back());
    const std::uint64_t before = one == 0 ? 0 : sums[one - 1];
    const std::uint64_t weight = sums[one] - before;
    // As if the first were not among them.
    const std::uint64_t point = next(random) % (sums.back() - weight);
    return {one, place_at(sums, point < before ? point : point + weight)};
}

}  // namespace steward::route
