// SPDX-License-Identifier: PostgreSQL
//
// What was due in a stretch of time, without walking through all of it: a job that runs every second and was down for a
// month is looked at as quickly as one that runs once a day.
#pragma once

#include <optional>

#include "schedule/job.hpp"

namespace steward::schedule {

// The last run due in (after, until].
std::optional<base::Instant> last_due(const Definition& job, base::Instant after, base::Instant until);

// How many runs are due in (after, until], counted up to `limit`.
int count_due(const Definition& job, base::Instant after, base::Instant until, int limit);

// Keeps its local time when clocks change: neither its minute nor its hour begins with '*'.
bool is_fixed(const Definition& job);

// Whether a run that is due then is recorded when it starts: the next one is not due within kMarkedPeriodMicros.
bool is_marked(const Definition& job, base::Instant due);

}  // namespace steward::schedule
