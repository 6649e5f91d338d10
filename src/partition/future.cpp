// SPDX-License-Identifier: PostgreSQL
#include "partition/future.hpp"

#include <algorithm>
#include <iterator>

namespace steward::partition {

namespace {

bool begins_before(const Range& a, const Range& b) { return before(a.lower, b.lower); }

std::vector<Range> merged(const std::vector<Range>& a, const std::vector<Range>& b) {
    std::vector<Range> all;
    all.reserve(a.size() + b.size());
    std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all), begins_before);
    return all;
}

// The current period first, then the future as it comes, then the past backwards.
void nearest_first(std::vector<Range>& ranges, Position now) {
    auto first_past = std::stable_partition(ranges.begin(), ranges.end(), [&](const Range& range) {
        return range.upper.kind == Bound::Kind::maxvalue || range.upper.position > now;
    });
    std::reverse(first_past, ranges.end());
}

}  // namespace

std::optional<Position> end_of_future(const Grid& grid, const Policy& policy, Position now, int periods) {
    std::optional<std::int64_t> current = grid.index_of(now);
    if (!current) return std::nullopt;
    std::int64_t last = *current + periods;
    if (policy.max_ahead && grid.axis() != Axis::number) {
        if (auto horizon = move_by(grid.axis(), now, *policy.max_ahead, 1, grid.zone())) {
            if (auto index = grid.index_of(*horizon); index && *index < last) {
                last = std::max(*index, *current);
            }
        }
    }
    for (; last >= *current; --last) {
        if (auto end = grid.begin(last + 1)) return end;
    }
    return std::nullopt;
}

Position begin_of_past(const std::vector<Range>& existing, const Grid& grid, const Policy& policy, Position now) {
    Position from = now;
    if (auto index = grid.index_of(now))
        if (auto begin = grid.begin(*index)) from = *begin;
    for (const Range& range : existing) {
        const Bound& oldest = range.lower.kind == Bound::Kind::value ? range.lower : range.upper;
        if (oldest.kind != Bound::Kind::value) continue;
        from = std::min(from, oldest.position);
        break;
    }
    if (policy.start && *policy.start < from) {
        auto index = grid.index_of(*policy.start);
        auto begin = index ? grid.begin(*index) : std::nullopt;
        from = begin.value_or(*policy.start);
    }
    if (auto cut = retention_cut(grid, policy, now); cut && *cut > from) {
        if (auto index = grid.index_of(*cut))
            if (auto begin = grid.begin(*index)) from = std::max(from, *begin);
    }
    return from;
}

std::vector<Range> places_kept(const std::vector<Range>& in_trash, Position now) {
    std::vector<Range> kept;
    for (const Range& range : in_trash) {
        const Bound& upper = range.upper;
        if (upper.kind != Bound::Kind::value) continue;
        if (upper.position < now || (upper.position == now && upper.exact)) kept.push_back(range);
    }
    std::sort(kept.begin(), kept.end(), begins_before);
    return kept;
}

Missing missing_ranges(const std::vector<Range>& existing, const std::vector<Range>& in_trash, const Grid& grid,
                       const Policy& policy, Position now, int periods, std::size_t limit) {
    Missing missing;
    std::optional<Position> to = end_of_future(grid, policy, now, periods);
    if (!to) return missing;
    Position from = begin_of_past(existing, grid, policy, now);
    if (from >= *to) return missing;
    for (const Range& hole : holes(merged(existing, places_kept(in_trash, now)), from, *to)) {
        std::vector<Range> pieces = cut(hole, grid, static_cast<std::size_t>(kMaxPeriods));
        missing.ranges.insert(missing.ranges.end(), pieces.begin(), pieces.end());
    }
    nearest_first(missing.ranges, now);
    if (missing.ranges.size() > limit) {
        missing.ranges.resize(limit);
        missing.is_cut_short = true;
    }
    return missing;
}

std::optional<Position> retention_cut(const Grid& grid, const Policy& policy, Position now) {
    if (grid.axis() == Axis::number) {
        if (!policy.keep_width) return std::nullopt;
        return base::checked_sub(now, *policy.keep_width);
    }
    if (!policy.keep) return std::nullopt;
    return move_by(grid.axis(), now, *policy.keep, -1, grid.zone());
}

std::optional<Position> retention_cut(const Grid& grid, Position now, int keep_periods) {
    return grid.shift(now, -static_cast<std::int64_t>(keep_periods));
}

std::vector<std::size_t> past_partitions(const std::vector<Partition>& partitions, Position cut) {
    std::vector<std::size_t> past;
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        const Bound& upper = partitions[i].range.upper;
        if (upper.kind != Bound::Kind::value) continue;
        if (upper.position < cut || (upper.position == cut && upper.exact)) past.push_back(i);
    }
    return past;
}

}  // namespace steward::partition
