// SPDX-License-Identifier: PostgreSQL
//
// Runs the rows of a plan. Every step is a unit of its own: what fails is rolled back, recorded in
// steward.partition_history and reported; the others go on. Locks are asked for politely (pg/lock.hpp), with backoff
// and jitter; a step that does not get its locks is postponed and says who was in the way.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "partition/plan.hpp"
#include "partition/policy_pg.hpp"
#include "pg/transaction.hpp"

namespace steward::partition {

struct StepResult {
    std::string parent;
    std::string action;
    std::string partition;
    std::string outcome;  // done, failed, postponed, refused, vetoed
    std::string detail;
    std::string sqlstate;
    std::string hint;
    std::string error_detail;  // of the error that made it fail; behind `detail` where there is one field for both

    std::string full_detail() const;
};

inline constexpr double kOldTransactionSeconds = 10;

using StepSink = std::function<void(const StepResult&)>;

inline constexpr int kMinLockTimeoutMs = 50;
inline constexpr int kMaxLockTimeoutMs = 60'000;
extern int lock_timeout_ms;  // steward.partition_lock_timeout

class Executor {
public:
    // `acting_role` must own the tables (or be a member of the owner); what it does not own is refused.
    Executor(pg::Bounded bounded, Oid acting_role, StepSink sink);

    void run(const KnownSet& known, const Plan& plan);
    void run_trash(const Plan& plan);
    // A set that somebody has locked, and one that could not even be planned.
    void record_busy(Oid parent, const std::string& name, const pg::ErrorReport& error);
    void record_failure(const std::string& parent, const pg::ErrorReport& error);

private:
    std::size_t run_batch(const KnownSet& known, const std::vector<PlanStep>& steps, std::size_t first);
    void run_steps(const KnownSet* known, const Plan& plan);

    const Policy* policy_of(Oid parent);

    pg::Bounded bounded_;
    Oid acting_role_;
    StepSink sink_;
    std::map<Oid, std::optional<Policy>> policies_;
};

}  // namespace steward::partition
