// SPDX-License-Identifier: PostgreSQL
//
// A policy as a row of steward.partition_policies.
#pragma once

#include <string>

#include "partition/policy_pg.hpp"

namespace steward::partition {

std::string stored_codec_name(const Policy& policy, const PartitionSet& set);
void store_policy(Oid parent, const Policy& policy, const PartitionSet& set);

}  // namespace steward::partition
