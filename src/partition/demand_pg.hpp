// SPDX-License-Identifier: PostgreSQL
//
// Partitions on demand, for sets whose policy says so: what the rows of the default partition need.
#pragma once

#include <string>
#include <vector>

#include "partition/default_pg.hpp"
#include "partition/plan.hpp"

namespace steward::partition {

inline constexpr char kWatchTrigger[] = "steward_on_demand";

// The trigger on the default partition comes and goes with the option.
void plan_watch(const KnownSet& known, Plan& plan);

// Those of `reach` (all that may be made) that rows of the default partition wait for and `missing` has not, added to it.
void add_demanded(const KnownSet& known, const DefaultState& state, std::vector<Range> reach,
                  std::vector<Range>& missing);
// What stays in the default partition, and why.
void plan_left(const KnownSet& known, const DefaultState& state, Position now, Plan& plan);

// The values in the default partition of a list that no partition and no list of the policy has, as texts.
std::vector<std::string> demanded_values(const KnownSet& known, const DefaultState& state, Plan& plan);

// At once and for good: the table is managed no more.
void unwatch(const PartitionSet& set);

// Whether the table is registered with the option.
bool is_on_demand(Oid parent);

}  // namespace steward::partition
