// SPDX-License-Identifier: PostgreSQL
//
// What is due, and what becomes of it: by the schedule, an event of the server, the end of another job.
#include <algorithm>

#include "schedule/missed.hpp"
#include "schedule/scheduler_state.hpp"

namespace steward::schedule {

namespace {

bool is_within(const Definition& job, base::Instant due, base::Instant now) {
    return !job.missed_within_micros || now.micros - due.micros <= *job.missed_within_micros;
}

bool is_failure(Outcome outcome) { return outcome != Outcome::succeeded && outcome != Outcome::cancelled; }

bool fits(RunOn run_on, bool is_standby) { return run_on == RunOn::any || (run_on == RunOn::standby) == is_standby; }

}  // namespace

bool Scheduler::State::is_here(const Job& job) const { return fits(job.definition.run_on, is_standby); }

bool Scheduler::State::begins_by_hand(const Job& job) const { return job.definition.broken.empty() && is_here(job); }

void Scheduler::State::set_wake(Job& job) {
    std::optional<base::Instant> wake;
    if (job.definition.is_paused) {
        wake = job.definition.paused_until;
    } else if (!job.is_off && !job.backlog) {
        wake = job.next;
    }
    if (wake == job.wake && wake.has_value() == job.timetable_hook.is_linked()) return;
    if (job.timetable_hook.is_linked()) timetable.erase(timetable.iterator_to(job));
    job.wake = wake;
    if (wake) timetable.insert(job);
}

bool Scheduler::State::offer(Job& job, base::Instant due, Kind kind, base::Instant now) {
    const std::size_t active = job.active.size();
    const std::size_t retries = job.waiting_retries();
    const std::size_t own = job.queued_by_itself() - retries;
    bool is_accepted = true;
    switch (job.definition.overlap) {
    case Overlap::skip: is_accepted = active == 0 && job.queued.size() == retries; break;
    case Overlap::queue: is_accepted = own == 0; break;
    case Overlap::replace: break;
    case Overlap::parallel: is_accepted = active + own <= job.capacity(); break;
    }
    if (!is_accepted) {
        ++job.skipped;
        mark(job);
        return false;
    }
    drop_queued(job, [](const Run& run) { return run.kind == Kind::retry; });
    if (job.definition.overlap == Overlap::replace) {
        job.skipped += drop_queued(job, [](const Run& run) { return run.kind != Kind::manual; });
        replace_active(job);
    }
    add_run(job, due, kind, now);
    return true;
}

// ---- By the schedule ---------------------------------------------------------------------------------------------------

void Scheduler::State::look_ahead(Job& job) { job.next = next_due(job.definition, job.handled); }

void Scheduler::State::skip_until(Job& job, base::Instant until) {
    job.skipped += count_due(job.definition, job.handled, until, kMaxCounted);
    job.handled = std::max(job.handled, until);
    look_ahead(job);
}

void Scheduler::State::make_up(Job& job, base::Instant now) {
    const Definition& definition = job.definition;
    if (definition.missed == Missed::all) {
        if (definition.missed_within_micros) skip_until(job, {now.micros - *definition.missed_within_micros - 1});
        job.backlog = Backlog{now};
        return;
    }
    const auto last = definition.missed == Missed::once ? last_due(definition, job.handled, now) : std::nullopt;
    if (!last || !is_within(definition, *last, now)) {
        skip_until(job, now);
        return;
    }
    offer(job, *last, Kind::missed, now);
    job.handled = now;
    look_ahead(job);
}

void Scheduler::State::catch_up(Job& job, base::Instant now) {
    const Definition& definition = job.definition;
    const bool is_free = job.active.empty() && job.queued_by_itself() == job.waiting_retries();
    const base::Instant newest = *last_due(definition, job.handled, now);
    const base::Instant before_newest{newest.micros - 1};
    if (definition.missed == Missed::all && is_free) {
        if (definition.missed_within_micros)
            skip_until(job, {std::min(before_newest.micros, now.micros - *definition.missed_within_micros - 1)});
        job.backlog = Backlog{before_newest};
        return;
    }
    bool is_first_queued = false;
    if (definition.missed == Missed::all) {
        // They meet an earlier run as they would have done in time.
        for (int left = kMaxMissedRuns; left > 0 && *job.next < newest; --left) {
            offer(job, *job.next, Kind::missed, now);
            job.handled = *job.next;
            look_ahead(job);
        }
        skip_until(job, before_newest);
    } else if (definition.missed == Missed::once && is_free) {
        const auto missed = last_due(definition, job.handled, before_newest);
        if (missed && is_within(definition, *missed, now)) {
            is_first_queued = offer(job, *missed, Kind::missed, now);
            job.handled = *missed;
        }
    } else {
        skip_until(job, before_newest);
    }
    // Both are queued where only one of them is late: the newest does not give way to the one it overtook.
    if (is_first_queued && definition.overlap != Overlap::replace) {
        add_run(job, newest, Kind::scheduled, now);
    } else {
        offer(job, newest, Kind::scheduled, now);
    }
    job.handled = newest;
    look_ahead(job);
}

void Scheduler::State::settle_schedule(Job& job, base::Instant now, Passed passed) {
    if (job.backlog || !job.next || *job.next > now) return;
    if (passed == Passed::missed) {
        make_up(job, now);
        return;
    }
    const base::Instant due = *job.next;
    const auto second = next_due(job.definition, due);
    if (second && *second <= now) {
        catch_up(job, now);
        return;
    }
    offer(job, due, Kind::scheduled, now);
    job.handled = due;
    job.next = second;
}

void Scheduler::State::draw_from_backlog(Job& job, base::Instant now) {
    while (job.backlog && job.queued_by_itself() == 0 && job.active.size() < job.capacity()) {
        const bool is_spent = job.backlog->left == 0;
        if (is_spent) skip_until(job, now);
        if (is_spent || !job.next || *job.next > now) {
            job.backlog.reset();
            // These could not be told apart from what was missed while `handled` was behind.
            settle_event(job, now);
            settle_edges(job, now);
        } else {
            --job.backlog->left;
            const base::Instant due = *job.next;
            add_run(job, due, due <= job.backlog->missed_until ? Kind::missed : Kind::scheduled, now);
            job.handled = due;
            look_ahead(job);
        }
    }
}

// ---- By what happens ---------------------------------------------------------------------------------------------------

void Scheduler::State::settle_event(Job& job, base::Instant now) {
    const Event* event = job.definition.schedule ? job.definition.schedule->event() : nullptr;
    if (!event || job.backlog) return;
    const auto& happening = happenings.at(static_cast<std::size_t>(*event));
    if (!happening || happening->at <= job.handled || !fits(job.definition.run_on, happening->is_standby)) return;
    if (is_allowed(job.definition, happening->at)) offer(job, happening->at, Kind::event, now);
    job.handled = happening->at;
}

void Scheduler::State::settle_edges(Job& job, base::Instant now) {
    const Definition& definition = job.definition;
    if (job.backlog) return;
    // The end of another job, when it is news to this one.
    const auto end_of = [&](std::int64_t id) -> const LastEnd* {
        const Job* other = find({definition.key.database, id});
        const bool is_news = other && other->last_end && other->last_end->is_final && other->last_end->at > job.handled;
        return is_news ? &*other->last_end : nullptr;
    };
    std::optional<base::Instant> fired;
    const auto note = [&](const LastEnd& end) { fired = fired ? std::max(*fired, end.at) : end.at; };
    bool is_complete = true;
    for (const auto id : definition.after) {
        const LastEnd* end = end_of(id);
        is_complete = is_complete && end;
        if (end) note(*end);
    }
    for (const auto id : definition.on_success) {
        const LastEnd* end = end_of(id);
        is_complete = is_complete && end && end->outcome == Outcome::succeeded;
        if (end) note(*end);
    }
    if (!is_complete) fired.reset();
    for (const auto id : definition.on_failure) {
        const LastEnd* end = end_of(id);
        if (end && is_failure(end->outcome)) note(*end);
    }
    if (!fired) return;
    if (is_allowed(definition, *fired)) offer(job, *fired, Kind::chained, now);
    job.handled = *fired;
}

// ---- All of it ---------------------------------------------------------------------------------------------------------

void Scheduler::State::settle(Job& job, base::Instant now, Passed passed) {
    if (!job.is_off) {
        settle_schedule(job, now, passed);
        settle_event(job, now);
        settle_edges(job, now);
    }
    advance(job, now);
}

void Scheduler::State::switch_job(Job& job, base::Instant now, Passed passed) {
    const Definition& definition = job.definition;
    job.is_off = definition.is_paused || !definition.broken.empty() || !is_here(job);
    if (definition.is_paused) {
        // What waits is given up, but for what somebody asked for; what falls due is not collected.
        job.backlog.reset();
        job.skipped += drop_queued(job, [](const Run& run) { return run.kind != Kind::manual; });
    }
    settle(job, now, passed);
}

void Scheduler::State::wake_up(Job& job, base::Instant now) {
    if (!job.definition.is_paused) {
        settle(job, now, Passed::late);
        return;
    }
    job.definition.is_paused = false;
    job.handled = std::max(job.handled, *job.definition.paused_until);
    look_ahead(job);
    switch_job(job, now, Passed::late);
}

void Scheduler::happened(Event event, base::Instant now) {
    state_->happenings.at(static_cast<std::size_t>(event)) =
        Happening{now, event != Event::promotion && state_->is_standby};
    state_->each_job([&](Job& job) {
        if (job.definition.schedule && job.definition.schedule->event()) state_->settle(job, now, Passed::late);
    });
}

void Scheduler::begin_standby_at(base::Instant since) { state_->standby_since = since; }

void Scheduler::set_standby(bool is_standby, base::Instant now) {
    if (state_->is_standby == is_standby) return;
    state_->is_standby = is_standby;
    state_->each_job([&](Job& job) {
        if (!state_->is_here(job)) {
            // Nobody is to wait here for what will not come.
            job.backlog.reset();
            job.skipped += state_->drop_queued(job, [](const Run& run) { return run.kind != Kind::manual; });
        }
        state_->switch_job(job, now, Passed::missed);
    });
}

}  // namespace steward::schedule
