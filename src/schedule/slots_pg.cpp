// SPDX-License-Identifier: PostgreSQL
#include "schedule/slots_pg.hpp"

#include <algorithm>

#include "pg/zone.hpp"

namespace steward::schedule {

namespace {

RunSlot& use_anew(Shared& state, int slot, Oid database, Oid role) noexcept {
    RunSlot& run = state.runs[slot];
    run = RunSlot{};
    run.token = ++state.last_token;
    run.database = database;
    run.role = role;
    return run;
}

}  // namespace

std::vector<RunSlot> copy_of_slots() {
    std::vector<RunSlot> runs(kMaxRuns);
    pg::Locked locked(shared().lock, LW_SHARED);
    std::copy(std::begin(shared().runs), std::end(shared().runs), runs.begin());
    return runs;
}

Datum worker_argument(int slot) noexcept { return pack({static_cast<std::uint32_t>(slot), shared().runs[slot].token}); }

RunId assign(RunSlot& run, const Start& start) noexcept {
    Shared& state = shared();
    run.run = start.run;
    if (start.run == 0) run.run = next_run_number(state);
    for (RunSlot& requested : state.runs) {
        if (start.run == 0 || &requested == &run) continue;
        if (requested.state != RunState::requested || requested.run != start.run) continue;
        run.stop = requested.stop;
        requested.state = RunState::free;
    }
    run.state = RunState::starting;
    run.job = start.job.job;
    run.is_marked = start.is_marked;
    run.kind = static_cast<std::uint8_t>(start.kind);
    run.attempt = start.attempt;
    run.due = pg::to_server(start.due);
    return run.run;
}

int prepare_slot(const Start& start) noexcept {
    Shared& state = shared();
    pg::Locked locked(state.lock);
    int slot = -1;
    for (int i = 0; i < kMaxRuns && start.run != 0 && slot < 0; ++i)
        if (state.runs[i].state == RunState::requested && state.runs[i].run == start.run) slot = i;
    if (slot < 0) slot = find_free_run(state);
    if (slot < 0) return slot;
    assign(use_anew(state, slot, start.job.database, start.role), start);
    return slot;
}

int prepare_ready_slot(const Upcoming& upcoming) noexcept {
    Shared& state = shared();
    pg::Locked locked(state.lock);
    int slot = find_free_run(state);
    if (slot < 0) return slot;
    RunSlot& run = use_anew(state, slot, upcoming.job.database, upcoming.role);
    run.state = RunState::ready;
    run.job = upcoming.job.job;
    return slot;
}

void dismiss(RunSlot& run) noexcept {
    if ((run.state == RunState::ready || run.stays) && run.latch != nullptr) SetLatch(run.latch);
    run.state = RunState::free;
    run.token = ++shared().last_token;
}

void free_slot(int slot) noexcept {
    pg::Locked locked(shared().lock);
    dismiss(shared().runs[slot]);
}

}  // namespace steward::schedule
