// SPDX-License-Identifier: PostgreSQL
//
// Sleeping until an instant of the wall clock, to the microsecond and through changes of that clock: a process that has
// nothing to do before tomorrow wakes tomorrow. On Linux by a timer of the kernel that also fires when the clock is set;
// elsewhere by the latch's timeout, which then has to look at the clock every minute.
#pragma once

#include <optional>

#include "base/time.hpp"
#include "pg/postgres.hpp"

namespace steward::pg {

// In a session: so long, or until the process's latch is set, which is reset then. Cancelled like any statement.
void nap(long millis);

class Sleeper {
public:
    Sleeper();
    // Only in background workers: lives until the process ends.
    ~Sleeper() = delete;

    enum class Woken { latch, due, clock_set };
    // Ends when the process's latch is set (and resets it), at `until`, or when somebody sets the clock. The process ends
    // with the postmaster.
    Woken sleep(std::optional<base::Instant> until);

private:
    WaitEventSet* events_ = nullptr;
    int timer_ = -1;
};

}  // namespace steward::pg
