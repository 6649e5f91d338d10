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
// Without a free worker slot nothing starts for this long, or until some worker of ours ends.
constexpr std::int64_t kNoSlotMicros = base::kMicrosPerSecond / 2;
constexpr std::int64_t kFalseStartMicros = base::kMicrosPerSecond;
constexpr std::int64_t kMostFalseStartMicros = 4 * base::kMicrosPerMinute;
constexpr std::int64_t kRecordAgainMicros = base::kMicrosPerSecond;
constexpr char kCancelled[] = "cancelled before it began";

JobKey key_of(const RunSlot& run) { return {run.database, run.job}; }

std::vector<RunSlot> copy_of_slots() {
    std::vector<RunSlot> runs(kMaxRuns);
    pg::Locked locked(shared().lock, LW_SHARED);
    std::copy(std::begin(shared().runs), std::end(shared().runs), runs.begin());
    return runs;
}

Datum packed(int slot, std::uint32_t token) {
    return Int64GetDatum(
        static_cast<std::int64_t>((static_cast<std::uint64_t>(token) << 32U) | static_cast<std::uint32_t>(slot)));
}

void fill(RunSlot& run, const Start& start, RunId number) noexcept {
    run.state = RunState::starting;
    run.is_marked = start.is_marked;
    run.kind = static_cast<std::uint8_t>(start.kind);
    run.attempt = start.attempt;
    run.run = number;
    run.due = pg::to_server(start.due);
}

// A run by hand has its slot already.
int prepare_slot(const Start& start, std::uint32_t* token) noexcept {
    Shared& state = shared();
    pg::Locked locked(state.lock);
    int slot = -1;
    for (int i = 0; i < kMaxRuns && start.run != 0 && slot < 0; ++i)
        if (state.runs[i].state == RunState::requested && state.runs[i].run == start.run) slot = i;
    if (slot < 0) slot = find_free_run(state);
    if (slot < 0) return slot;
    RunSlot& run = state.runs[slot];
    RunId number = start.run != 0 ? start.run : next_run_number(state);
    run = RunSlot{};
    run.token = *token = ++state.last_token;
    run.database = start.job.database;
    run.role = start.role;
    run.job = start.job.job;
    fill(run, start, number);
    return slot;
}

int prepare_spare(const Upcoming& upcoming, std::uint32_t* token) noexcept {
    Shared& state = shared();
    pg::Locked locked(state.lock);
    int slot = find_free_run(state);
    if (slot < 0) return slot;
    RunSlot& run = state.runs[slot];
    run = RunSlot{};
    run.state = RunState::ready;
    run.token = *token = ++state.last_token;
    run.database = upcoming.job.database;
    run.role = upcoming.role;
    run.job = upcoming.job.job;
    return slot;
}

// Under the lock. A worker that has not come yet finds another token.
void dismiss(RunSlot& run) noexcept {
    if (run.state == RunState::ready && run.latch != nullptr) SetLatch(run.latch);
    run.state = RunState::free;
    run.token = ++shared().last_token;
}

}  // namespace

void Starts::adopt() {
    {
        // Whom an earlier launcher has made ready for a run, it can be given none any more.
        pg::Locked locked(shared().lock);
        for (RunSlot& run : shared().runs)
            if (run.state == RunState::ready || (run.state == RunState::ended && run.run == 0)) dismiss(run);
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
}

void Starts::start(const Start& start, base::Instant now) {
    if (hand_over(start)) return;
    make_room();
    std::uint32_t token = 0;
    int slot = prepare_slot(start, &token);
    if (slot < 0) {
        std::string reason = fmt::format("{} runs wait or run already", kMaxRuns);
        return brain_.not_started(start.ticket, reason, kNoSlotMicros, true, now);
    }
    RunId run = shared().runs[slot].run;
    std::string title = fmt::format("pg_steward run {}", run);
    BackgroundWorkerHandle* handle = pg::start_worker("steward_schedule_run", title.c_str(), packed(slot, token));
    if (handle == nullptr) {
        {
            pg::Locked locked(shared().lock);
            shared().runs[slot].state = start.run != 0 ? RunState::requested : RunState::free;
        }
        return brain_.not_started(start.ticket, "no background worker is free (max_worker_processes)", kNoSlotMicros,
                                  true, now);
    }
    workers_[slot] = Worker{start.ticket, handle, std::nullopt};
    brain_.started(start.ticket, run);
}

// ---- Workers that are ready before their run is due --------------------------------------------------------------------

bool Starts::hand_over(const Start& start) {
    auto spare = spares_.find(start.job);
    if (spare == spares_.end() || start.run != 0) return false;
    const int slot = spare->second.slot;
    RunId number = 0;
    {
        pg::Locked locked(shared().lock);
        RunSlot& run = shared().runs[slot];
        if (run.state == RunState::ready && run.role == start.role) {
            number = next_run_number(shared());
            fill(run, start, number);
            if (run.latch != nullptr) SetLatch(run.latch);
        }
    }
    if (number == 0) {
        send_away(spare);
        return false;
    }
    workers_[slot] = Worker{start.ticket, spare->second.handle, std::nullopt};
    spares_.erase(spare);
    brain_.started(start.ticket, number);
    return true;
}

std::map<JobKey, Starts::Spare>::iterator Starts::send_away(std::map<JobKey, Spare>::iterator spare) {
    {
        pg::Locked locked(shared().lock);
        dismiss(shared().runs[spare->second.slot]);
    }
    pg::release(spare->second.handle);
    return spares_.erase(spare);
}

// A run that is due goes before those to come.
void Starts::make_room() {
    if (spares_.empty() || static_cast<int>(workers_.size() + spares_.size()) < most_) return;
    send_away(std::max_element(spares_.begin(), spares_.end(),
                               [](const auto& a, const auto& b) { return a.second.due < b.second.due; }));
}

void Starts::make_one_ready(const Upcoming& upcoming) {
    std::uint32_t token = 0;
    int slot = prepare_spare(upcoming, &token);
    if (slot < 0) return;
    BackgroundWorkerHandle* handle = pg::start_worker("steward_schedule_run", "pg_steward run", packed(slot, token));
    if (handle == nullptr) return free_slot(slot);
    spares_[upcoming.job] = Spare{slot, upcoming.due, handle};
}

void Starts::make_ready(const std::vector<Upcoming>& upcoming, int most, base::Instant now) {
    most_ = most;
    // Their instant has come and gone, or the clock was set back.
    for (auto spare = spares_.begin(); spare != spares_.end();) {
        const base::Instant due = spare->second.due;
        spare = due <= now || due.micros - now.micros > 2 * kLeadMicros ? send_away(spare) : std::next(spare);
    }
    for (const Upcoming& next : upcoming) {
        if (static_cast<int>(workers_.size() + spares_.size()) >= most) return;
        if (spares_.count(next.job) == 0) make_one_ready(next);
    }
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
    if (run.run == 0) return;
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
    if (worker->second.handle != nullptr) pg::release(worker->second.handle);
    workers_.erase(worker);
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

void Starts::drop_unknown_requests(Oid database, base::Instant now, bool is_standby) {
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

void Starts::recorded(Oid database, const std::vector<RunId>& recorded, base::Instant now) {
    bool is_any_left = false;
    {
        pg::Locked locked(shared().lock);
        for (RunSlot& run : shared().runs) {
            if (run.database != database || run.state != RunState::ended || run.run == 0 || run.is_recorded) continue;
            bool is_done = std::find(recorded.begin(), recorded.end(), run.run) != recorded.end();
            if (is_done) run.state = RunState::free;
            is_any_left |= !is_done;
        }
    }
    record_again_.erase(database);
    if (is_any_left) record_again_[database] = {now.micros + kRecordAgainMicros};
}

void Starts::ask_to_record(Oid database, base::Instant now, Attention& attention) {
    auto later = record_again_.find(database);
    if (later != record_again_.end() && now < later->second) return;
    if (later != record_again_.end()) record_again_.erase(later);
    attention.to_record.push_back(database);
}

void Starts::forget(Oid database) {
    for (auto spare = spares_.begin(); spare != spares_.end();)
        spare = spare->first.database == database ? send_away(spare) : std::next(spare);
    record_again_.erase(database);
    pg::Locked locked(shared().lock);
    for (int slot = 0; slot < kMaxRuns; ++slot) {
        RunSlot& run = shared().runs[slot];
        if (run.database != database || workers_.count(slot) != 0) continue;
        if (run.state == RunState::requested || run.state == RunState::ended) run.state = RunState::free;
    }
}

void Starts::free_slot(int slot) {
    pg::Locked locked(shared().lock);
    shared().runs[slot].state = RunState::free;
}

std::optional<base::Instant> Starts::next_wake() const {
    std::optional<base::Instant> first;
    for (const auto& [slot, worker] : workers_)
        if (worker.terminate_at && (!first || *worker.terminate_at < *first)) first = worker.terminate_at;
    for (const auto& [job, spare] : spares_)
        if (!first || spare.due < *first) first = spare.due;
    for (const auto& [database, again] : record_again_)
        if (!first || again < *first) first = again;
    return first;
}

}  // namespace steward::schedule
