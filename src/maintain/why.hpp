// SPDX-License-Identifier: PostgreSQL
//
// Why a table is maintained, or why not: a line for each kind of action, in words for somebody who is called at night.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "maintain/plan.hpp"

namespace steward::maintain {

// What decides whether autovacuum runs at all.
struct Autovacuum {
    bool is_on = true;
    bool is_counting = true;  // track_counts
};

struct Explanation {
    std::string action;  // "autovacuum", or the name of an Action
    std::string object;
    std::string verdict;  // of the plan; "not due" where it has no such step, and for autovacuum "on" or "off"
    std::optional<double> score;
    std::string reason;
    std::string detail;  // what stands in the way, and the way out
};

std::vector<Explanation> explain(const TableFacts& table, const Surroundings& around, const Predictor& predictor,
                                 double min_score, const Autovacuum& autovacuum);

}  // namespace steward::maintain
