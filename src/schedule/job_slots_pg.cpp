// SPDX-License-Identifier: PostgreSQL
#include "schedule/job_slots_pg.hpp"

#include <iterator>

#include "pg/shmem.hpp"
#include "pg/zone.hpp"
#include "schedule/shared_state_pg.hpp"

namespace steward::schedule {

JobSlots::JobSlots() {
    for (int i = shared().job_capacity - 1; i >= 0; --i) free_.push_back(i);
    pg::Locked locked(shared().lock);
    for (int i : free_) shared().jobs[i].is_used = false;
}

int JobSlots::slot_of(JobKey key) {
    auto found = slots_.find(key);
    if (found != slots_.end()) return found->second;
    if (free_.empty()) return -1;
    int slot = free_.back();
    free_.pop_back();
    slots_.emplace(key, slot);
    return slot;
}

void JobSlots::put(JobKey key, const JobStatus& status) {
    int slot = slot_of(key);
    if (slot < 0) return;
    const Waiting waiting = status.waiting.value_or(Waiting{});
    pg::Locked locked(shared().lock);
    JobSlot& job = shared().jobs[slot];
    job.is_used = true;
    job.database = key.database;
    job.job = key.job;
    job.state = static_cast<std::uint8_t>(status.state);
    job.next_run = status.next_run ? pg::to_server(*status.next_run) : DT_NOEND;
    job.queued_since = status.queued_since ? pg::to_server(*status.queued_since) : DT_NOBEGIN;
    job.queued = status.queued;
    job.running = status.running;
    job.waiting_attempt = status.waiting ? waiting.attempt : 0;
    job.waiting_kind = static_cast<std::uint8_t>(waiting.kind);
    job.waiting_due = pg::to_server(waiting.due);
    job.skipped = status.skipped;
    copy_text(job.waiting_reason, sizeof(job.waiting_reason), status.waiting_reason.c_str());
}

JobSlots::Slots::iterator JobSlots::remove(Slots::iterator entry) {
    {
        pg::Locked locked(shared().lock);
        shared().jobs[entry->second].is_used = false;
    }
    free_.push_back(entry->second);
    return slots_.erase(entry);
}

void JobSlots::remove(JobKey key) {
    if (auto found = slots_.find(key); found != slots_.end()) remove(found);
}

void JobSlots::remove_all(Oid database) {
    for (auto entry = slots_.begin(); entry != slots_.end();)
        entry = entry->first.database == database ? remove(entry) : std::next(entry);
}

}  // namespace steward::schedule
