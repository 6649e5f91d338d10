// SPDX-License-Identifier: PostgreSQL
//
// The life of a run: held by its job, in the queue, active, gone.
#include <algorithm>
#include <iterator>
#include <utility>

#include "schedule/missed.hpp"
#include "schedule/scheduler_state.hpp"

namespace steward::schedule {

std::size_t Job::capacity() const {
    return definition.overlap == Overlap::parallel ? static_cast<std::size_t>(std::max(definition.max_parallel, 1)) : 1;
}

std::size_t Job::waiting_retries() const {
    return static_cast<std::size_t>(
        std::count_if(queued.begin(), queued.end(), [](const Run& run) { return run.kind == Kind::retry; }));
}

std::size_t Job::queued_by_itself() const {
    return static_cast<std::size_t>(
        std::count_if(queued.begin(), queued.end(), [](const Run& run) { return run.kind != Kind::manual; }));
}

Run& Scheduler::State::add_run(Job& job, base::Instant due, Kind kind, base::Instant now) {
    const std::uint64_t ticket = ++last_ticket;
    Run& run = runs[ticket];
    run.ticket = ticket;
    run.key = job.key();
    run.job = &job;
    run.due = due;
    run.kind = kind;
    run.queued_since = now;
    run.not_before = now;
    const bool is_by_schedule = kind == Kind::scheduled || kind == Kind::missed;
    run.is_marked = !(is_by_schedule || kind == Kind::retry) || is_marked(job.definition, due);
    if (is_by_schedule || kind == Kind::chained || kind == Kind::event) run.handled_before = job.handled;
    job.queued.push_back(run);
    mark(job);
    return run;
}

void Scheduler::State::drop_run(Run& run) {
    queue.withdraw(run);
    if (run.id != 0) queued_by_id.erase(run.id);
    Job& job = *run.job;
    job.queued.erase(job.queued.iterator_to(run));
    mark(job);
    runs.erase(run.ticket);
}

void Scheduler::State::hold(Job& job) {
    for (Run& run : job.queued) queue.withdraw(run);
}

void Scheduler::State::advance(Job& job, base::Instant now) {
    mark(job);
    if (!job.is_off) draw_from_backlog(job, now);
    if (!begins_by_hand(job)) {
        hold(job);
    } else {
        std::size_t taken = job.active.size();
        for (const Run& run : job.queued) taken += run.place == Run::Place::ready ? 1 : 0;
        for (Run& run : job.queued) {
            if (run.place != Run::Place::held) continue;
            if (run.not_before > now) {
                queue.put_later(run);
            } else if (taken < job.capacity()) {
                run.lane = job.lane;
                run.priority = job.definition.priority;
                queue.put(run);
                ++taken;
            }
        }
    }
    set_wake(job);
}

void Scheduler::State::replace_active(Job& job) {
    for (Run& run : job.active) {
        if (run.is_replaced) continue;
        run.is_replaced = true;
        // One that is only starting is told as soon as it has a number.
        if (run.id != 0) cancels.push_back(run.id);
    }
}

void Scheduler::State::start(Run& run, std::vector<Action>& actions, base::Instant now) {
    Job& job = *run.job;
    queue.withdraw(run);
    queue.occupy(run);
    job.queued.erase(job.queued.iterator_to(run));
    job.active.push_back(run);
    run.place = Run::Place::starting;
    run.reason.clear();
    if (run.id != 0) queued_by_id.erase(run.id);
    actions.emplace_back(
        Start{run.id, run.key, job.definition.role, run.due, run.kind, run.attempt, run.is_marked, run.ticket});
    advance(job, now);
}

void Scheduler::State::detach(Run& run) {
    queue.vacate(run);
    if (run.place == Run::Place::running) active_by_id.erase(run.id);
    run.place = Run::Place::held;
    if (!run.job) {
        // Adopted, and its job was never seen.
        if (const auto waiting = adopted.find(run.key); waiting != adopted.end()) std::erase(waiting->second, &run);
        return;
    }
    run.job->active.erase(run.job->active.iterator_to(run));
    mark(*run.job);
}

// ---- What the launcher reports -----------------------------------------------------------------------------------------

void Scheduler::started(std::uint64_t ticket, RunId id) {
    const auto found = state_->runs.find(ticket);
    if (found == state_->runs.end() || found->second.place != Run::Place::starting) return;
    Run& run = found->second;
    run.id = id;
    run.place = Run::Place::running;
    state_->active_by_id[id] = &run;
    if (run.is_replaced) state_->cancels.push_back(id);
    if (run.job) state_->mark(*run.job);
}

void Scheduler::not_started(std::uint64_t ticket, const std::string& reason, std::int64_t wait_micros, bool is_shared,
                            base::Instant now) {
    const base::Instant until{now.micros + std::max<std::int64_t>(wait_micros, 0)};
    if (is_shared) state_->queue.block(until, reason);
    const auto found = state_->runs.find(ticket);
    // Also one whose worker came and could not begin.
    if (found == state_->runs.end() || !found->second.is_active()) return;
    Run& run = found->second;
    state_->detach(run);
    if (!run.job) {
        state_->runs.erase(found);
        return;
    }
    Job& job = *run.job;
    // Only a number that somebody was told is kept.
    if (run.kind != Kind::manual) run.id = 0;
    job.queued.push_front(run);
    if (run.id != 0) state_->queued_by_id[run.id] = &run;
    if (!is_shared) {
        run.not_before = until;
        run.reason = reason;
    }
    // Meanwhile a newer one may have taken over, or the job been paused.
    const bool is_given_up = (run.is_replaced || job.definition.is_paused) && run.kind != Kind::manual;
    run.is_replaced = false;
    if (is_given_up) {
        ++job.skipped;
        state_->drop_run(run);
    }
    state_->advance(job, now);
}

bool Scheduler::request(RunId id, JobKey key, base::Instant now) {
    Job* job = state_->find(key);
    if (!job) return false;
    if (state_->queued_by_id.count(id) > 0) return true;
    Run& run = state_->add_run(*job, now, Kind::manual, now);
    run.id = id;
    state_->queued_by_id[id] = &run;
    if (job->definition.overlap == Overlap::replace && state_->begins_by_hand(*job)) state_->replace_active(*job);
    state_->advance(*job, now);
    return true;
}

bool Scheduler::cancel(RunId id) {
    const auto found = state_->queued_by_id.find(id);
    if (found == state_->queued_by_id.end()) return false;
    Job& job = *found->second->job;
    state_->drop_run(*found->second);
    state_->advance(job, state_->now);
    return true;
}

// A job that still has a run, or one waiting, is left out: whether the next one starts is not to be seen yet.
void Scheduler::State::foresee(base::Instant now) {
    const base::Instant until{now.micros + queue.limits().lead_micros};
    for (auto job = timetable.upper_bound(foreseen_until, WakesAfter()); job != timetable.end() && *job->wake <= until;
         ++job) {
        const bool is_free = job->active.size() + job->queued.size() < job->capacity();
        if (is_free && !job->definition.is_paused) upcoming.push_back({job->key(), job->definition.role, *job->wake});
    }
    foreseen_until = std::max(foreseen_until, until);
}

std::vector<Upcoming> Scheduler::take_upcoming() { return std::exchange(state_->upcoming, {}); }

std::vector<Action> Scheduler::tick(base::Instant now) {
    State& state = *state_;
    state.now = now;
    while (!state.timetable.empty() && *state.timetable.begin()->wake <= now)
        state.wake_up(*state.timetable.begin(), now);
    while (Run* run = state.queue.take_later(now)) {
        // It ages from now on.
        run->queued_since = now;
        state.advance(*run->job, now);
    }
    std::vector<Action> starts;
    while (Run* run = state.queue.best(now)) state.start(*run, starts, now);
    std::vector<Action> actions;
    actions.reserve(state.cancels.size() + starts.size());
    for (const RunId run : state.cancels) actions.emplace_back(Cancel{run});
    state.cancels.clear();
    actions.insert(actions.end(), starts.begin(), starts.end());
    state.queue.each_changed_lane([&](Run& run) { state.mark(*run.job); });
    if (state.queue.limits().lead_micros > 0) state.foresee(now);
    return actions;
}

std::optional<base::Instant> Scheduler::next_wake() const {
    if (!state_->cancels.empty()) return state_->now;
    auto wake = state_->queue.next_wake();
    if (!state_->timetable.empty() && (!wake || *state_->timetable.begin()->wake < *wake))
        wake = state_->timetable.begin()->wake;
    if (const std::int64_t lead = state_->queue.limits().lead_micros; lead > 0) {
        const auto job = state_->timetable.upper_bound(state_->foreseen_until, WakesAfter());
        if (job != state_->timetable.end() && (!wake || job->wake->micros - lead < wake->micros))
            wake = base::Instant{job->wake->micros - lead};
    }
    return wake;
}

}  // namespace steward::schedule
