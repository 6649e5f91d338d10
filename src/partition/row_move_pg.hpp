// SPDX-License-Identifier: PostgreSQL
//
// Rows of the default partition on their way into a new one, in one transaction: the partition is built apart, the table
// locked for a moment, the rows taken out of the default, the partition attached, the rows put in.
//
// The table is locked against readers too. Whoever had read its list of partitions before and only then waited for the
// default would find it without the rows, and know nothing of the new partition. The rows are put in after the ATTACH,
// so that publications of the table send them. Triggers and foreign keys are silent: for them nothing happens, the rows
// are the same, and whatever references them references the table.
#pragma once

#include <string>

#include "partition/default_pg.hpp"
#include "partition/plan.hpp"

namespace steward::partition {

// Why rows that meet the condition are not moved; empty when they can be, or when there are none: `rows`.
std::string move_refusal(const KnownSet& known, const DefaultState& state, const std::string& condition,
                         std::int64_t& rows);

// Fills the move, its SQL and its locks in; `step.object` is the new partition.
void plan_move(PlanStep& step, const KnownSet& known, const DefaultState& state, const std::string& condition,
               const std::string& prepare, const std::string& attach);

// The same for somebody who does it by hand, in one script: `create` and `attach` are its statements around the rows.
struct MoveByHand {
    std::string sql;
    bool needs_superuser;  // triggers and foreign keys have to be silenced
};
MoveByHand move_by_hand(const KnownSet& known, const DefaultState& state, const std::string& condition,
                        const std::string& object, const std::string& create, const std::string& attach);

// Inside a StepScope, the table locked against other changes.
void move_rows(const PlanStep& step);

}  // namespace steward::partition
