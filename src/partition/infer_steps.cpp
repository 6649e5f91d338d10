// SPDX-License-Identifier: PostgreSQL
#include "partition/infer_steps.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace steward::partition {

namespace {

using base::kMicrosPerDay;

constexpr std::size_t kRangesLookedAt = 1000;
constexpr std::size_t kRangesForOrigin = 12;

struct WallClock {
    base::LocalTime at;
    bool is_midnight = false;
};

std::int64_t time_of_day(base::LocalTime at) {
    const std::int64_t rest = at.micros % kMicrosPerDay;
    return rest < 0 ? rest + kMicrosPerDay : rest;
}

// Where the clock jumps over midnight the day begins later: that counts as midnight.
std::optional<WallClock> wall_clock(Axis axis, Position position, const base::Zone& zone) {
    // A day of room, because the offset moves the wall clock beyond the range of instants.
    if (position < base::kMinMicros + kMicrosPerDay || position >= base::kEndMicros - kMicrosPerDay) {
        return std::nullopt;
    }
    const auto micros = static_cast<std::int64_t>(position);
    if (axis != Axis::instant) {
        return WallClock{{micros}, time_of_day({micros}) == 0};
    }
    const base::LocalTime local = base::to_local({micros}, zone);
    const base::LocalTime midnight{local.micros - time_of_day(local)};
    const bool is_midnight = base::to_instant(midnight, zone).micros == micros;
    return WallClock{is_midnight ? midnight : local, is_midnight};
}

// Whole months between two wall clocks; 31 January to 28 February is one, as the calendar of intervals counts.
std::int32_t months_between(base::LocalTime from, base::LocalTime to) {
    const base::Civil a = base::civil_from(from);
    const base::Civil b = base::civil_from(to);
    const base::Civil& shorter = a.day < b.day ? a : b;
    const bool is_clamped = shorter.day == base::days_in_month(shorter.year, shorter.month);
    if (time_of_day(from) != time_of_day(to) || (a.day != b.day && !is_clamped)) {
        return 0;
    }
    return (b.year - a.year) * 12 + (b.month - a.month);
}

bool are_midnights(Axis axis, const Range& range, const base::Zone& zone) {
    const auto lower = wall_clock(axis, range.lower.position, zone);
    const auto upper = wall_clock(axis, range.upper.position, zone);
    return lower && upper && lower->is_midnight && upper->is_midnight;
}

bool is_explained(Axis axis, const Range& range, const Proposal& proposal) {
    const auto steps = proposed_steps(axis, range, *proposal.zone);
    return std::find(steps.begin(), steps.end(), proposal.step) != steps.end() &&
           (!proposal.is_whole_days || are_midnights(axis, range, *proposal.zone));
}

std::size_t support_of(Axis axis, const std::vector<Range>& ranges, const Proposal& proposal) {
    const std::size_t looked_at = std::min(ranges.size(), kRangesLookedAt);
    std::size_t support = 0;
    while (support < looked_at && is_explained(axis, ranges[ranges.size() - 1 - support], proposal)) {
        ++support;
    }
    return support;
}

bool is_aligned(Axis axis, const Range& range, const base::Interval& step, const base::Zone& zone) {
    const auto lower = wall_clock(axis, range.lower.position, zone);
    return !step.is_calendar() && kMicrosPerDay % step.micros == 0 && lower &&
           time_of_day(lower->at) % step.micros == 0;
}

// What comes first is preferred; among equals the zone that was named first.
auto preference(const Proposal& proposal) {
    const int unit = proposal.step.months != 0 ? 2 : proposal.step.days != 0 ? 1 : 0;
    return std::tuple(proposal.is_whole_days, proposal.support, unit, proposal.is_aligned);
}

// The bound with the highest day of the month among the newest: 31 January tells the origin, 28 February does not.
Position highest_day(Axis axis, const std::vector<Range>& ranges, const Proposal& proposal) {
    Position best = ranges.back().lower.position;
    int best_day = 0;
    for (std::size_t age = 0; age < std::min(proposal.support, kRangesForOrigin); ++age) {
        const Range& range = ranges[ranges.size() - 1 - age];
        for (const Position position : {range.lower.position, range.upper.position}) {
            const auto at = wall_clock(axis, position, *proposal.zone);
            const int day = at ? base::civil_from(at->at).day : 0;
            if (day > best_day) {
                best_day = day;
                best = position;
            }
        }
    }
    return best;
}

}  // namespace

std::vector<base::Interval> proposed_steps(Axis axis, const Range& range, const base::Zone& zone) {
    std::vector<base::Interval> steps;
    const auto lower = wall_clock(axis, range.lower.position, zone);
    const auto upper = wall_clock(axis, range.upper.position, zone);
    if (!lower || !upper) {
        return steps;
    }
    if (const std::int32_t months = months_between(lower->at, upper->at); months > 0) {
        steps.push_back({months, 0, 0});
    }
    // 128 bits: from one end of the calendar to the other is more than 63 hold.
    if (time_of_day(lower->at) == time_of_day(upper->at) && upper->at > lower->at) {
        const Position days = (Position{upper->at.micros} - lower->at.micros) / kMicrosPerDay;
        steps.push_back({0, static_cast<std::int32_t>(days), 0});
    }
    const Position width = range.upper.position - range.lower.position;
    if (width >= base::kMicrosPerSecond && width <= std::numeric_limits<std::int64_t>::max()) {
        steps.push_back({0, 0, static_cast<std::int64_t>(width)});
    }
    return steps;
}

std::optional<Proposal> best_proposal(Axis axis, const std::vector<Range>& ranges,
                                      const std::vector<const base::Zone*>& zones, std::size_t needed) {
    std::optional<Proposal> best;
    if (ranges.empty()) {
        return best;
    }
    for (const base::Zone* zone : zones) {
        for (const base::Interval& step : proposed_steps(axis, ranges.back(), *zone)) {
            Proposal proposal{step, zone};
            proposal.is_whole_days = step.is_calendar() && are_midnights(axis, ranges.back(), *zone);
            proposal.is_aligned = is_aligned(axis, ranges.back(), step, *zone);
            proposal.support = support_of(axis, ranges, proposal);
            if (proposal.support >= needed && (!best || preference(proposal) > preference(*best))) {
                best = proposal;
            }
        }
    }
    return best;
}

Position origin_of(Axis axis, const std::vector<Range>& ranges, const Proposal& proposal) {
    const Range& newest = ranges.back();
    const auto explains = [&](Position origin) {
        const Grid grid(axis, proposal.step, origin, *proposal.zone);
        return grid.is_on_grid(newest.lower.position) && grid.is_on_grid(newest.upper.position);
    };
    const Position usual = default_origin(axis, proposal.step, *proposal.zone);
    if (explains(usual)) {
        return usual;
    }
    if (proposal.step.months != 0) {
        const Position highest = highest_day(axis, ranges, proposal);
        if (explains(highest)) {
            return highest;
        }
    }
    return newest.lower.position;
}

bool is_usual(const base::Interval& step) {
    if (step.months != 0) {
        return 12 % step.months == 0 || step.months == 120 || step.months == 1200;
    }
    if (step.days != 0) {
        return step.days <= 7 || step.days == 10 || step.days == 14 || step.days == 28 || step.days == 30;
    }
    return kMicrosPerDay % step.micros == 0;
}

bool lies_on_calendar(const Range& range, const Inference& inference) {
    const auto& step = std::get<base::Interval>(inference.step);
    if (step.is_calendar()) {
        return are_midnights(Axis::instant, range, *inference.zone);
    }
    return step.micros % base::kMicrosPerMinute == 0 && is_aligned(Axis::instant, range, step, *inference.zone);
}

}  // namespace steward::partition
