// SPDX-License-Identifier: PostgreSQL
//
// The brain of the launcher: which run starts when, and why one waits. It knows no server and no clock: every call says
// what time it is. The launcher feeds it what it hears and does what tick() says.
//
//   load(), forget()               the jobs of a database, as read from it; loading again keeps what is queued or running
//   request(), cancel(), happened()  runs by hand, their cancelling, @startup and its kind
//   tick(now)                      -> Start, Cancel; what cannot start stays queued with a reason
//   take_upcoming()                what will be due soon
//   started(), not_started(), ended()  what became of it
//   next_wake()                    when tick() has something to do again, if nothing happens before
//
// A job is in the timetable (next due instant), and for each run of it that is due in the queue, by priority (which rises
// with waiting, so that nobody starves) and due instant. A queued run starts when the job's overlap policy, its group, the
// cluster's worker cap and run_on let it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "schedule/job.hpp"

namespace steward::schedule {

enum class JobState { idle, queued, running, paused, broken, finished };
const char* name_of(JobState state);

struct Start {
    RunId run = 0;  // 0: the launcher gives it a number
    JobKey job;
    std::uint32_t role = 0;
    base::Instant due;
    Kind kind = Kind::scheduled;
    int attempt = 1;
    bool is_marked = false;    // its start is noted in its database before the command runs
    std::uint64_t ticket = 0;  // how started() and not_started() name it
};
// An earlier run gives way (Overlap::replace).
struct Cancel {
    RunId run = 0;
};
using Action = std::variant<Start, Cancel>;

// A run that will probably start at this instant, so that a worker can be made ready. It decides nothing.
struct Upcoming {
    JobKey job;
    std::uint32_t role = 0;
    base::Instant due;
};

struct Limits {
    int running = 8;  // runs at once, in the whole cluster
    int running_per_database = 8;
    std::int64_t lead_micros = 0;  // what falls due by the clock is foreseen so early; 0: nothing is
    bool operator==(const Limits&) const = default;
};

// A run that is due and has not begun, other than by hand.
struct Waiting {
    base::Instant due;
    Kind kind = Kind::scheduled;
    int attempt = 1;
};

// What views show of a job.
struct JobStatus {
    JobState state = JobState::idle;
    std::optional<base::Instant> next_run;
    std::optional<base::Instant> queued_since;
    std::optional<base::Instant> handled_until;
    int queued = 0;
    std::optional<Waiting> waiting;  // the first of the queued ones; those by hand have slots of their own
    int running = 0;
    std::int64_t skipped =
        0;  // runs given up because an earlier one still ran or they were missed, since the launcher started
    std::string waiting_reason;
};

struct RunEnd {
    RunId run = 0;
    JobKey job;
    Outcome outcome = Outcome::succeeded;
    std::string sqlstate;
    int attempt = 1;
    base::Instant due;
    base::Instant ended_at;
};

class Scheduler {
public:
    Scheduler();
    ~Scheduler();

    void set_limits(const Limits& limits);
    // Jobs whose run_on does not fit stay idle without a next run; becoming the primary makes them due by their missed policy.
    // Load all databases anew before that: what a standby has read tells not what the old primary did since.
    void set_standby(bool is_standby, base::Instant now);
    // A standby records nothing, so that nobody can tell what of its own jobs was run before it is loaded: what was due up to
    // `since` is taken for done, instead of being made up for at each restart.
    void begin_standby_at(base::Instant since);

    // Replaces the jobs of `database`. Runs of jobs that are gone go on; their queued runs are dropped.
    void load(std::uint32_t database, std::vector<Definition> jobs, base::Instant now);
    void forget(std::uint32_t database);
    // A run that was under way before this scheduler was made (the launcher was restarted); gives its ticket.
    std::uint64_t adopt(RunId run, JobKey job, base::Instant due, Kind kind, int attempt);

    // False when there is no such job. A run that waits already is not asked for twice.
    bool request(RunId run, JobKey job, base::Instant now);
    // False when no queued run has this number.
    bool cancel(RunId run);
    // Each at its instant counts once, also for jobs that are loaded later.
    void happened(Event event, base::Instant now);

    std::vector<Action> tick(base::Instant now);
    // What the last tick() foresaw and none before.
    std::vector<Upcoming> take_upcoming();
    void started(std::uint64_t ticket, RunId run);
    // Goes back into the queue and is tried again after `wait_micros`; `job_reason` is shown as waiting_reason. When
    // `is_shared` nothing else is started before then either (no free worker slot).
    void not_started(std::uint64_t ticket, const std::string& reason, std::int64_t wait_micros, bool is_shared,
                     base::Instant now);
    void ended(const RunEnd& end, double jitter);

    std::optional<base::Instant> next_wake() const;
    // The wall clock was set; to be told before the next tick(). Forward: up to five minutes tick() is merely late, farther
    // the missed policy decides. Back: no run of a fixed job is repeated, all others go on at once; by more than three
    // hours it is a correction, and the past is forgotten. Waits are as long as they were. True for a correction: what the
    // databases remember of the future is void too.
    bool clock_stepped(base::Instant before, base::Instant now);

    std::size_t job_count() const;
    std::optional<JobStatus> status(JobKey job, base::Instant now) const;
    // Jobs whose status changed since the last call; all after load(), and those that are gone (without a status).
    std::vector<JobKey> take_changed();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace steward::schedule
