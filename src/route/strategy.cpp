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

// By weight, one that is not `but`.
std::size_t draw(const std::vector<Contender>& contenders, std::size_t count, std::size_t but, std::uint64_t& state) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < count; ++i)
        if (i != but) sum += static_cast<std::uint64_t>(contenders[i].weight);
    std::uint64_t point = next(state) % sum;
    for (std::size_t i = 0; i < count; ++i) {
        if (i == but) continue;
        const auto weight = static_cast<std::uint64_t>(contenders[i].weight);
        if (point < weight) return i;
        point -= weight;
    }
    return 0;
}

void bring_forward(std::vector<Contender>& contenders, std::size_t index) {
    const auto place = contenders.begin() + static_cast<std::ptrdiff_t>(index);
    std::rotate(contenders.begin(), place, place + 1);
}

void balance(std::vector<Contender>& contenders, std::uint64_t random) {
    // One of its zone, else of another, else one that is full.
    const auto tier = [](const Contender& c) { return c.load >= kFullLoad ? 2 : c.is_in_zone ? 0 : 1; };
    std::stable_sort(contenders.begin(), contenders.end(), [&](const Contender& a, const Contender& b) {
        return std::make_pair(tier(a), a.score) < std::make_pair(tier(b), b.score);
    });
    const int best = tier(contenders.front());
    const auto count = static_cast<std::size_t>(
        std::count_if(contenders.begin(), contenders.end(), [&](const Contender& c) { return tier(c) == best; }));
    if (count < 2) return;
    const std::size_t first = draw(contenders, count, count, random);
    const std::size_t second = draw(contenders, count, first, random);
    bring_forward(contenders, std::min(first, second));
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

double score_of(const Contender& contender) noexcept {
    // What it takes of what it can take, and of the bound.
    constexpr double kLagWeight = 0.25;
    return contender.load * kUsualWeight / contender.weight + kLagWeight * contender.lag_share;
}

void order(std::vector<Contender>& contenders, Strategy strategy, std::uint64_t random, std::uint64_t turn) {
    if (contenders.empty()) return;
    switch (strategy) {
    case Strategy::balanced:
    case Strategy::primary_only: return balance(contenders, random);
    case Strategy::nearest:
        return sort_by(contenders, [](const Contender& c) { return std::make_pair(!c.is_in_zone, c.round_trip); });
    case Strategy::least_lag:
        return sort_by(contenders,
                       [](const Contender& c) { return std::make_pair(c.lag_micros.value_or(kFar), c.lag_bytes); });
    case Strategy::round_robin: break;
    }
    // In the order of their names, beginning with the next.
    std::rotate(contenders.begin(), contenders.begin() + static_cast<std::ptrdiff_t>(turn % contenders.size()),
                contenders.end());
}

}  // namespace steward::route
