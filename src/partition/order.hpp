// SPDX-License-Identifier: PostgreSQL
//
// The order in which sets are retired: tables that reference others first, so that what they point to is free when its
// turn comes. Where references go in a circle the given order stands.
#pragma once

#include <vector>

#include "partition/set.hpp"

namespace steward::partition {

struct Reference {
    RelationId from;
    RelationId to;
};

std::vector<RelationId> referencing_first(const std::vector<RelationId>& tables,
                                          const std::vector<Reference>& references);

}  // namespace steward::partition
