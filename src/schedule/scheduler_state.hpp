// SPDX-License-Identifier: PostgreSQL
//
// What the scheduler remembers. A job is in the timetable under its next instant: its next due run, or the end of its pause.
//
//   job.handled   all that was due up to here was queued, skipped or given up: what the next due run is counted from
//   job.backlog   missed runs that are made up for one by one: while there is one, what falls due joins its end
//   job.queued    runs that are due, in this order; as many of them as the overlap policy lets are in the RunQueue
//   job.active    runs that start or run
#pragma once

#include <boost/intrusive/set.hpp>

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "schedule/run_queue.hpp"
#include "schedule/scheduler.hpp"

namespace steward::schedule {

// A job that was given within this time before it is first seen has missed nothing: what was due since is merely late.
inline constexpr std::int64_t kNewMicros = base::kMicrosPerMinute;
// A clock set forward by no more than this only makes tick() late.
inline constexpr std::int64_t kSmallStepMicros = 5 * base::kMicrosPerMinute;

// Of runs that are given up at once no more than this are counted.
inline constexpr int kMaxCounted = 100;

// Runs that passed without being started: nobody was there, or tick() came late.
enum class Passed { missed, late };

struct Backlog {
    base::Instant missed_until;  // what was due later is not missed any more, only late
    int left = kMaxMissedRuns;
};

// How a job's last run ended, as far as other jobs wait for it.
struct LastEnd {
    base::Instant at;
    Outcome outcome = Outcome::succeeded;
    bool is_final = true;  // it is not tried again
};

struct Job {
    explicit Job(Definition given) : definition(std::move(given)) {}

    Definition definition;
    base::Instant handled;
    std::optional<base::Instant> next;  // what falls due next
    std::optional<base::Instant> wake;  // where it is in the timetable
    std::optional<Backlog> backlog;
    std::optional<LastEnd> last_end;
    JobRuns queued;
    JobRuns active;
    Lane* lane = nullptr;
    std::int64_t skipped = 0;
    bool is_off = true;  // paused, broken, or on a server that is not for it
    bool is_changed = false;
    bool is_loaded = false;  // seen in the load under way
    SetHook timetable_hook;

    const JobKey& key() const { return definition.key; }
    // So many runs of it may be active at once.
    std::size_t capacity() const;
    std::size_t waiting_retries() const;
    // Queued runs but for those somebody asked for by hand.
    std::size_t queued_by_itself() const;
};

struct WakeOrder {
    bool operator()(const Job& a, const Job& b) const {
        return *a.wake != *b.wake ? *a.wake < *b.wake : a.key() < b.key();
    }
};
struct WakesAfter {
    bool operator()(base::Instant at, const Job& job) const { return at < *job.wake; }
    bool operator()(const Job& job, base::Instant at) const { return *job.wake < at; }
};
using Timetable =
    intrusive::set<Job, intrusive::member_hook<Job, SetHook, &Job::timetable_hook>, intrusive::compare<WakeOrder>>;

struct Happening {
    base::Instant at;
    bool is_standby = false;  // on a standby
};

struct Scheduler::State {
    ~State();

    // By database and number; the addresses of jobs and runs stay.
    std::map<std::uint32_t, std::unordered_map<std::int64_t, Job>> databases;
    // Which jobs wait for the end of this one.
    std::map<JobKey, std::vector<std::int64_t>> followers;
    std::unordered_map<std::uint64_t, Run> runs;  // by ticket
    std::unordered_map<RunId, Run*> active_by_id;
    std::unordered_map<RunId, Run*> queued_by_id;
    RunQueue queue;
    Timetable timetable;
    std::map<JobKey, std::vector<Run*>> adopted;         // runs whose jobs are not loaded yet
    std::array<std::optional<Happening>, 3> happenings;  // by Event
    std::vector<RunId> cancels;                          // of runs that have to give way
    std::vector<JobKey> changed;
    std::vector<Upcoming> upcoming;
    base::Instant foreseen_until{base::kMinMicros};  // what is in the timetable up to here was told
    std::uint64_t last_ticket = 0;
    base::Instant now;  // of the last tick
    bool is_standby = false;
    std::optional<base::Instant> standby_since;

    // ---- scheduler.cpp
    Job* find(JobKey key);
    void mark(Job& job);
    void set_back(Job& job, base::Instant to, bool is_correction);
    template <class Visit>
    void each_job(Visit visit) {
        for (auto& [oid, jobs] : databases)
            for (auto& [id, job] : jobs) visit(job);
    }

    // ---- scheduler_runs.cpp: runs in and out of the queue
    Run& add_run(Job& job, base::Instant due, Kind kind, base::Instant now);
    void drop_run(Run& run);
    template <class Which>
    int drop_queued(Job& job, Which which);
    // Lets as many queued runs into the RunQueue as the overlap policy allows, takes the next ones from the backlog, and
    // puts the job where it belongs in the timetable.
    void advance(Job& job, base::Instant now);
    void hold(Job& job);
    void replace_active(Job& job);
    void start(Run& run, std::vector<Action>& actions, base::Instant now);
    void foresee(base::Instant now);
    void detach(Run& run);  // of an active run: it has ended, or goes back

    // ---- scheduler_due.cpp: what is due
    bool is_here(const Job& job) const;
    // Whether runs that somebody asked for begin: a pause, in which nothing else waits, does not hold them back.
    bool begins_by_hand(const Job& job) const;
    void set_wake(Job& job);
    // After each change of `handled` that passes over a due run.
    void look_ahead(Job& job);
    // One run that is due: queued or skipped, as the overlap policy has it. False when skipped.
    bool offer(Job& job, base::Instant due, Kind kind, base::Instant now);
    void skip_until(Job& job, base::Instant until);
    // All that is due up to `now`.
    void settle(Job& job, base::Instant now, Passed passed);
    void settle_schedule(Job& job, base::Instant now, Passed passed);
    void make_up(Job& job, base::Instant now);   // for missed runs
    void catch_up(Job& job, base::Instant now);  // with several runs that are late
    void draw_from_backlog(Job& job, base::Instant now);
    void settle_event(Job& job, base::Instant now);
    void settle_edges(Job& job, base::Instant now);
    void wake_up(Job& job, base::Instant now);
    // Whether the job may run at all has changed, or is looked at for the first time.
    void switch_job(Job& job, base::Instant now, Passed passed);

    // ---- scheduler_load.cpp: jobs in and out
    Passed add_job(Definition definition, base::Instant now);
    Passed change_job(Job& job, Definition definition, base::Instant now);
    void remove_job(Job& job);
    void attach(Job& job, Run& run);
    void resume_retry(Job& job, base::Instant now);
    void take_over_end(Job& job, base::Instant now);
    void follow(const Job& job);
    void unfollow(const Job& job);

    std::string waiting_reason(const Job& job, base::Instant now) const;
};

// How many were dropped.
template <class Which>
int Scheduler::State::drop_queued(Job& job, Which which) {
    int dropped = 0;
    for (auto it = job.queued.begin(); it != job.queued.end();) {
        Run& run = *it++;
        if (!which(run)) continue;
        drop_run(run);
        ++dropped;
    }
    return dropped;
}

}  // namespace steward::schedule
