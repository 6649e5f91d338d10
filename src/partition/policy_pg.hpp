// SPDX-License-Identifier: PostgreSQL
//
// steward.partition_policies: policies in and out. Sets that nobody registered get an inferred policy.
#pragma once

#include <optional>
#include <vector>

#include "partition/set.hpp"
#include "pg/extension.hpp"

#include "pg/postgres.hpp"

namespace steward::partition {

using pg::AsExtensionOwner;

struct RegisteredSet {
    Oid parent;
    Policy policy;
};

// All registered sets, in the order maintenance takes them. Owned by the extension, readable by code of any role.
std::vector<RegisteredSet> read_policies();
std::optional<Policy> read_policy(Oid parent);

// A table and its policy, registered or inferred from its bounds (interval, zone) at `now`. A table without partitions and
// with a time key gets months. Throws 42P17 with a hint when nothing can be inferred.
struct KnownSet {
    PartitionSet set;
    Policy policy;

    const base::Zone& zone() const;
    Grid grid() const;  // only where policy.step is set
};
KnownSet known_set(Oid parent, base::Instant now);
KnownSet known_set(Oid parent, const Policy& registered);
KnownSet inferred_set(Oid parent, base::Instant now);  // never looks for a registered policy

}  // namespace steward::partition
