// SPDX-License-Identifier: PostgreSQL
#include "schedule/scheduler.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "schedule/missed.hpp"
#include "schedule/scheduler_state.hpp"

namespace steward::schedule {

const char* name_of(JobState state) {
    constexpr std::array kNames = {"idle", "queued", "running", "paused", "broken", "finished"};
    return kNames.at(static_cast<std::size_t>(state));
}

Scheduler::Scheduler() : state_(std::make_unique<State>()) {}
Scheduler::~Scheduler() = default;

Scheduler::State::~State() {
    // What is linked into each other, before it goes.
    timetable.clear();
    each_job([&](Job& job) {
        hold(job);
        job.queued.clear();
        job.active.clear();
    });
}

Job* Scheduler::State::find(JobKey key) {
    const auto database = databases.find(key.database);
    if (database == databases.end()) return nullptr;
    const auto job = database->second.find(key.job);
    return job == database->second.end() ? nullptr : &job->second;
}

void Scheduler::State::mark(Job& job) {
    if (job.is_changed) return;
    job.is_changed = true;
    changed.push_back(job.key());
}

void Scheduler::set_limits(const Limits& limits) {
    if (limits == state_->queue.limits()) return;
    state_->queue.set_limits(limits);
    state_->each_job([&](Job& job) {
        if (!job.queued.empty()) state_->mark(job);
    });
}

// ---- How runs end ------------------------------------------------------------------------------------------------------

void Scheduler::ended(const RunEnd& end, double jitter) {
    State& state = *state_;
    if (const auto found = state.active_by_id.find(end.run); found != state.active_by_id.end()) {
        Run& run = *found->second;
        state.detach(run);
        state.runs.erase(run.ticket);
        state.queue.unblock();  // its worker is free
    }
    Job* job = state.find(end.job);
    if (!job || (job->last_end && job->last_end->at > end.ended_at)) {
        if (job) state.advance(*job, end.ended_at);
        return;
    }
    const Definition& definition = job->definition;
    const bool is_failure_retried =
        !definition.is_paused && is_retried(definition.retry, end.outcome, end.sqlstate, end.attempt);
    // A newer run of it takes the place of the retry.
    if (is_failure_retried && job->queued_by_itself() == 0) {
        Run& run = state.add_run(*job, end.due, Kind::retry, end.ended_at);
        run.attempt = end.attempt + 1;
        run.not_before = {end.ended_at.micros + backoff_micros(definition.retry, end.attempt, jitter)};
    }
    job->last_end = LastEnd{end.ended_at, end.outcome, !is_failure_retried};
    state.settle(*job, end.ended_at, Passed::late);
    if (is_failure_retried) return;
    const auto followers = state.followers.find(end.job);
    if (followers == state.followers.end()) return;
    for (const std::int64_t id : followers->second)
        if (Job* follower = state.find({end.job.database, id})) state.settle(*follower, end.ended_at, Passed::late);
}

// ---- The clock ---------------------------------------------------------------------------------------------------------

// What lies in the future now is taken for the present, but for fixed jobs: theirs would be repeated.
void Scheduler::State::set_back(Job& job, base::Instant to, bool is_correction) {
    const bool is_kept = job.definition.run_at || (is_fixed(job.definition) && !is_correction);
    if (!is_kept) job.handled = std::min(job.handled, to);
    if (job.last_end) job.last_end->at = std::min(job.last_end->at, to);
    look_ahead(job);
}

bool Scheduler::clock_stepped(base::Instant before, base::Instant now) {
    State& state = *state_;
    const std::int64_t step = now.micros - before.micros;
    state.queue.shift_block(step);
    // All waiting by the same: their order stays.
    state.each_job([&](Job& job) {
        for (Run& run : job.queued) {
            run.queued_since.micros += step;
            run.not_before.micros += step;
        }
    });
    state.now = now;
    state.foreseen_until = std::min(state.foreseen_until, now);
    if (step >= 0 && step <= kSmallStepMicros) return false;
    const bool is_correction = step < -kLargestStepBackMicros;
    if (step < 0) {
        state.each_job([&](Job& job) { state.set_back(job, now, is_correction); });
    }
    // Only now, as jobs look at each other.
    state.each_job([&](Job& job) { state.settle(job, now, Passed::missed); });
    return is_correction;
}

// ---- What views show ---------------------------------------------------------------------------------------------------

std::size_t Scheduler::job_count() const {
    std::size_t count = 0;
    for (const auto& [oid, jobs] : state_->databases) count += jobs.size();
    return count;
}

std::string Scheduler::State::waiting_reason(const Job& job, base::Instant now) const {
    const Definition& definition = job.definition;
    if (!definition.broken.empty()) return definition.broken;
    if (definition.is_paused && (job.queued.empty() || !is_here(job)))
        return definition.paused_reason.empty() ? "paused" : "paused: " + definition.paused_reason;
    if (!is_here(job)) return fmt::format("only runs on a {}", name_of(definition.run_on));
    if (job.queued.empty()) {
        const bool is_early = definition.valid_from && *definition.valid_from > now;
        return is_early ? "valid from " + base::format_instant(*definition.valid_from, *definition.zone) : "";
    }
    const auto first = [&](Run::Place place) {
        return std::find_if(job.queued.begin(), job.queued.end(), [&](const Run& run) { return run.place == place; });
    };
    if (const auto run = first(Run::Place::ready); run != job.queued.end()) return queue.describe(*run->lane);
    if (first(Run::Place::held) != job.queued.end()) return "an earlier run is still running";
    const Run& run = job.queued.front();
    if (!run.reason.empty()) return run.reason;
    return fmt::format("retry {} of {} begins at {}", run.attempt - 1, definition.retry.limit,
                       base::format_instant(run.not_before, *definition.zone));
}

std::optional<JobStatus> Scheduler::status(JobKey key, base::Instant now) const {
    const Job* job = state_->find(key);
    if (!job) return std::nullopt;
    const Definition& definition = job->definition;
    JobStatus status;
    status.queued = static_cast<int>(job->queued.size());
    status.running = static_cast<int>(job->active.size());
    status.skipped = job->skipped;
    status.waiting_reason = state_->waiting_reason(*job, now);
    status.handled_until = job->handled;
    for (const Run& run : job->queued) {
        if (!status.waiting && run.kind != Kind::manual) status.waiting = Waiting{run.due, run.kind, run.attempt};
        if (!status.queued_since || run.queued_since < *status.queued_since) status.queued_since = run.queued_since;
        if (run.handled_before && *run.handled_before < *status.handled_until)
            status.handled_until = run.handled_before;
    }
    if (status.handled_until->micros == base::kMinMicros) status.handled_until.reset();
    if (!job->is_off) status.next_run = job->next;
    if (definition.is_paused && definition.paused_until && definition.broken.empty() && state_->is_here(*job))
        status.next_run = next_due(definition, std::max(job->handled, *definition.paused_until));

    const bool is_timed = definition.run_at || (definition.schedule && !definition.schedule->event());
    const bool has_edges =
        !definition.after.empty() || !definition.on_success.empty() || !definition.on_failure.empty();
    if (status.running > 0) {
        status.state = JobState::running;
    } else if (!definition.broken.empty()) {
        status.state = JobState::broken;
    } else if (definition.is_paused) {
        status.state = JobState::paused;
    } else if (status.queued > 0) {
        status.state = JobState::queued;
    } else if (is_timed && !has_edges && !job->next) {
        status.state = JobState::finished;
    }
    return status;
}

std::vector<JobKey> Scheduler::take_changed() {
    for (const JobKey& key : state_->changed)
        if (Job* job = state_->find(key)) job->is_changed = false;
    return std::exchange(state_->changed, {});
}

}  // namespace steward::schedule
