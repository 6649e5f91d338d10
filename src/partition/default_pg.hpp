// SPDX-License-Identifier: PostgreSQL
//
// The default partition in the way of new ones. ATTACH has to know that no row of the default belongs into the new
// partition, and would scan the default under ACCESS EXCLUSIVE to find out. We ask an index first, and let a validated
// CHECK prove it for many future ranges at once.
#pragma once

#include <string>
#include <vector>

#include "partition/plan.hpp"
#include "partition/policy_pg.hpp"

namespace steward::partition {

inline constexpr char kGuardConstraint[] = "steward_future_guard";
inline constexpr int kSmallDefaultPages = 1024;  // 8 MB: a scan under the lock takes milliseconds

struct DefaultState {
    bool exists = false;
    bool has_rows = false;
    bool has_leftover_guard = false;  // of a run that was killed
    std::int64_t pages = 0;
    std::string name;  // qualified
};

// Cheap: one probe of an index.
bool has_leftover_guard(const PartitionSet& set);
DefaultState look_at_default(const PartitionSet& set);

// Why a range cannot be attached while the default holds what it holds; no reason when it can.
struct DefaultRefusal {
    std::string reason;
    std::string rows_in_the_way;  // a condition on the default's rows; empty when there are none
};
DefaultRefusal refusal_by_default(const KnownSet& known, const DefaultState& state, const Range& range, Position now);

// Whether the default holds rows of the range; a condition that is true for them.
bool has_rows_of(const KnownSet& known, const DefaultState& state, const Range& range);

// The steps around the creation of these ranges: none when the default is empty or small.
struct GuardSteps {
    std::vector<PlanStep> before;
    std::vector<PlanStep> after;
};
GuardSteps guard_default(const KnownSet& known, const DefaultState& state, const std::vector<Range>& ranges);
PlanStep unguard_step(const KnownSet& known, const DefaultState& state, std::string reason);

}  // namespace steward::partition
