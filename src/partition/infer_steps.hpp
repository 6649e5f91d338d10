// SPDX-License-Identifier: PostgreSQL
//
// The steps that time ranges propose, and how far back each of them explains what is there. For infer.cpp only.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "partition/infer.hpp"

namespace steward::partition {

struct Proposal {
    base::Interval step;
    const base::Zone* zone = nullptr;
    std::size_t support = 0;  // how many of the newest ranges are one step long, counted back to the first that is not
    bool is_whole_days = false;  // they begin and end at local midnight
    bool is_aligned = false;     // a step below a day: the newest begins at a multiple of it after local midnight
};

// The largest calendar unit first: months, days, real time; only those that measure the range exactly.
std::vector<base::Interval> proposed_steps(Axis axis, const Range& range, const base::Zone& zone);

// `ranges` are finite and sorted. Nothing when no step explains the `needed` newest ones.
std::optional<Proposal> best_proposal(Axis axis, const std::vector<Range>& ranges,
                                      const std::vector<const base::Zone*>& zones, std::size_t needed);

// The default origin where the ranges lie on its grid, else one of their bounds.
Position origin_of(Axis axis, const std::vector<Range>& ranges, const Proposal& proposal);

// A step that a single range may prove. An old table attached as a whole measures 17 days or 293 months.
bool is_usual(const base::Interval& step);

// The range begins and ends at local midnight, or at whole minutes that divide a day.
bool lies_on_calendar(const Range& range, const Inference& inference);

}  // namespace steward::partition
