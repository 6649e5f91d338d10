// SPDX-License-Identifier: PostgreSQL
//
// The throttle at work. The caller of steward.maintain() looks at replicas and load and says how much of a processor the
// worker may have; in the worker a timer turns that into VACUUM's cost delay, in the middle of a running VACUUM.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "maintain/throttle.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

// In memory that both see.
struct SharedThrottle {
    std::atomic<std::int32_t> allowed_permille;
    std::atomic<bool> may_begin_unthrottled;
    std::atomic<bool> is_for_replicas;         // that it is not more, rather than for the load
    std::atomic<std::int32_t> use_permille;    // of the machine, by others
    std::atomic<std::int64_t> lag_bytes;       // -1: no replicas
    std::atomic<std::int64_t> most_lag_bytes;  // since the worker has set it to lag_bytes
    std::atomic<std::int64_t> used_micros;     // of a processor's time, by the worker
    std::atomic<bool> is_cancelled;            // by the caller: the running statement too
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

// The caller's side.
class LoadMeter {
public:
    // Of processors: since the last reading, the first time since `start`. Needs a transaction.
    void start(const SharedThrottle& shared) { (void)busy_processors(shared); }
    Load read(const SharedThrottle& shared);

private:
    double busy_processors(const SharedThrottle& shared);

    std::optional<ProcessorTimes> times_;
    std::int64_t worker_micros_ = 0;
    base::Instant read_at_;
};
void allow(SharedThrottle& shared, const Load& load, const Tolerance& tolerance);

// What ends a running statement.
struct Limits {
    std::optional<base::Instant> until;
    bool is_cancellable = true;  // by the caller
};

// The worker's side: in force while it lives, one at a time.
class Throttled {
public:
    Throttled(SharedThrottle& shared, const Limits& limits);
    ~Throttled();
    Throttled(const Throttled&) = delete;
    Throttled& operator=(const Throttled&) = delete;

    double held_back_seconds() const;
    bool is_out_of_time() const;
};

// Whether a step may begin now, one that can be slowed down or one that cannot.
bool has_room(const SharedThrottle& shared, bool is_throttled);
// Waits until it may; false when it may not by `until`, or when the caller gives up.
bool await_room(SharedThrottle& shared, bool is_throttled, base::Instant until);

}  // namespace steward::maintain
