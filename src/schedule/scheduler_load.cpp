// SPDX-License-Identifier: PostgreSQL
//
// Jobs as they are read from their database, for the first time or again.
#include <algorithm>
#include <utility>

#include "schedule/missed.hpp"
#include "schedule/scheduler_state.hpp"

namespace steward::schedule {

namespace {

constexpr base::Instant kNever{base::kMinMicros};

// A pause that is over is none.
void end_pause(Definition& job, base::Instant now) {
    if (!job.is_paused || !job.paused_until || *job.paused_until > now) return;
    job.is_paused = false;
    auto& handled = job.progress.handled_until;
    handled = std::max(handled.value_or(job.anchor), *job.paused_until);
}

// The future is only remembered where the clock was set back a little and nothing must be repeated.
base::Instant believed(const Definition& job, base::Instant handled, base::Instant now) {
    const bool is_kept = is_fixed(job) && handled.micros - now.micros <= kLargestStepBackMicros;
    return is_kept ? handled : std::min(handled, now);
}

// What the next run is counted from, as its database has it.
base::Instant handled_of(const Definition& job, base::Instant now) {
    if (job.run_at) return job.progress.handled_until.value_or(kNever);
    return believed(job, std::max(job.progress.handled_until.value_or(job.anchor), job.anchor), now);
}

// Given so lately that what was due since is late and not missed; or for an instant that had passed even then.
Passed passed_since(const Definition& job, base::Instant handled, base::Instant now) {
    const bool is_new = handled <= job.anchor && now.micros - job.anchor.micros <= kNewMicros;
    const bool is_backdated = job.run_at && *job.run_at <= job.anchor;
    return is_new || is_backdated ? Passed::late : Passed::missed;
}

std::optional<LastEnd> last_end_of(const Definition& job, base::Instant now) {
    const Progress& progress = job.progress;
    if (!progress.last_outcome || !progress.last_ended_at) return std::nullopt;
    const bool is_final = !is_retried(job.retry, *progress.last_outcome, progress.last_sqlstate, progress.last_attempt);
    return LastEnd{std::min(*progress.last_ended_at, now), *progress.last_outcome, is_final};
}

bool is_same_schedule(const Definition& a, const Definition& b) {
    const auto text = [](const Definition& job) { return job.schedule ? std::string_view(job.schedule->text) : ""; };
    return text(a) == text(b) && a.schedule.has_value() == b.schedule.has_value() && a.run_at == b.run_at &&
           a.anchor == b.anchor && a.zone->name() == b.zone->name() && a.valid_from == b.valid_from &&
           a.valid_until == b.valid_until && a.excluded_days == b.excluded_days;
}

bool is_retry(const Run& run) { return run.kind == Kind::retry; }

template <class Visit>
void each_predecessor(const Definition& job, Visit visit) {
    for (const auto* list : {&job.after, &job.on_success, &job.on_failure})
        for (const auto id : *list) visit(JobKey{job.key.database, id});
}

}  // namespace

void Scheduler::State::follow(const Job& job) {
    each_predecessor(job.definition, [&](JobKey key) { followers[key].push_back(job.key().job); });
}

void Scheduler::State::unfollow(const Job& job) {
    each_predecessor(job.definition, [&](JobKey key) {
        const auto found = followers.find(key);
        if (found == followers.end()) return;
        auto& ids = found->second;
        ids.erase(std::remove(ids.begin(), ids.end(), job.key().job), ids.end());
        if (ids.empty()) followers.erase(found);
    });
}

// A run that was under way before the job was known.
void Scheduler::State::attach(Job& job, Run& run) {
    if (run.lane != job.lane) {
        queue.vacate(run);
        run.lane = job.lane;
        queue.occupy(run);
    }
    run.job = &job;
    job.active.push_back(run);
    const bool is_own = run.kind != Kind::manual;
    // Read from the database before it had started there, it waits a second time.
    if (is_own) drop_queued(job, [&](const Run& other) { return other.kind != Kind::manual && other.due <= run.due; });
    if (is_own && run.kind != Kind::retry) {
        run.handled_before = job.handled;
        job.handled = std::max(job.handled, run.due);
    }
    look_ahead(job);
}

void Scheduler::State::resume_retry(Job& job, base::Instant now) {
    const Progress& progress = job.definition.progress;
    if (!job.last_end || job.last_end->is_final || !progress.last_due || !job.active.empty() ||
        job.definition.is_paused)
        return;
    // Without chance at hand, the number spreads them.
    const double jitter = static_cast<double>(static_cast<std::uint64_t>(job.key().job) % 100) / 100;
    Run& run = add_run(job, *progress.last_due, Kind::retry, now);
    run.attempt = progress.last_attempt + 1;
    run.not_before = {job.last_end->at.micros + backoff_micros(job.definition.retry, progress.last_attempt, jitter)};
}

Passed Scheduler::State::add_job(Definition definition, base::Instant now) {
    const JobKey key = definition.key;
    end_pause(definition, now);
    Job& job = databases[key.database].try_emplace(key.job, std::move(definition)).first->second;
    job.lane = &queue.lane(key.database, job.definition.group);
    queue.set_group_limit(*job.lane, job.definition.group.empty() ? 0 : job.definition.group_limit);
    job.is_loaded = true;
    job.handled = handled_of(job.definition, now);
    if (is_standby && standby_since && is_here(job))
        job.handled = std::max(job.handled, believed(job.definition, *standby_since, now));
    job.last_end = last_end_of(job.definition, now);
    const Passed passed = passed_since(job.definition, job.handled, now);
    if (const auto found = adopted.find(key); found != adopted.end()) {
        for (Run* run : found->second) attach(job, *run);
        adopted.erase(found);
    }
    resume_retry(job, now);
    look_ahead(job);
    follow(job);
    return passed;
}

// An end that the database knows of and nobody told: on the primary that this server was a standby of.
void Scheduler::State::take_over_end(Job& job, base::Instant now) {
    const auto end = last_end_of(job.definition, now);
    if (!end || (job.last_end && end->at <= job.last_end->at)) return;
    job.last_end = end;
    drop_queued(job, is_retry);
    resume_retry(job, now);
}

Passed Scheduler::State::change_job(Job& job, Definition definition, base::Instant now) {
    end_pause(definition, now);
    const Definition old = std::exchange(job.definition, std::move(definition));
    const Definition& given = job.definition;
    job.is_loaded = true;
    Passed passed = job.is_off ? Passed::missed : Passed::late;

    if (!is_same_schedule(old, given)) {
        job.backlog.reset();
        drop_queued(job, [](const Run& run) { return run.kind == Kind::scheduled || run.kind == Kind::missed; });
        if (given.run_at) {
            const bool is_done = old.run_at == given.run_at && job.handled >= *given.run_at;
            if (!is_done) job.handled = kNever;
        } else if (given.anchor != old.anchor) {
            job.handled = std::max(handled_of(given, now), std::min(job.handled, now));
        } else {
            job.handled = std::max(job.handled, now);
        }
        passed = passed_since(given, job.handled, now);
    } else if (const auto until = given.progress.handled_until; until && *until > job.handled && *until <= now) {
        job.handled = *until;  // somebody else ran it: the primary that this server was a standby of
        drop_queued(job, is_retry);
    }
    if (old.is_paused && !given.is_paused && !given.run_at) job.handled = std::max(job.handled, now);
    take_over_end(job, now);

    Lane* lane = &queue.lane(given.key.database, given.group);
    queue.set_group_limit(*lane, given.group.empty() ? 0 : given.group_limit);
    if (lane != job.lane || given.priority != old.priority) hold(job);
    job.lane = lane;
    if (old.after != given.after || old.on_success != given.on_success || old.on_failure != given.on_failure) {
        each_predecessor(old, [&](JobKey key) { std::erase(followers[key], given.key.job); });
        follow(job);
    }
    look_ahead(job);
    return passed;
}

void Scheduler::State::remove_job(Job& job) {
    drop_queued(job, [](const Run&) { return true; });
    while (!job.active.empty()) {
        job.active.front().job = nullptr;
        job.active.pop_front();
    }
    if (job.timetable_hook.is_linked()) timetable.erase(timetable.iterator_to(job));
    unfollow(job);
    mark(job);
}

void Scheduler::load(std::uint32_t database, std::vector<Definition> definitions, base::Instant now) {
    State& state = *state_;
    auto& jobs = state.databases[database];
    for (auto& [id, job] : jobs) job.is_loaded = false;
    std::vector<std::pair<std::int64_t, Passed>> loaded;
    loaded.reserve(definitions.size());
    for (Definition& definition : definitions) {
        definition.key.database = database;
        const std::int64_t id = definition.key.job;
        const auto found = jobs.find(id);
        loaded.emplace_back(id, found == jobs.end() ? state.add_job(std::move(definition), now)
                                                    : state.change_job(found->second, std::move(definition), now));
    }
    for (auto it = jobs.begin(); it != jobs.end();) {
        if (it->second.is_loaded) {
            ++it;
            continue;
        }
        state.remove_job(it->second);
        it = jobs.erase(it);
    }
    // Only now, as jobs look at each other.
    for (const auto& [id, passed] : loaded) state.switch_job(jobs.at(id), now, passed);
}

void Scheduler::forget(std::uint32_t database) {
    const auto found = state_->databases.find(database);
    if (found == state_->databases.end()) return;
    for (auto& [id, job] : found->second) state_->remove_job(job);
    state_->databases.erase(found);
    state_->queue.forget(database);
}

std::uint64_t Scheduler::adopt(RunId id, JobKey key, base::Instant due, Kind kind, int attempt) {
    if (const auto known = state_->active_by_id.find(id); known != state_->active_by_id.end())
        return known->second->ticket;
    const std::uint64_t ticket = ++state_->last_ticket;
    Run& run = state_->runs[ticket];
    run.ticket = ticket;
    run.id = id;
    run.key = key;
    run.due = due;
    run.kind = kind;
    run.attempt = attempt;
    run.place = Run::Place::running;
    state_->active_by_id[id] = &run;
    Job* job = state_->find(key);
    run.lane = job ? job->lane : &state_->queue.lane(key.database, "");
    state_->queue.occupy(run);
    if (job) {
        state_->attach(*job, run);
        state_->advance(*job, state_->now);
    } else {
        state_->adopted[key].push_back(&run);
    }
    return ticket;
}

}  // namespace steward::schedule
