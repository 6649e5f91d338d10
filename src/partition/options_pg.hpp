// SPDX-License-Identifier: PostgreSQL
//
// The options of steward.manage_partitions().
#pragma once

#include <string>

#include "partition/policy_pg.hpp"

namespace steward::partition {

// Reads every key of the JSON object into the policy; an unknown key, a wrong value, or an object that does not exist
// throws. True when the options name an origin.
bool apply_options(Policy& policy, const PartitionSet& set, const std::string& json);

}  // namespace steward::partition
