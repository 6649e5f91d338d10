// SPDX-License-Identifier: PostgreSQL
//
// The runs that wait to be started, and how many run: which one is next, and what the others wait for.
//
// A run waits in the lane of its group (or of its database, for jobs without one), in the order of RunOrder. Of a database
// those lanes take part that have a run waiting and room in their group; of the cluster those databases that have such a
// lane and room for one more run. Both are kept sorted by their best run, so that the next run to start is always at hand,
// whatever else is full. Waiting for an instant (a retry, a job that could not be started) is a place of its own.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "schedule/scheduler.hpp"

namespace steward::schedule {

struct Job;
struct Lane;
struct Database;

namespace intrusive = boost::intrusive;
using SetHook = intrusive::set_member_hook<intrusive::link_mode<intrusive::safe_link>>;
using ListHook = intrusive::list_member_hook<intrusive::link_mode<intrusive::safe_link>>;

// One run, from when it is due until it has ended.
struct Run {
    // held: its job lets it not begin yet; ready: in its lane; later: not before `not_before`.
    enum class Place { held, ready, later, starting, running };

    std::uint64_t ticket = 0;
    RunId id = 0;  // 0: the launcher has not numbered it yet
    JobKey key;
    Job* job = nullptr;  // none: of a job that is gone or not loaded yet
    Lane* lane = nullptr;
    base::Instant due;
    Kind kind = Kind::scheduled;
    int attempt = 1;
    int priority = 0;
    bool is_marked = true;
    Place place = Place::held;
    base::Instant queued_since;
    base::Instant not_before;
    // The job's handled_until without this run: what is true if it never begins.
    std::optional<base::Instant> handled_before;
    std::string reason;        // why it could not be started
    bool is_replaced = false;  // has to give way
    SetHook place_hook;        // in its lane, or among the later ones
    ListHook job_hook;         // among its job's queued or active ones

    bool is_active() const { return place == Place::starting || place == Place::running; }
};

// A minute of waiting weighs as much as one step of priority. As all age alike, the order of two runs never changes.
struct RunOrder {
    static std::int64_t weight(const Run& run) {
        return run.queued_since.micros - run.priority * base::kMicrosPerMinute;
    }
    bool operator()(const Run& a, const Run& b) const;
};

struct LaterOrder {
    bool operator()(const Run& a, const Run& b) const {
        return a.not_before != b.not_before ? a.not_before < b.not_before : a.ticket < b.ticket;
    }
};

using RunHook = intrusive::member_hook<Run, SetHook, &Run::place_hook>;
using ReadyRuns = intrusive::set<Run, RunHook, intrusive::compare<RunOrder>>;
using LaterRuns = intrusive::set<Run, RunHook, intrusive::compare<LaterOrder>>;
using JobRuns = intrusive::list<Run, intrusive::member_hook<Run, ListHook, &Run::job_hook>>;

// What keeps the runs of a lane waiting.
enum class Wait { none, group, database, shortage, cluster };

struct Lane {
    Database* database = nullptr;
    std::string group;
    int limit = 0;  // 0: none
    int running = 0;
    ReadyRuns ready;
    bool is_open = false;     // among the open lanes of its database
    Wait shown = Wait::none;  // what its waiting runs were last said to wait for

    bool is_full() const { return limit > 0 && running >= limit; }
};

struct LaneOrder {
    bool operator()(const Lane* a, const Lane* b) const { return RunOrder()(*a->ready.begin(), *b->ready.begin()); }
};

struct Database {
    std::uint32_t oid = 0;
    int running = 0;
    std::map<std::string, Lane> lanes;  // by group; "" is that of the jobs without one
    std::set<Lane*, LaneOrder> open;
    bool is_open = false;  // among the open databases
};

struct DatabaseOrder {
    bool operator()(const Database* a, const Database* b) const {
        return LaneOrder()(*a->open.begin(), *b->open.begin());
    }
};

class RunQueue {
public:
    RunQueue() = default;
    RunQueue(const RunQueue&) = delete;
    RunQueue& operator=(const RunQueue&) = delete;

    void set_limits(const Limits& limits);
    const Limits& limits() const { return limits_; }
    Lane& lane(std::uint32_t database, const std::string& group);
    void set_group_limit(Lane& lane, int limit);

    // From held to ready, or until run.not_before; and back.
    void put(Run& run);
    void put_later(Run& run);
    void withdraw(Run& run);
    // The first of those whose instant has come, held again.
    Run* take_later(base::Instant now);

    // The run to be started next, if anything may be.
    Run* best(base::Instant now);
    void occupy(Run& run);  // held -> active: takes room
    void vacate(Run& run);  // gives it back

    // No free worker: nothing starts before `until`.
    void block(base::Instant until, std::string reason);
    void unblock() { blocked_until_.reset(); }
    void shift_block(std::int64_t micros) {
        if (blocked_until_) blocked_until_->micros += micros;
    }  // the clock was set
    // Forgets the lanes of a database without jobs, unless some run there still has to end.
    void forget(std::uint32_t database);
    std::optional<base::Instant> next_wake() const;

    Wait wait_of(const Lane& lane) const;
    std::string describe(const Lane& lane) const;
    // Lanes with waiting runs that wait for something else than before, in turn; their runs' reasons have changed.
    template <class Visit>
    void each_changed_lane(Visit visit);

private:
    template <class Change>
    void change(Lane& lane, Change apply);
    void close(Database& database);
    void reopen(Database& database);
    Run& front() const { return *(*(*open_.begin())->open.begin())->ready.begin(); }

    Limits limits_;
    int running_ = 0;
    std::optional<base::Instant> blocked_until_;
    std::string blocked_reason_;
    std::map<std::uint32_t, Database> databases_;
    std::set<Database*, DatabaseOrder> open_;
    LaterRuns later_;
    std::size_t ready_ = 0;
};

template <class Visit>
void RunQueue::each_changed_lane(Visit visit) {
    if (ready_ == 0) return;
    for (auto& [oid, database] : databases_) {
        for (auto& [group, lane] : database.lanes) {
            const Wait now = lane.ready.empty() ? Wait::none : wait_of(lane);
            if (now == lane.shown) continue;
            lane.shown = now;
            for (Run& run : lane.ready) visit(run);
        }
    }
}

}  // namespace steward::schedule
