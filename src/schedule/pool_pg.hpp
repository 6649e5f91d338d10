// SPDX-License-Identifier: PostgreSQL
//
// Workers that are there before their run is due, because a process costs more time than most commands: spares, each started
// ahead for one job, and idlers, which have ended a run and stay a moment for any other of their database and role. Whether
// and when one gets a run is decided by Starts alone.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "schedule/slots_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

// So long before it is due the worker of a run is started, so that it begins on time.
inline constexpr std::int64_t kLeadMicros = base::kMicrosPerSecond / 2;

class Pool {
public:
    struct Hired {
        int slot = 0;
        RunId run = 0;
        BackgroundWorkerHandle* handle = nullptr;
        Latch* latch = nullptr;  // null: its worker is still to come, and looks by itself
    };
    // One of them begins this run, once its latch is set.
    std::optional<Hired> hire(const Start& start);
    // For runs to come, as long as there are fewer than `most`: idlers first, then new ones.
    void make_ready(const std::vector<Upcoming>& upcoming, int most);
    // The worker of this slot has ended its run and stays.
    void keep(int slot, BackgroundWorkerHandle* handle);
    // The worker of this slot has ended by itself.
    void ended(int slot);
    // Sends one away, so that a run that is due has its place.
    void make_room();
    // Spares whose instant has come and gone, or is far away since the clock was set back.
    void send_unneeded(base::Instant now);
    void forget(Oid database);

    int size() const { return static_cast<int>(spares_.size() + idlers_.size()); }
    std::optional<base::Instant> next_wake() const;

private:
    struct Spare {
        int slot = 0;
        base::Instant due;
        BackgroundWorkerHandle* handle = nullptr;
    };
    struct Idler {
        int slot = 0;
        Oid database = InvalidOid;
        Oid role = InvalidOid;
        BackgroundWorkerHandle* handle = nullptr;
    };
    using Spares = std::map<JobKey, Spare>;
    using Idlers = std::vector<Idler>;

    std::optional<Hired> hire_spare(const Start& start);
    std::optional<Hired> hire_idler(const Start& start);
    bool make_idler_ready(const Upcoming& upcoming);
    void start_spare(const Upcoming& upcoming);
    Spares::iterator send_away(Spares::iterator spare);
    Idlers::iterator send_away(Idlers::iterator idler);

    Spares spares_;
    Idlers idlers_;  // who came last stands at the end and works first, so that the others may go
};

}  // namespace steward::schedule
