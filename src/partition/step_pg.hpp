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

// The table's owner at work, with a lock timeout in milliseconds, for the length of a unit.
class StepScope {
public:
    StepScope(Oid owner, int lock_timeout);

    // Locks, asks the hooks, checks, runs the step's SQL and keeps the books. `policy` is null where no set is registered.
    void run(const PlanStep& step, const Policy* policy, Oid acting_role);

private:
    pg::AsOwner as_owner_;
};

// What has to hold and to be written before a step that commits inside (DETACH CONCURRENTLY) runs at top level.
void prepare_top_level(const PlanStep& step, Oid owner, const Policy* policy, Oid acting_role);

// Asks politely, then queues for lock_timeout; throws LockBusy behind an old transaction.
void lock_table(Oid table, LOCKMODE mode);

// The lock a step begins with, on the parent.
LOCKMODE parent_lock_mode(const PlanStep& step);

}  // namespace steward::partition
