// SPDX-License-Identifier: PostgreSQL
#include "schedule/starts_pg.hpp"

#include <algorithm>

#include "base/backoff.hpp"
#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/worker.hpp"
#include "pg/zone.hpp"

namespace steward::schedule {

namespace {

constexpr std::int64_t kStopGraceMicros = std::int64_t{kStopGraceMillis} * 1000;
constexpr std::int64_t kFalseStartMicros = base::kMicrosPerSecond;
constexpr std::int64_t kMostFalseStartMicros = 4 * base::kMicrosPerMinute;
constexpr std::int64_t kRecordAgainMicros = base::kMicrosPerSecond;
constexpr std::int64_t kMostRecordAgainMicros = 5 * base::kMicrosPerMinute;
constexpr char kCancelled[] = "cancelled before it began";

}  // namespace

void Starts::adopt() {
    {
        // Whom an earlier launcher has made ready for a run, it can be given none any more.
        pg::Locked locked(shared().lock);
        for (RunSlot& run : shared().runs)
            if (run.state == RunState::ready || (run.state == RunState::ended && run.run == 0))
                dismiss(run);
            else if (run.state == RunState::starting && run.latch != nullptr)
                // It may have been given its run without having been woken.
                SetLatch(run.latch);
    }
    std::vector<RunSlot> runs = copy_of_slots();
    for (int slot = 0; slot < kMaxRuns; ++slot) {
        const RunSlot& run = runs[static_cast<std::size_t>(slot)];
        if (run.state != RunState::starting && run.state != RunState::running && run.state != RunState::ended) continue;
        workers_[slot].ticket =
            brain_.adopt(run.run, key_of(run), pg::from_server(run.due), static_cast<Kind>(run.kind), run.attempt);
    }
}

void Starts::carry_out(const std::vector<Action>& actions, base::Instant now) {
    for (const Action& action : actions) {
        if (const auto* begin = std::get_if<Start>(&action)) {
            start(*begin, now);
        } else {
            pg::Locked locked(shared().lock);
            for (RunSlot& run : shared().runs) {
                bool is_under_way = run.state == RunState::starting || run.state == RunState::running;
                if (run.run != std::get<Cancel>(action).run || !is_under_way) continue;
                if (run.stop == Stop::no) run.stop = Stop::replaced;
                // One that starts looks by itself before its command begins.
                if (run.state == RunState::running) kill(run.pid, SIGINT);
            }
        }
    }
    // All at once and at last: a worker that is awake wants the lock, and the others would wait behind it for theirs.
    for (Latch* latch : to_wake_) SetLatch(latch);
    to_wake_.clear();
}

void Starts::start(const Start& start, base::Instant now) {
    if (std::optional<Pool::Hired> hired = pool_.hire(start)) {
        workers_[hired->slot] = Worker{start.ticket, hired->handle, std::nullopt};
        if (hired->latch != nullptr) to_wake_.push_back(hired->latch);
        return brain_.started(start.ticket, hired->run);
    }
    if (running() + pool_.size() >= most_) pool_.make_room();
    int slot = prepare_slot(start);
    if (slot < 0) {
        std::string reason = fmt::format("{} runs wait or run already", kMaxRuns);
        return brain_.not_started(start.ticket, reason, kNoSlotMicros, true, now);
    }
    BackgroundWorkerHandle* handle = pg::start_worker("steward_schedule_run", "pg_steward run", worker_argument(slot));
    if (handle == nullptr) {
        {
            pg::Locked locked(shared().lock);
            shared().runs[slot].state = start.run != 0 ? RunState::requested : RunState::free;
        }
        // The next try finds the place of one that has gone.
        pool_.make_room();
        return brain_.not_started(start.ticket, "no background worker is free (max_worker_processes)", kNoSlotMicros,
                                  true, now);
    }
    workers_[slot] = Worker{start.ticket, handle, std::nullopt};
    brain_.started(start.ticket, shared().runs[slot].run);
}

void Starts::make_ready(const std::vector<Upcoming>& upcoming, int most, base::Instant now) {
    most_ = most;
    pool_.send_unneeded(now);
    for (int over = running() + pool_.size() - most; over > 0; --over) pool_.make_room();
    pool_.make_ready(upcoming, most - running());
}

// ---- What becomes of runs ----------------------------------------------------------------------------------------------

Starts::Attention Starts::collect(base::Instant now, bool is_standby) {
    Attention attention;
    std::vector<RunSlot> runs = copy_of_slots();
    for (int slot = 0; slot < kMaxRuns; ++slot) {
        const RunSlot& run = runs[static_cast<std::size_t>(slot)];
        switch (run.state) {
        case RunState::free:
        case RunState::reserved:
        case RunState::ready: break;
        case RunState::requested:
            if (run.stop != Stop::no) {
                brain_.cancel(run.run);
                give_up(slot, kCancelled, now, is_standby);
                attention.to_record.push_back(run.database);
            } else if (!brain_.request(run.run, key_of(run), now)) {
                // A job that is not known may have been made in the same transaction.
                attention.to_reload.push_back(run.database);
            }
            break;
        case RunState::starting: {
            auto worker = workers_.find(slot);
            // It ended without having claimed the slot: the postmaster could not start it, or it was cancelled first.
            if (worker == workers_.end() || worker->second.handle == nullptr) break;
            if (run.pid == 0 && pg::has_stopped(worker->second.handle))
                could_not_begin(slot, run, now, is_standby, attention);
            break;
        }
        case RunState::running: insist(slot, run, now); break;
        case RunState::ended: end(slot, run, now, is_standby, attention); break;
        }
    }
    return attention;
}

void Starts::insist(int slot, const RunSlot& run, base::Instant now) {
    if (run.stop == Stop::no) return;
    std::optional<base::Instant>& terminate_at = workers_[slot].terminate_at;
    if (!terminate_at) terminate_at = base::Instant{now.micros + kStopGraceMicros};
    if (now < *terminate_at) return;
    kill(run.pid, SIGTERM);
    terminate_at = base::Instant{now.micros + kStopGraceMicros};
}

void Starts::could_not_begin(int slot, const RunSlot& run, base::Instant now, bool is_standby, Attention& attention) {
    Worker worker = workers_[slot];
    workers_.erase(slot);
    if (worker.handle != nullptr) pg::release(worker.handle);
    if (run.stop != Stop::no) {
        RunEnd end{run.run, key_of(run), Outcome::cancelled, run.sqlstate, run.attempt, pg::from_server(run.due), now};
        brain_.ended(end, 0);
        give_up(slot, run.stop == Stop::replaced ? "replaced before it began" : kCancelled, now, is_standby);
        return attention.to_record.push_back(run.database);
    }
    std::string reason = run.message[0] != '\0' ? run.message : "its worker could not be started";
    std::int64_t wait = base::backoff(kFalseStartMicros, ++false_starts_[key_of(run)], kMostFalseStartMicros);
    attention.to_reload.push_back(run.database);
    brain_.not_started(worker.ticket, reason, wait, false, now);
    pg::Locked locked(shared().lock);
    bool is_by_hand = static_cast<Kind>(run.kind) == Kind::manual;
    shared().runs[slot].state = is_by_hand ? RunState::requested : RunState::free;
    shared().runs[slot].pid = 0;
    shared().runs[slot].token = ++shared().last_token;
}

// It ends without having begun. The next loader writes that down; on a standby nobody can.
void Starts::give_up(int slot, const char* why, base::Instant now, bool is_standby) {
    pg::Locked locked(shared().lock);
    RunSlot& run = shared().runs[slot];
    run.state = is_standby ? RunState::free : RunState::ended;
    run.is_recorded = false;
    run.outcome = static_cast<std::uint8_t>(Outcome::cancelled);
    run.pid = 0;
    run.ended_at = pg::to_server(now);
    copy_text(run.message, sizeof(run.message), why);
}

void Starts::end(int slot, const RunSlot& run, base::Instant now, bool is_standby, Attention& attention) {
    // Made ready for nothing: it is sent away, or replaced when its run is due.
    if (run.run == 0) return pool_.ended(slot);
    auto worker = workers_.find(slot);
    if (worker == workers_.end()) {
        // Told already; it waits to be recorded.
        if (!run.is_recorded) ask_to_record(run.database, now, attention);
        return;
    }
    if (run.started_at == 0) return could_not_begin(slot, run, now, is_standby, attention);
    false_starts_.erase(key_of(run));
    RunEnd end{run.run,
               key_of(run),
               static_cast<Outcome>(run.outcome),
               run.sqlstate,
               run.attempt,
               pg::from_server(run.due),
               pg::from_server(run.ended_at)};
    brain_.ended(end, pg::random_fraction());
    BackgroundWorkerHandle* handle = worker->second.handle;
    workers_.erase(worker);
    if (handle != nullptr && run.stays) return pool_.keep(slot, handle);
    if (handle != nullptr) pg::release(handle);
    if (run.is_recorded || is_standby)
        free_slot(slot);
    else
        attention.to_record.push_back(run.database);
}

LoadRequest Starts::request_for(Oid database) {
    LoadRequest request;
    old_requests_.clear();
    std::vector<RunSlot> runs = copy_of_slots();
    for (int slot = 0; slot < kMaxRuns; ++slot) {
        const RunSlot& run = runs[static_cast<std::size_t>(slot)];
        if (run.database != database) continue;
        if (run.state == RunState::requested) old_requests_.insert(run.run);
        if (run.state == RunState::starting || run.state == RunState::running) request.under_way.push_back(run.run);
        // One that has not begun may still begin another time, until that is looked at.
        bool is_begun_or_given_up = run.started_at != 0 || workers_.count(slot) == 0;
        if (run.state != RunState::ended || run.run == 0 || run.is_recorded || !is_begun_or_given_up) continue;
        request.under_way.push_back(run.run);
        request.lost.push_back(record_of(run));
    }
    return request;
}

// Runs for which an earlier launcher asked for a worker that has not come: nobody can say any more whether it will. From now
// on one that comes all the same finds another token.
void Starts::take_back_orphans(Oid database, base::Instant now, bool is_standby) {
    std::vector<int> orphans;
    orphans.reserve(workers_.size());
    {
        pg::Locked locked(shared().lock);
        for (const auto& [slot, worker] : workers_) {
            RunSlot& run = shared().runs[slot];
            if (worker.handle != nullptr || run.database != database || run.state != RunState::starting || run.pid != 0)
                continue;
            run.token = ++shared().last_token;
            orphans.push_back(slot);
        }
    }
    Attention is_being_read;
    for (int slot : orphans) {
        const RunSlot run = shared().runs[slot];
        could_not_begin(slot, run, now, is_standby, is_being_read);
    }
}

void Starts::drop_unknown_requests(Oid database, base::Instant now, bool is_standby) {
    take_back_orphans(database, now, is_standby);
    std::vector<RunSlot> runs = copy_of_slots();
    for (int slot = 0; slot < kMaxRuns; ++slot) {
        const RunSlot& run = runs[static_cast<std::size_t>(slot)];
        if (run.state != RunState::requested || run.database != database) continue;
        if (!brain_.request(run.run, key_of(run), now) && old_requests_.count(run.run) != 0)
            give_up(slot, "the job is gone", now, is_standby);
    }
}

void Starts::note_handled(JobKey job, base::Instant handled_until) {
    pg::Locked locked(shared().lock);
    RunSlot* const runs = shared().runs;
    TimestampTz handled = pg::to_server(handled_until);
    // One that has not begun may be lost with the server, and is due again then.
    for (const auto& [slot, worker] : workers_)
        if (runs[slot].state == RunState::starting && key_of(runs[slot]) == job)
            handled = std::min(handled, runs[slot].due - 1);
    for (const auto& [slot, worker] : workers_)
        if (key_of(runs[slot]) == job) runs[slot].handled_until = handled;
}

void Starts::recorded(Oid database, const LoadEnd& end, base::Instant now) {
    bool is_any_left = false;
    {
        pg::Locked locked(shared().lock);
        for (RunSlot& run : shared().runs) {
            if (run.database != database || run.state != RunState::ended || run.run == 0 || run.is_recorded) continue;
            bool is_done = std::find(end.recorded.begin(), end.recorded.end(), run.run) != end.recorded.end();
            if (is_done) run.state = RunState::free;
            is_any_left |= !is_done;
        }
    }
    if (!is_any_left) {
        record_again_.erase(database);
        return;
    }
    RecordAgain& again = record_again_[database];
    again.at = base::Instant{now.micros + base::backoff(kRecordAgainMicros, ++again.failures, kMostRecordAgainMicros)};
    if (end.refusal.empty() || again.is_told) return;
    again.is_told = true;
    const char* refusal = end.refusal.c_str();
    pg::call([&] {
        ereport(LOG, (errmsg("could not record a run in the database with OID %u: %s", database, refusal),
                      errhint("It is tried again, at most five minutes apart, until it succeeds.")));
    });
}

void Starts::ask_to_record(Oid database, base::Instant now, Attention& attention) {
    auto later = record_again_.find(database);
    if (later != record_again_.end() && later->second.at && now < *later->second.at) return;
    if (later != record_again_.end()) later->second.at.reset();
    attention.to_record.push_back(database);
}

void Starts::forget(Oid database) {
    pool_.forget(database);
    record_again_.erase(database);
    constexpr bool is_not_recorded = true;
    take_back_orphans(database, pg::now(), is_not_recorded);
    pg::Locked locked(shared().lock);
    for (int slot = 0; slot < kMaxRuns; ++slot) {
        RunSlot& run = shared().runs[slot];
        if (run.database != database || workers_.count(slot) != 0) continue;
        if (run.state == RunState::requested || run.state == RunState::ended) run.state = RunState::free;
    }
}

std::optional<base::Instant> Starts::next_wake() const {
    std::optional<base::Instant> first = pool_.next_wake();
    for (const auto& [slot, worker] : workers_)
        if (worker.terminate_at && (!first || *worker.terminate_at < *first)) first = worker.terminate_at;
    for (const auto& [database, again] : record_again_)
        if (again.at && (!first || *again.at < *first)) first = again.at;
    return first;
}

}  // namespace steward::schedule
