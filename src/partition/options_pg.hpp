// SPDX-License-Identifier: PostgreSQL
//
// The options of steward.manage_partitions(), and how a policy is stored.
#pragma once

#include <string>

#include "partition/policy_pg.hpp"

namespace steward::partition {

// Reads every key of the JSON object into the policy; an unknown key, a wrong value, or an object that does not exist
// throws. True when the options name an origin.
bool apply_options(Policy& policy, const PartitionSet& set, const std::string& json);

std::string stored_codec_name(const Policy& policy, const PartitionSet& set);
void store_policy(Oid parent, const Policy& policy, const PartitionSet& set);

}  // namespace steward::partition
