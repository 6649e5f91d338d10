// SPDX-License-Identifier: PostgreSQL
//
// Errands in the server: sessions ask, the launcher starts a worker for each, and the worker says how it ended. There are two
// kinds: the partitions that the rows of a default partition need (steward_partition_demand), where the object is the
// partitioned table, and slow statements that are to be written down (steward_capture_log).
#pragma once

#include <map>
#include <optional>

#include "base/time.hpp"
#include "schedule/errand.hpp"
#include "pg/postgres.hpp"

namespace steward::schedule {

// ---- Sessions --------------------------------------------------------------------------------------------------------

// No table has this number: of the database's slow query log.
inline constexpr Oid kSlowLogErrand = InvalidOid;

// Asks for the object when this transaction commits. Nothing without the launcher.
void ask_at_commit(Oid object);
// Now, whatever becomes of this transaction: it begins after that time. It neither allocates nor raises.
void ask_now(Oid object, std::int64_t delay_micros) noexcept;

// ---- The launcher ----------------------------------------------------------------------------------------------------

class Errands {
public:
    // Those a former launcher was starting.
    void adopt();
    // `room` is how many workers there may be.
    void carry_out(int room, base::Instant now);
    int worker_count() const { return static_cast<int>(workers_.size()); }
    std::optional<base::Instant> next_wake() const { return next_wake_; }

private:
    void collect(base::Instant now);
    bool start(int slot, base::Instant now);

    struct Worker {
        BackgroundWorkerHandle* handle = nullptr;
        std::uint32_t token = 0;
    };
    std::map<int, Worker> workers_;
    std::optional<base::Instant> next_wake_;
};

// ---- The worker ------------------------------------------------------------------------------------------------------

struct ClaimedErrand {
    Oid database;
    Oid object;
};
// Connects to its database, shown as `title`. Nothing when the launcher has given it up meanwhile. Until end_claimed_errand() it
// ends as failed when the process does.
std::optional<ClaimedErrand> claim_errand(Datum argument, const char* title);
void end_claimed_errand(ErrandEnd end) noexcept;

}  // namespace steward::schedule
