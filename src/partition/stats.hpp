// SPDX-License-Identifier: PostgreSQL
//
// What a set of partitions adds up to: its runway, gaps, growth and weight. Sizes and rows are handed in by the edge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "partition/pace.hpp"
#include "partition/set.hpp"

namespace steward::partition {

// One direct partition with all that hangs below it. Nothing: not known (never analyzed, or gone meanwhile).
struct Weight {
    RelationId id = 0;
    std::optional<std::int64_t> rows;
    std::optional<std::int64_t> bytes;
    std::int64_t locks = 1;  // of itself, its indexes, and its own partitions
};

struct Stats {
    int partitions = 0;         // direct ones, without the default
    std::optional<int> future;  // that begin after now
    std::optional<std::string> oldest_start;
    std::optional<std::string> newest_end;
    std::optional<base::Instant>
        runway_end;                    // where the unbroken row of partitions that holds now ends; now if none holds it
    std::optional<std::int64_t> rows;  // of all partitions and the default, those that are known
    std::int64_t bytes = 0;
    std::optional<std::int64_t> average_bytes;
    RelationId largest = 0;  // 0: no partition
    std::optional<std::int64_t> largest_bytes;
    std::optional<double> growth_bytes_per_day;
    std::optional<int> gaps;  // as count_gaps() counts them without a trash; nothing for list and hash
    std::optional<base::Instant> next_retirement;
    std::int64_t locks = 1;      // that a query over the whole table holds
    std::optional<double> skew;  // hash: rows of the fullest partition / average rows
};

// Growth is taken from this many finished periods, the newest ones.
inline constexpr std::size_t kGrowthPeriods = 7;

// `weights` in the order of set.partitions. `default_weight` where there is a default partition. `pace` of number sets: their
// now is the largest key, and times are when the keys will have come there.
Stats compute_stats(const PartitionSet& set, const Policy& policy, const base::Zone& zone,
                    const std::vector<Weight>& weights, const std::optional<Weight>& default_weight, const Pace& pace,
                    base::Instant now);

// Holes between the oldest and the newest partition of a range set, without those that a retired partition fills to
// the full: maintenance leaves them to it (places_kept() in future.hpp).
int count_gaps(const PartitionSet& set, const std::vector<Range>& places_kept);

// True when nothing fits between the two: one range ends where the other begins.
bool meets(const PartitionSet& set, const Bound& upper, const Bound& lower);

}  // namespace steward::partition
