// SPDX-License-Identifier: PostgreSQL
//
// Which of several equally right nodes a client is sent to. What all would take, because it is the best by what was last
// heard of it, is the best no longer when all have taken it: so what has been given away lately counts, two are drawn, and
// the better of the two is taken.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "route/node.hpp"
#include "route/units.hpp"

namespace steward::route {

enum class Strategy : std::uint8_t { balanced, nearest, least_lag, primary_only, round_robin };
base::Result<Strategy> parse_strategy(std::string_view name);

// After so long, half of what was given away is forgotten: it shows in the node's own number of connections.
inline constexpr std::int64_t kAssignmentHalfLife = 2'000'000;
// Of its connections: a node of the zone that is more in use is no better than one of another.
inline constexpr double kFullLoad = 0.9;

// Clients sent to a node lately, by sessions that do not wait for each other.
class Assignments {
public:
    double count(Steady now) const noexcept;
    void add(Steady now) noexcept;
    void clear() noexcept { packed_.store(0, std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> packed_{0};
};

// A node that is right, by what distinguishes it from others.
struct Contender {
    int index = 0;  // in the nodes
    bool is_in_zone = true;
    int weight = kUsualWeight;
    double load = 0;  // of all connections that it takes, those it has and those it will have: 0 to 1
    std::int64_t round_trip = 0;
    std::optional<std::int64_t> lag_micros;
    std::uint64_t lag_bytes = 0;
    double score = 0;  // less is better
};

// What a node takes of what it can take, and how much of the bound it is behind, 0 to 1 each.
double score_of(double load, int weight, double lag_share) noexcept;

// What comes before a score: one of its zone, else of another, else one that is full.
int tier_of(const Contender& contender) noexcept;
bool is_better(const Contender& one, const Contender& other) noexcept;

// The best first; equal ones stay in the order of their names.
void sort(std::vector<Contender>& contenders, Strategy strategy);

// Two places, each as likely as its weight; `sums` are those of the weights up to and with each, of two or more.
std::pair<std::size_t, std::size_t> draw_two(const std::vector<std::uint64_t>& sums, std::uint64_t random) noexcept;

}  // namespace steward::route
