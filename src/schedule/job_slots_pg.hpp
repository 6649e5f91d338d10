// SPDX-License-Identifier: PostgreSQL
//
// What views show of each job: the launcher, which alone writes it, knows which slot of shared memory is whose.
#pragma once

#include <unordered_map>
#include <vector>

#include "schedule/scheduler.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

class JobSlots {
public:
    // Forgets what the launcher before has put there.
    JobSlots();
    // Nothing where all slots are taken: the job runs without being shown.
    void put(JobKey key, const JobStatus& status);
    void remove(JobKey key);
    void remove_all(Oid database);

private:
    struct Hash {
        std::size_t operator()(const JobKey& key) const {
            return std::hash<std::int64_t>()(key.job) * 31 + key.database;
        }
    };
    using Slots = std::unordered_map<JobKey, int, Hash>;

    int slot_of(JobKey key);
    Slots::iterator remove(Slots::iterator entry);

    Slots slots_;
    std::vector<int> free_;
};

}  // namespace steward::schedule
