// SPDX-License-Identifier: PostgreSQL
//
// Partitions on demand: which of the periods that may be made do rows of the default partition wait for, and how far from
// now such a row may lie. One row of the year 2199 must not cost a partition, nor all that lie between.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "partition/set.hpp"

namespace steward::partition {

// Without max_ahead, and on number keys, which have none.
inline constexpr int kDemandPeriods = 100;
// A list that gets a partition for every new value ends somewhere.
inline constexpr int kMaxDemandedLists = 1000;
// Rows that are moved in one step, under locks.
inline constexpr int kMaxMovedRows = 10'000;

// How many periods after the current one may be made on demand, as missing_ranges() takes it.
int demand_periods(const Policy& policy);

// The pieces among `count` in rising order that hold rows, at most `limit` of them, found by halving:
// has_rows(first, last) says whether there may be any in the pieces first to last, and is right about a single one.
std::vector<std::size_t> filled_pieces(std::size_t count,
                                       const std::function<bool(std::size_t first, std::size_t last)>& has_rows,
                                       std::size_t limit);

}  // namespace steward::partition
