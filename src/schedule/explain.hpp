// SPDX-License-Identifier: PostgreSQL
//
// A schedule in words: what it means, what surprises in it, and its next runs with what the clock does to them.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
#include "schedule/expression.hpp"

namespace steward::schedule {

struct ExplainedRun {
    base::Instant at;
    std::string local_time;  // with its offset from UTC
    std::string note;        // may be empty
};

// A sentence: "At 02:30 on Monday to Friday."
std::string describe(const Expression& expression);

// What the writer may not have meant, a sentence each: "Months without a day 31 are skipped; ..."
std::vector<std::string> remarks(const Expression& expression);

// Up to `runs` runs after `after`; none for events. Steps of 'every' are counted from `anchor`.
std::vector<ExplainedRun> explain(const Expression& expression, const base::Zone& zone, int runs, base::Instant after,
                                  base::Instant anchor);

inline std::vector<ExplainedRun> explain(const Expression& expression, const base::Zone& zone, int runs,
                                         base::Instant after) {
    return explain(expression, zone, runs, after, after);
}

}  // namespace steward::schedule
