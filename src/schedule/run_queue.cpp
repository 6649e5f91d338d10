// SPDX-License-Identifier: PostgreSQL
#include "schedule/run_queue.hpp"

#include <tuple>
#include <utility>

#include "base/text.hpp"

namespace steward::schedule {

bool RunOrder::operator()(const Run& a, const Run& b) const {
    return std::make_tuple(weight(a), a.due, a.key, a.ticket) < std::make_tuple(weight(b), b.due, b.key, b.ticket);
}

// ---- The tournament: lanes and databases leave it while what sorts them changes -----------------------------------------

void RunQueue::close(Database& database) {
    if (database.is_open) open_.erase(&database);
    database.is_open = false;
}

void RunQueue::reopen(Database& database) {
    database.is_open = !database.open.empty() && database.running < limits_.running_per_database;
    if (database.is_open) open_.insert(&database);
}

template <class Change>
void RunQueue::change(Lane& lane, Change apply) {
    Database& database = *lane.database;
    close(database);
    if (lane.is_open) database.open.erase(&lane);
    apply();
    lane.is_open = !lane.ready.empty() && !lane.is_full();
    if (lane.is_open) database.open.insert(&lane);
    reopen(database);
}

void RunQueue::set_limits(const Limits& limits) {
    for (auto& [oid, database] : databases_) close(database);
    limits_ = limits;
    for (auto& [oid, database] : databases_) reopen(database);
}

Lane& RunQueue::lane(std::uint32_t oid, const std::string& group) {
    Database& database = databases_[oid];
    Lane& lane = database.lanes[group];
    database.oid = oid;
    lane.database = &database;
    lane.group = group;
    return lane;
}

void RunQueue::set_group_limit(Lane& lane, int limit) {
    change(lane, [&] { lane.limit = limit; });
}

// ---- Waiting ---------------------------------------------------------------------------------------------------------

void RunQueue::put(Run& run) {
    change(*run.lane, [&] { run.lane->ready.insert(run); });
    run.place = Run::Place::ready;
    ++ready_;
}

void RunQueue::put_later(Run& run) {
    later_.insert(run);
    run.place = Run::Place::later;
}

void RunQueue::withdraw(Run& run) {
    if (run.place == Run::Place::ready) {
        change(*run.lane, [&] { run.lane->ready.erase(run); });
        --ready_;
    } else if (run.place == Run::Place::later) {
        later_.erase(run);
    }
    run.place = Run::Place::held;
}

Run* RunQueue::take_later(base::Instant now) {
    if (later_.empty() || later_.begin()->not_before > now) return nullptr;
    Run& run = *later_.begin();
    withdraw(run);
    return &run;
}

void RunQueue::forget(std::uint32_t oid) {
    const auto found = databases_.find(oid);
    if (found == databases_.end() || found->second.running > 0 || !found->second.open.empty()) return;
    for (const auto& [group, lane] : found->second.lanes)
        if (!lane.ready.empty()) return;
    databases_.erase(found);
}

// ---- Starting --------------------------------------------------------------------------------------------------------

Run* RunQueue::best(base::Instant now) {
    if (blocked_until_ && now >= *blocked_until_) blocked_until_.reset();
    if (open_.empty() || running_ >= limits_.running || blocked_until_) return nullptr;
    return &front();
}

void RunQueue::occupy(Run& run) {
    change(*run.lane, [&] {
        ++run.lane->running;
        ++run.lane->database->running;
    });
    ++running_;
}

void RunQueue::vacate(Run& run) {
    change(*run.lane, [&] {
        --run.lane->running;
        --run.lane->database->running;
    });
    --running_;
}

void RunQueue::block(base::Instant until, std::string reason) {
    blocked_until_ = until;
    blocked_reason_ = std::move(reason);
}

std::optional<base::Instant> RunQueue::next_wake() const {
    std::optional<base::Instant> wake;
    if (!later_.empty()) wake = later_.begin()->not_before;
    if (!open_.empty() && running_ < limits_.running) {
        // Something could start: at once, or when there may be a worker again.
        const base::Instant start = blocked_until_ ? *blocked_until_ : front().queued_since;
        if (!wake || start < *wake) wake = start;
    }
    return wake;
}

// ---- Why -------------------------------------------------------------------------------------------------------------

Wait RunQueue::wait_of(const Lane& lane) const {
    if (lane.is_full()) return Wait::group;
    if (lane.database->running >= limits_.running_per_database) return Wait::database;
    if (running_ >= limits_.running) return Wait::cluster;
    return blocked_until_ ? Wait::shortage : Wait::none;
}

std::string RunQueue::describe(const Lane& lane) const {
    const auto jobs_run = [](int n) { return fmt::format("{} {} already", n, n == 1 ? "job runs" : "jobs run"); };
    switch (wait_of(lane)) {
    case Wait::group:
        return fmt::format("group \"{}\" runs {} {} already", lane.group, lane.running,
                           lane.running == 1 ? "job" : "jobs");
    case Wait::database: return jobs_run(lane.database->running) + " in this database";
    case Wait::cluster: return jobs_run(running_) + " (steward.schedule_max_running)";
    case Wait::shortage: return blocked_reason_;
    case Wait::none: break;
    }
    return "is about to start";
}

}  // namespace steward::schedule
