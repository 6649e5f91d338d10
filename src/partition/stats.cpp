// SPDX-License-Identifier: PostgreSQL
#include "partition/stats.hpp"

#include <algorithm>

#include "partition/describe.hpp"

namespace steward::partition {

namespace {

void add_up(Stats& stats, const PartitionSet& set, const std::vector<Weight>& weights,
            const std::optional<Weight>& default_weight) {
    std::int64_t partition_bytes = 0;
    for (const Weight& weight : weights) {
        if (weight.rows) stats.rows = stats.rows.value_or(0) + *weight.rows;
        stats.locks += weight.locks;
        if (!weight.bytes) continue;
        partition_bytes += *weight.bytes;
        if (!stats.largest_bytes || *weight.bytes > *stats.largest_bytes) {
            stats.largest = weight.id;
            stats.largest_bytes = weight.bytes;
        }
    }
    stats.partitions = static_cast<int>(set.partitions.size());
    stats.bytes = partition_bytes;
    if (!weights.empty()) stats.average_bytes = partition_bytes / static_cast<std::int64_t>(weights.size());
    if (!default_weight) return;
    if (default_weight->rows) stats.rows = stats.rows.value_or(0) + *default_weight->rows;
    stats.bytes += default_weight->bytes.value_or(0);
    stats.locks += default_weight->locks;
}

std::optional<double> skew(const std::vector<Weight>& weights) {
    std::int64_t rows = 0;
    std::int64_t fullest = 0;
    for (const Weight& weight : weights) {
        if (!weight.rows) return std::nullopt;
        rows += *weight.rows;
        fullest = std::max(fullest, *weight.rows);
    }
    if (rows == 0) return std::nullopt;
    return static_cast<double>(fullest) * static_cast<double>(weights.size()) / static_cast<double>(rows);
}

// Where a set stands on its axis, and when it will have come to a position.
class Course {
public:
    Course(Axis axis, const base::Zone& zone, const Pace& pace, base::Instant now)
        : axis_(axis), zone_(zone), pace_(pace), now_(now) {}

    base::Instant now() const { return now_; }
    std::optional<Position> here() const {
        return axis_ == Axis::number ? pace_.newest_key() : position_of(now_, axis_, zone_);
    }
    std::optional<base::Instant> reaches(Position position) const {
        return axis_ == Axis::number ? pace_.reaches(position) : instant_of(position, axis_, zone_);
    }
    // Of the axis, a day.
    std::optional<double> units_per_day() const {
        return axis_ == Axis::number ? pace_.keys_per_day() : static_cast<double>(base::kMicrosPerDay);
    }

private:
    Axis axis_;
    const base::Zone& zone_;
    const Pace& pace_;
    base::Instant now_;
};

// Nothing: the row of partitions that holds now has no end.
std::optional<base::Instant> runway_end(const PartitionSet& set, const Course& course, Position at) {
    const auto& partitions = set.partitions;
    auto current =
        std::find_if(partitions.begin(), partitions.end(), [&](const Partition& p) { return holds(p.range, at); });
    if (current == partitions.end()) return course.now();
    while (current + 1 != partitions.end() && meets(set, current->range.upper, (current + 1)->range.lower)) ++current;
    if (current->range.upper.kind == Bound::Kind::maxvalue) return std::nullopt;
    auto end = course.reaches(current->range.upper.position);
    return end ? std::optional(std::max(*end, course.now())) : std::nullopt;
}

std::optional<double> growth(const PartitionSet& set, const std::vector<Weight>& weights, const Course& course,
                             Position at) {
    double bytes = 0;
    double length = 0;
    std::size_t periods = 0;
    for (std::size_t i = set.partitions.size(); i-- > 0 && periods < kGrowthPeriods;) {
        const Range& range = set.partitions[i].range;
        if (range.lower.kind != Bound::Kind::value || range.upper.kind != Bound::Kind::value) continue;
        if (range.upper.position > at || range.upper.position <= range.lower.position || !weights[i].bytes) continue;
        bytes += static_cast<double>(*weights[i].bytes);
        length += static_cast<double>(range.upper.position - range.lower.position);
        ++periods;
    }
    std::optional<double> units = course.units_per_day();
    if (periods == 0 || !units) return std::nullopt;
    return bytes / length * *units;
}

std::optional<base::Instant> next_retirement(const PartitionSet& set, const Policy& policy, Axis axis,
                                             const base::Zone& zone, const Course& course) {
    if (set.partitions.empty()) return std::nullopt;
    const Bound& upper = set.partitions.front().range.upper;
    if (upper.kind != Bound::Kind::value) return std::nullopt;
    std::optional<Position> end;
    if (policy.keep) end = move_by(axis, upper.position, *policy.keep, 1, zone);
    if (policy.keep_width) end = base::checked_add(upper.position, *policy.keep_width);
    return end ? course.reaches(*end) : std::nullopt;
}

}  // namespace

bool meets(const PartitionSet& set, const Bound& upper, const Bound& lower) {
    if (upper.kind != Bound::Kind::value || lower.kind != Bound::Kind::value) return upper.kind == lower.kind;
    if (!upper.literal.empty() && upper.literal == lower.literal) return true;
    return set.key.columns == 1 && upper.exact && lower.exact && upper.position == lower.position;
}

int count_gaps(const PartitionSet& set, const std::vector<Range>& places_kept) {
    int gaps = 0;
    for (std::size_t i = 1; i < set.partitions.size(); ++i) {
        const Bound& begin = set.partitions[i - 1].range.upper;
        const Bound& end = set.partitions[i].range.lower;
        if (meets(set, begin, end)) continue;
        bool is_kept = begin.position < end.position && holes(places_kept, begin.position, end.position).empty();
        if (!is_kept) ++gaps;
    }
    return gaps;
}

Stats compute_stats(const PartitionSet& set, const Policy& policy, const base::Zone& zone,
                    const std::vector<Weight>& weights, const std::optional<Weight>& default_weight, const Pace& pace,
                    base::Instant now) {
    Stats stats;
    add_up(stats, set, weights, default_weight);
    if (set.strategy == Strategy::hash) stats.skew = skew(weights);
    if (set.strategy != Strategy::range || !set.codec || set.undecoded) return stats;

    stats.gaps = count_gaps(set, {});
    if (!set.partitions.empty()) {
        stats.oldest_start = shown_bounds(set, set.partitions.front(), policy.codec, zone).start;
        stats.newest_end = shown_bounds(set, set.partitions.back(), policy.codec, zone).end;
    }
    Axis axis = policy.codec.axis();
    Course course(axis, zone, pace, now);
    std::optional<Position> at = course.here();
    if (!at) return stats;
    stats.future =
        static_cast<int>(std::count_if(set.partitions.begin(), set.partitions.end(), [&](const Partition& p) {
            return p.range.lower.kind == Bound::Kind::value && p.range.lower.position > *at;
        }));
    stats.runway_end = runway_end(set, course, *at);
    stats.growth_bytes_per_day = growth(set, weights, course, *at);
    stats.next_retirement = next_retirement(set, policy, axis, zone, course);
    return stats;
}

}  // namespace steward::partition
