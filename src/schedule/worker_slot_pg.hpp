// SPDX-License-Identifier: PostgreSQL
//
// The worker's side of its RunSlot: what the launcher wants, and what it is told.
#pragma once

#include <cstdint>

#include "schedule/job.hpp"
#include "schedule/shared_state_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

// False when the launcher has given the slot up meanwhile. `argument` is the worker's.
bool claim_slot(Datum argument);
RunSlot& my_slot();

// A job to be ready for, or whose run is due; 0: there is no more for this worker to do.
struct Order {
    std::int64_t job = 0;
    bool is_due = false;
};
// Waits for another one than to be ready for `known`; with 0, which is any, for two seconds at most.
Order await_order(std::int64_t known);

enum class Then { leave, stay };
// The run is over; `started_at` of the slot tells whether it had begun.
void end_run(bool is_recorded, Outcome outcome, const char* sqlstate, const char* message, Then then) noexcept;
// True when the launcher has been told all there is to tell, so that this process may end.
bool has_left_slot() noexcept;

}  // namespace steward::schedule
