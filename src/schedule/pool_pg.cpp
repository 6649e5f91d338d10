// SPDX-License-Identifier: PostgreSQL
#include "schedule/pool_pg.hpp"

#include <algorithm>

#include "pg/worker.hpp"

namespace steward::schedule {

std::optional<Pool::Hired> Pool::hire(const Start& start) {
    std::optional<Hired> spare = hire_spare(start);
    return spare ? spare : hire_idler(start);
}

// Runs by hand leave it to the one by the clock for which it was started.
std::optional<Pool::Hired> Pool::hire_spare(const Start& start) {
    auto spare = spares_.find(start.job);
    if (spare == spares_.end() || start.run != 0) return std::nullopt;
    Hired hired{spare->second.slot, 0, spare->second.handle, nullptr};
    {
        pg::Locked locked(shared().lock);
        RunSlot& run = shared().runs[hired.slot];
        if (run.state == RunState::ready && run.role == start.role) {
            hired.run = assign(run, start);
            hired.latch = run.latch;
        }
    }
    if (hired.run == 0) {
        send_away(spare);
        return std::nullopt;
    }
    spares_.erase(spare);
    return hired;
}

std::optional<Pool::Hired> Pool::hire_idler(const Start& start) {
    for (auto idler = idlers_.end(); idler != idlers_.begin();) {
        --idler;
        if (idler->database != start.job.database || idler->role != start.role) continue;
        Hired hired{idler->slot, 0, idler->handle, nullptr};
        {
            pg::Locked locked(shared().lock);
            RunSlot& run = shared().runs[idler->slot];
            if (run.state != RunState::ready) continue;
            hired.run = assign(run, start);
            hired.latch = run.latch;
        }
        idlers_.erase(idler);
        return hired;
    }
    return std::nullopt;
}

void Pool::make_ready(const std::vector<Upcoming>& upcoming, int most) {
    for (const Upcoming& next : upcoming) {
        if (spares_.count(next.job) != 0 || make_idler_ready(next)) continue;
        if (size() < most) start_spare(next);
    }
}

bool Pool::make_idler_ready(const Upcoming& upcoming) {
    for (auto idler = idlers_.end(); idler != idlers_.begin();) {
        --idler;
        if (idler->database != upcoming.job.database || idler->role != upcoming.role) continue;
        {
            pg::Locked locked(shared().lock);
            RunSlot& run = shared().runs[idler->slot];
            if (run.state != RunState::ready) continue;
            run.job = upcoming.job.job;
            SetLatch(run.latch);
        }
        spares_[upcoming.job] = Spare{idler->slot, upcoming.due, idler->handle};
        idlers_.erase(idler);
        return true;
    }
    return false;
}

void Pool::start_spare(const Upcoming& upcoming) {
    int slot = prepare_ready_slot(upcoming);
    if (slot < 0) return;
    BackgroundWorkerHandle* handle = pg::start_worker("steward_schedule_run", "pg_steward run", worker_argument(slot));
    if (handle == nullptr) return free_slot(slot);
    spares_[upcoming.job] = Spare{slot, upcoming.due, handle};
}

void Pool::keep(int slot, BackgroundWorkerHandle* handle) {
    pg::Locked locked(shared().lock);
    RunSlot& run = shared().runs[slot];
    RunSlot idle{};
    // It may have gone since it said that it stays.
    idle.state = run.stays ? RunState::ready : RunState::ended;
    idle.token = run.token;
    idle.pid = run.pid;
    idle.latch = run.latch;
    idle.database = run.database;
    idle.role = run.role;
    run = idle;
    idlers_.push_back(Idler{slot, idle.database, idle.role, handle});
}

void Pool::ended(int slot) {
    auto idler = std::find_if(idlers_.begin(), idlers_.end(), [&](const Idler& one) { return one.slot == slot; });
    if (idler != idlers_.end()) send_away(idler);
}

void Pool::make_room() {
    if (!idlers_.empty()) {
        send_away(idlers_.begin());
    } else if (!spares_.empty()) {
        send_away(std::max_element(spares_.begin(), spares_.end(),
                                   [](const auto& a, const auto& b) { return a.second.due < b.second.due; }));
    }
}

void Pool::send_unneeded(base::Instant now) {
    for (auto spare = spares_.begin(); spare != spares_.end();) {
        const base::Instant due = spare->second.due;
        spare = due <= now || due.micros - now.micros > 2 * kLeadMicros ? send_away(spare) : std::next(spare);
    }
}

void Pool::forget(Oid database) {
    for (auto spare = spares_.begin(); spare != spares_.end();)
        spare = spare->first.database == database ? send_away(spare) : std::next(spare);
    for (auto idler = idlers_.begin(); idler != idlers_.end();)
        idler = idler->database == database ? send_away(idler) : std::next(idler);
}

Pool::Spares::iterator Pool::send_away(Spares::iterator spare) {
    free_slot(spare->second.slot);
    pg::release(spare->second.handle);
    return spares_.erase(spare);
}

Pool::Idlers::iterator Pool::send_away(Idlers::iterator idler) {
    free_slot(idler->slot);
    pg::release(idler->handle);
    return idlers_.erase(idler);
}

std::optional<base::Instant> Pool::next_wake() const {
    std::optional<base::Instant> first;
    for (const auto& [job, spare] : spares_)
        if (!first || spare.due < *first) first = spare.due;
    return first;
}

}  // namespace steward::schedule
