// SPDX-License-Identifier: PostgreSQL
//
// Room capture: statistics of every statement, in shared memory.
//
//   planning_pg.cpp    where the server calls: statements get ids and are planned
//   hooks_pg.cpp       likewise: they run and end
//   flight_pg.hpp      measures what runs
//   timing_pg.hpp      measures what that costs
//   statements_pg.cpp  begins and ends statements (Flights)
//   failures_pg.cpp    ends those that an error has left
//   session_pg.cpp     counts them in the session's slab, folds that into the shards
//   saved_pg.cpp       keeps all of it over a restart
//   views_pg.cpp       shows it, status_pg.cpp how it is doing
//   slow_limits_pg.cpp which are slow, where the settings do not say it
//   slow_pg.cpp        keeps slow ones in full (EventStore); plan_text_pg.cpp and parameters_pg.cpp look up what ran
//   slow_views_pg.cpp  shows those, slow_log_pg.cpp writes them into a table
#pragma once

#include "capture/event_store.hpp"
#include "capture/slow_limits.hpp"
#include "capture/store.hpp"
#include "pg/postgres.hpp"

namespace steward::capture {

enum Mode : int { kOff, kTop, kAll };

// Settings.
extern int mode;                    // steward.capture
extern RelativeRule relative_rule;  // steward.capture_slow_factor, steward.capture_slow_floor
extern int save_interval;           // steward.capture_save_interval, in seconds
extern double max_overhead;         // steward.capture_max_overhead, in percent
inline constexpr int kMinQueries = 100;
inline constexpr int kMaxQueries = 1'000'000;
inline constexpr int kMinTextKilobytes = 256;
inline constexpr int kMaxTextKilobytes = 1024 * 1024;
inline constexpr int kMaxSaveInterval = 86'400;

// What is kept of a text.
inline constexpr std::size_t kMostTextBytes = 16 * 1024;

struct Shared {
    Store* store;
    LWLock* locks[kShards];
    EventStore* events;
    LWLock* events_lock;
    SlowLimits limits;
    LWLock* limits_lock;
    std::int64_t saved_at;              // 0: not since the server started
    std::int64_t loaded;                // statistics that the file had
    std::atomic<std::int64_t> untimed;  // calls that were counted without anything else, see Flights
    std::int64_t bytes;
    SharedOverhead ended;                          // of sessions that are no more, under the first lock
    std::atomic<std::int64_t> first_downshift_at;  // 0: no session has given up anything
};

// In _PG_init.
void init();
void install_hooks();
void assign_mode(int mode, void* extra);
// Of this process, whatever the setting says.
void set_mode(int mode) noexcept;

// Whether this server was started with the library: the rest may be called only then.
bool has_shared();
Shared& shared();
extern Store* shared_store;  // its store
// Throws 55000 with the way out when it was not.
void require_shared();

// At server start, in the postmaster.
void load_at_startup();

}  // namespace steward::capture
