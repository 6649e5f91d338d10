// SPDX-License-Identifier: PostgreSQL
//
// The layout of the room's shared memory, for the launcher and its workers. Sessions go through shared_pg.hpp.
#pragma once

#include "pg/shmem.hpp"
#include "schedule/errand.hpp"
#include "schedule/shared_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

inline constexpr int kMaxErrands = 256;

struct Shared {
    LWLock* lock;
    Latch* launcher_latch;  // null while there is no launcher
    // What the launcher has still to tell the jobs: set once a life of the server, or of the standby.
    bool startup_pending;
    bool promotion_pending;
    bool crash_pending;
    // Of the last launcher, for the next one: whether it saw a standby, and until when it saw to it there that what was due
    // began (0: never). No table can say so.
    bool is_standby;
    TimestampTz standby_until;
    std::uint32_t last_token;
    std::uint64_t changes;  // to jobs of any database: what was read under another number may be outdated
    RunId last_run;
    RunId last_standby_run;  // the lowest number of a run on a standby
    // Databases whose jobs have changed; when they do not fit, all have.
    bool is_all_changed;
    int changed_count;
    Oid changed[kMaxChangedDatabases];
    RunSlot runs[kMaxRuns];
    Errand errands[kMaxErrands];
    int job_capacity;
    JobSlot jobs[FLEXIBLE_ARRAY_MEMBER];
};

Shared& shared();

// Under the lock.
inline void wake_launcher(const Shared& state) noexcept {
    if (state.launcher_latch != nullptr) SetLatch(state.launcher_latch);
}
int find_free_run(const Shared& state) noexcept;  // -1: none
// Below 0 on a standby: those above are given out by the primary, and both may come together in one history.
RunId next_run_number(Shared& state) noexcept;

// What a worker is started with: the place it is to claim, and the token that names this use of the place.
struct Place {
    std::uint32_t index = 0;
    std::uint32_t token = 0;
};
inline Datum pack(Place place) noexcept {
    return Int64GetDatum(static_cast<std::int64_t>((std::uint64_t{place.token} << 32U) | place.index));
}
inline Place unpack(Datum argument) noexcept {
    auto bits = static_cast<std::uint64_t>(DatumGetInt64(argument));
    return {static_cast<std::uint32_t>(bits & 0xffffffffU), static_cast<std::uint32_t>(bits >> 32U)};
}

void copy_text(char* target, std::size_t bytes, const char* text) noexcept;

}  // namespace steward::schedule
