// SPDX-License-Identifier: PostgreSQL
//
// What one step of a plan does inside its unit of work.
#pragma once

#include <string>

#include "partition/execute_pg.hpp"

namespace steward::partition {

// Thrown inside a unit so that it is rolled back; not errors, but outcomes.
struct Refused {
    std::string reason;
};
struct Vetoed {
    std::string function;
};
struct LockBusy {
    Oid relation;
    LOCKMODE mode;
};

// Locks, asks the hooks, checks, runs the step's SQL and keeps the books; all as the table's owner. `policy` is null for
// steps that only empty the trash.
void do_step(const PlanStep& step, Oid owner, const Policy* policy, Oid acting_role, int lock_timeout);

// What has to hold and to be written before a step that commits inside (DETACH CONCURRENTLY) runs at top level.
void prepare_top_level(const PlanStep& step, Oid owner, const Policy* policy, Oid acting_role);

// The strongest lock the step asks for on the parent.
LOCKMODE parent_lock_mode(const PlanStep& step);

}  // namespace steward::partition
