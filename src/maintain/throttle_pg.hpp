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
    std::atomic<std::int64_t> lag_bytes;       // -1: no replicas
    std::atomic<std::int64_t> most_lag_bytes;  // since the worker has set it to lag_bytes
    std::atomic<std::int64_t> used_micros;     // of a processor's time, by the worker
    std::atomic<bool> is_cancelled;            // by the caller: the running statement too
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

// The caller's side.
class LoadMeter {
public:
    // Needs a transaction.
    Load read(const SharedThrottle& shared);

private:
    double busy_processors(const SharedThrottle& shared);

    std::optional<ProcessorTimes> times_;
    std::int64_t worker_micros_ = 0;
    base::Instant read_at_;
};
void allow(SharedThrottle& shared, const Load& load);

// The worker's side: in force while it lives, one at a time. Past `until` the running statement is cancelled.
class Throttled {
public:
    Throttled(SharedThrottle& shared, std::optional<base::Instant> until);
    ~Throttled();
    Throttled(const Throttled&) = delete;
    Throttled& operator=(const Throttled&) = delete;

    double held_back_seconds() const;
    bool is_out_of_time() const;
};

// Waits until at least this share is allowed; false when it is not by `until`. Throws 57014 when the caller gives up.
bool await_share(const SharedThrottle& shared, double share, base::Instant until);

}  // namespace steward::maintain
