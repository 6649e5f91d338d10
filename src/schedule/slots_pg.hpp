// SPDX-License-Identifier: PostgreSQL
//
// What the launcher does to RunSlots. Those that take a RunSlot want the lock to be held.
#pragma once

#include <vector>

#include "schedule/scheduler.hpp"
#include "schedule/shared_state_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

inline JobKey key_of(const RunSlot& run) { return {run.database, run.job}; }
std::vector<RunSlot> copy_of_slots();
// What the worker of a slot is started with: it names this use of the slot.
Datum worker_argument(int slot) noexcept;

// The run is to be begun by the worker of this slot. One by hand leaves the slot it has waited in. Gives its number.
RunId assign(RunSlot& run, const Start& start) noexcept;
// A slot for a new worker that is to begin this run: for one by hand the one it waits in. -1: all are taken.
int prepare_slot(const Start& start) noexcept;
// The same for one that is to be ready for what comes.
int prepare_ready_slot(const Upcoming& upcoming) noexcept;
// Its worker, waiting or yet to come, is not needed any more.
void dismiss(RunSlot& run) noexcept;
void free_slot(int slot) noexcept;

}  // namespace steward::schedule
