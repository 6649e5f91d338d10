// SPDX-License-Identifier: PostgreSQL
#include "route/strategy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
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

// One of its zone, else of another, else one that is full.
int tier_of(const Contender& contender) noexcept {
    return contender.load >= kFullLoad ? 2 : contender.is_in_zone ? 0 : 1;
}

// By weight, one of the tier that is not `but`; `sum` is the weight of them all.
std::size_t draw(const std::vector<Contender>& contenders, int tier, std::size_t but, std::uint64_t sum,
                 std::uint64_t& state) {
    std::uint64_t point = next(state) % sum;
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        if (i == but || tier_of(contenders[i]) != tier) continue;
        const auto weight = static_cast<std::uint64_t>(contenders[i].weight);
        if (point < weight) return i;
        point -= weight;
    }
    return 0;
}

// The places from `first` on, up to `wanted`; equal ones stay in the order of their names.
template <class Key>
void sort_by(std::vector<int>& places, const std::vector<Contender>& contenders, std::size_t first, std::size_t wanted,
             Key key) {
    const auto begin = places.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(std::max(first, wanted));
    std::partial_sort(begin, end, places.end(), [&](int a, int b) {
        const auto one = key(contenders[static_cast<std::size_t>(a)]);
        const auto other = key(contenders[static_cast<std::size_t>(b)]);
        return one < other || (!(other < one) && a < b);
    });
}

void balance(std::vector<int>& places, const std::vector<Contender>& contenders, std::size_t wanted,
             std::uint64_t random) {
    const auto key = [](const Contender& c) { return std::make_pair(tier_of(c), c.score); };
    int best = tier_of(contenders.front());
    for (const Contender& contender : contenders) best = std::min(best, tier_of(contender));
    std::uint64_t sum = 0;
    int count = 0;
    for (const Contender& contender : contenders) {
        if (tier_of(contender) != best) continue;
        sum += static_cast<std::uint64_t>(contender.weight);
        ++count;
    }
    if (count < 2) return sort_by(places, contenders, 0, wanted, key);
    const std::size_t one = draw(contenders, best, contenders.size(), sum, random);
    const std::uint64_t rest = sum - static_cast<std::uint64_t>(contenders[one].weight);
    const std::size_t other = draw(contenders, best, one, rest, random);
    std::swap(places.front(), places[contenders[other].score < contenders[one].score ? other : one]);
    sort_by(places, contenders, 1, wanted, key);
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

std::vector<int> order(const std::vector<Contender>& contenders, std::size_t wanted, Strategy strategy,
                       std::uint64_t random, std::uint64_t turn) {
    std::vector<int> places(contenders.size());
    if (contenders.empty()) return places;
    wanted = std::min(wanted, contenders.size());
    std::iota(places.begin(), places.end(), 0);
    switch (strategy) {
    case Strategy::balanced:
    case Strategy::primary_only: balance(places, contenders, wanted, random); break;
    case Strategy::nearest:
        sort_by(places, contenders, 0, wanted,
                [](const Contender& c) { return std::make_pair(!c.is_in_zone, c.round_trip); });
        break;
    case Strategy::least_lag:
        sort_by(places, contenders, 0, wanted,
                [](const Contender& c) { return std::make_pair(c.lag_micros.value_or(kFar), c.lag_bytes); });
        break;
    case Strategy::round_robin:
        // In the order of their names, beginning with the next.
        std::rotate(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(turn % places.size()), places.end());
    }
    places.resize(wanted);
    for (int& place : places) place = contenders[static_cast<std::size_t>(place)].index;
    return places;
}

}  // namespace steward::route
