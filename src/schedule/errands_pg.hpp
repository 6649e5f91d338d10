// SPDX-License-Identifier: PostgreSQL
//
// Errands in the server: sessions ask when they commit, the launcher starts a worker for each, and the worker says how it
// ended. The only kind there is: the partitions that the rows of a default partition need (steward_partition_demand).
#pragma once

#include <map>
#include <optional>

#include "base/time.hpp"
#include "schedule/errand.hpp"
#include "pg/postgres.hpp"

namespace steward::schedule {

// ---- Sessions --------------------------------------------------------------------------------------------------------

// Asks for the object when this transaction commits. Nothing without the launcher.
void ask_at_commit(Oid object);

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
// Nothing when the launcher has given it up meanwhile. Until end_claimed_errand() it ends as failed when the process does.
std::optional<ClaimedErrand> claim_errand(Datum argument);
void end_claimed_errand(ErrandEnd end) noexcept;

}  // namespace steward::schedule
