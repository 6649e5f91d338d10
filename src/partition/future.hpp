// SPDX-License-Identifier: PostgreSQL
//
// Which partitions are missing: the current period, the periods after it, and every hole down to the oldest partition
// (or to the set's start). Counted from now, never from the newest row. After a long outage the nearest come first.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "partition/set.hpp"

namespace steward::partition {

struct Missing {
    std::vector<Range> ranges;  // in the order in which they are to be made
    bool is_cut_short = false;  // more than the limit are missing
    bool is_capped = false;     // max_ahead or the key's range ended the future early
};

// `now` is a position on the set's axis: the clock on time axes, the largest key on the number axis.
Missing missing_ranges(const std::vector<Range>& existing, const Grid& grid, const Policy& policy, Position now,
                       int periods, std::size_t limit);

// Where the retention cut lies: partitions whose upper bound is not after it are past. Nothing without a retention.
std::optional<Position> retention_cut(const Grid& grid, const Policy& policy, Position now);
// The same for a call by hand: keep_periods steps before now.
std::optional<Position> retention_cut(const Grid& grid, Position now, int keep_periods);

// Indexes of the partitions that end at or before the cut, oldest first.
std::vector<std::size_t> past_partitions(const std::vector<Partition>& partitions, Position cut);

}  // namespace steward::partition
