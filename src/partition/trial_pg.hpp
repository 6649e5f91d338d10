// SPDX-License-Identifier: PostgreSQL
//
// One step of a plan on its way through attempts to an outcome. What does not end as done is rolled back and recorded.
#pragma once

#include <chrono>

#include "partition/execute_pg.hpp"

namespace steward::partition {

inline constexpr int kLockAttempts = 6;

class Stopwatch {
public:
    double ms() const {
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count();
    }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// How long an attempt queues for a lock, in milliseconds: doubled at each, up to the setting.
int attempt_timeout(int attempt);

// The result of a step that is done.
StepResult result_of(const PlanStep& step);

// `policy` is null where no set is registered. At most `attempts` tries where locks are in the way.
StepResult try_step(pg::Bounded bounded, const PlanStep& step, const Policy* policy, Oid acting_role, int attempts);

}  // namespace steward::partition
