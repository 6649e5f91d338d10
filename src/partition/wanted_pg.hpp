// SPDX-License-Identifier: PostgreSQL
//
// Which partitions a set wants and does not have: of its grid, of its lists, of its modulus, and of rows that wait for one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "partition/default_pg.hpp"
#include "partition/future.hpp"
#include "partition/naming.hpp"
#include "partition/plan_pg.hpp"

namespace steward::partition {

struct NewPartition {
    std::string period;  // the part of the name behind the prefix
    std::string bounds;  // FROM ... TO, IN, WITH
    std::string reason;
    DefaultRefusal refusal;
    bool is_ahead = false;
    std::int64_t moved = 0;  // rows of the default partition that come with it
};

// As the set's partitions are named, or as its policy says.
Naming naming_of(const KnownSet& known);

int periods_of(const KnownSet& known, const Ask& ask);
Missing find_missing(const KnownSet& known, int periods, int limit, Position now);
NewPartition wanted_range(const KnownSet& known, const Grid& grid, const Naming& naming, const DefaultState& state,
                          const Range& range, Position now);

std::vector<NewPartition> wanted_steps_of_list(const KnownSet& known, const Ask& ask, const Naming& naming);
std::vector<NewPartition> wanted_lists(const KnownSet& known);
// One for each value that rows of the default partition have and no list of the policy.
void add_demanded_lists(const KnownSet& known, const DefaultState& state, std::vector<NewPartition>& wanted,
                        Plan& plan);

std::vector<NewPartition> wanted_remainders(const KnownSet& known);

}  // namespace steward::partition
