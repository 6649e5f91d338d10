// SPDX-License-Identifier: PostgreSQL
//
// Which nodes a client is sent to. All of them are looked through when something new is heard; until then a session that asks
// for the same again looks at those only that it is offered, however many there are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "route/candidates.hpp"

namespace steward::route {

// After the node itself, where reads go on when it is gone.
inline constexpr int kMostSpares = 7;

struct Choice {
    std::vector<int> nodes;             // those to offer, best first
    std::vector<Candidate> candidates;  // one for each of them
    std::vector<int> spare;             // where to go on when they are gone
    bool is_fallback = false;
};

// The nodes that are right for reads, as they were at one moment.
struct Ranking {
    Request request;
    std::uint64_t version = 0;        // of the scene; 0: nothing is ranked
    std::vector<int> nodes;           // best first
    std::vector<std::uint64_t> sums;  // of weights, of those that are drawn from: the first ones
    int tier = 0;                     // of these
};

// By the ranking, or by a new one in its place where that no longer holds. `random` and `turn` differ from call to call.
Choice choose(const Scene& scene, const Request& request, Ranking& ranking, std::uint64_t random, std::uint64_t turn);

// One line.
std::string choice_reason(std::size_t row, const Choice& choice, const Scene& scene, const Request& request);

}  // namespace steward::route
