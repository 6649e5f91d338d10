// SPDX-License-Identifier: PostgreSQL
//
// Which partitions are missing: the current period, the periods after it, and every hole down to the oldest partition
// (or to the set's start). Counted from now, never from the newest row. After a long outage the nearest come first.
// What lies in the trash keeps its place: its hole is not filled, so that it can be restored.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "partition/set.hpp"

namespace steward::partition {

struct Missing {
    std::vector<Range> ranges;  // in the order in which they are to be made
    bool is_cut_short = false;  // more than the limit are missing
};

// `now` is a position on the set's axis: the clock on time axes, the largest key on the number axis. `in_trash` in any
// order, as places_kept() takes it.
Missing missing_ranges(const std::vector<Range>& existing, const std::vector<Range>& in_trash, const Grid& grid,
                       const Policy& policy, Position now, int periods, std::size_t limit);

// Where they begin and end: from the oldest partition (or the set's start, or the retention cut) to the end of the last
// period. Nothing when that lies beyond the axis.
Position begin_of_past(const std::vector<Range>& existing, const Grid& grid, const Policy& policy, Position now);
std::optional<Position> end_of_future(const Grid& grid, const Policy& policy, Position now, int periods);

// Those ranges of the trash that nothing is to be made in, in rising order: the ones that end not after now. What is
// written to now and later needs a partition more than a retired one needs its way back.
std::vector<Range> places_kept(const std::vector<Range>& in_trash, Position now);

// Where the retention cut lies: partitions whose upper bound is not after it are past. Nothing without a retention.
std::optional<Position> retention_cut(const Grid& grid, const Policy& policy, Position now);
// The same for a call by hand: keep_periods steps before now.
std::optional<Position> retention_cut(const Grid& grid, Position now, int keep_periods);

// Indexes of the partitions that end at or before the cut, oldest first.
std::vector<std::size_t> past_partitions(const std::vector<Partition>& partitions, Position cut);

}  // namespace steward::partition
