// SPDX-License-Identifier: PostgreSQL
//
// How long the calls of each query took, for other rooms.
#pragma once

#include <vector>

#include "capture/counters.hpp"
#include "capture/histogram.hpp"

namespace steward::capture {

struct Durations {
    Key key;
    Histogram histogram;
};

// Of statements that clients sent, as counted so far; without those that are evicted. Throws 55000 where nothing is counted.
std::vector<Durations> query_durations();

}  // namespace steward::capture
