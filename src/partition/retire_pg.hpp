// SPDX-License-Identifier: PostgreSQL
//
// The steps of retention: what is past leaves the set, waits in the trash, and goes.
#pragma once

#include "partition/plan_pg.hpp"

namespace steward::partition {

void plan_retention(const KnownSet& known, const Ask& ask, Plan& plan);

// A condition that no row of a partition past the cut meets.
std::string newer_rows_condition(const KnownSet& known, Position cut);

// The steps that end a detached table: its foreign keys in a transaction of their own, then the table.
void add_drop_steps(const PlanStep& gone, const std::string& reason, Plan& plan);

}  // namespace steward::partition
