// SPDX-License-Identifier: PostgreSQL
//
// What lies in the trash: steward.partition_trash.
#pragma once

#include <vector>

#include "partition/set.hpp"

#include "pg/postgres.hpp"

namespace steward::partition {

// The ranges of a range-partitioned table's retired partitions, those included that are still being detached. Positions
// on the codec's axis, literals as the server writes them; what was retired under another codec and cannot be read under
// this one is left out.
std::vector<Range> ranges_in_trash(Oid parent, const Codec& codec);

}  // namespace steward::partition
