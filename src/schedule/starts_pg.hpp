// SPDX-License-Identifier: PostgreSQL
//
// The launcher's side of the RunSlots: a worker for each Start of the scheduler, and what became of it.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "schedule/pool_pg.hpp"
#include "schedule/wire_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

class Starts {
public:
    explicit Starts(Scheduler& brain) : brain_(brain) {}

    // After a restart of the launcher: what is under way goes on.
    void adopt();
    void carry_out(const std::vector<Action>& actions, base::Instant now);
    // Workers for runs to come, as far as `most` runs leave room: connected, and the command read. One that has no run by
    // then is sent away, and so is who has no room.
    void make_ready(const std::vector<Upcoming>& upcoming, int most, base::Instant now);
    int running() const { return static_cast<int>(workers_.size()); }
    // Takes requests, cancels and ends out of the slots. Databases whose runs have to be recorded by a loader, and those
    // whose jobs want a look because a worker could not even begin, are added.
    struct Attention {
        std::vector<Oid> to_record;
        std::vector<Oid> to_reload;
    };
    Attention collect(base::Instant now, bool is_standby);

    // A reading of the database begins; what it has to record.
    LoadRequest request_for(Oid database);
    // Its jobs have been read: requests that were made before the reading began, for jobs that are not among them, are void.
    void drop_unknown_requests(Oid database, base::Instant now, bool is_standby);
    // Of a job of which something runs: its end will write down how far the job has come.
    void note_handled(JobKey job, base::Instant handled_until);
    void recorded(Oid database, const LoadEnd& end, base::Instant now);
    // The database is gone, or has no extension any more: nothing of it can be recorded.
    void forget(Oid database);
    std::optional<base::Instant> next_wake() const;

private:
    struct Worker {
        std::uint64_t ticket = 0;
        BackgroundWorkerHandle* handle = nullptr;
        std::optional<base::Instant> terminate_at;  // after a cancel that is not heeded
    };

    struct RecordAgain {
        std::optional<base::Instant> at;  // none: it is asked for
        int failures = 0;                 // in a row
        bool is_told = false;
    };

    void start(const Start& start, base::Instant now);
    void end(int slot, const RunSlot& run, base::Instant now, bool is_standby, Attention& attention);
    void could_not_begin(int slot, const RunSlot& run, base::Instant now, bool is_standby, Attention& attention);
    void take_back_orphans(Oid database, base::Instant now, bool is_standby);
    void give_up(int slot, const char* why, base::Instant now, bool is_standby);
    void ask_to_record(Oid database, base::Instant now, Attention& attention);
    void insist(int slot, const RunSlot& run, base::Instant now);

    Scheduler& brain_;
    std::map<int, Worker> workers_;  // by slot
    Pool pool_;
    std::vector<Latch*> to_wake_;              // of workers that have just been given a run
    int most_ = 0;                             // workers, of the pool too
    std::map<Oid, RecordAgain> record_again_;  // databases with ends that a loader could not record
    std::set<RunId> old_requests_;             // by hand, made before the reading under way began
    std::map<JobKey, int> false_starts_;       // in a row
};

}  // namespace steward::schedule
