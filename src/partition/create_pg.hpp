// SPDX-License-Identifier: PostgreSQL
//
// The steps that make missing partitions: which, by which name, with which statements.
#pragma once

#include "partition/plan_pg.hpp"

namespace steward::partition {

void plan_creation(const KnownSet& known, const Ask& ask, Plan& plan);

}  // namespace steward::partition
