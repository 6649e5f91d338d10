// SPDX-License-Identifier: PostgreSQL
#include "partition/grid.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "base/ascii.hpp"
#include "base/text.hpp"

namespace steward::partition {

using base::Instant;
using base::Interval;
using base::LocalTime;

namespace {

constexpr std::int64_t kMicrosPerMonth = 2'629'746 * base::kMicrosPerSecond;  // 400 Gregorian years / 4800, exactly

bool is_real_time(const Interval& step) { return step.months == 0 && step.days == 0; }

bool in_time_range(Position position) { return position >= base::kMinMicros && position < base::kEndMicros; }

std::optional<Position> in_range_or_nothing(std::optional<Position> position) {
    return position && in_time_range(*position) ? position : std::nullopt;
}

LocalTime wall_clock(Position position) { return LocalTime{static_cast<std::int64_t>(position)}; }

Instant instant(Position position) { return Instant{static_cast<std::int64_t>(position)}; }

std::optional<Position> plus(Position position, Position width, std::int64_t n) {
    const auto distance = base::checked_mul(width, n);
    return distance ? base::checked_add(position, *distance) : std::nullopt;
}

std::optional<Position> add_local(LocalTime local, const Interval& step, std::int64_t n, const base::Zone& zone) {
    const auto moved = base::add(local, step, n);
    return moved ? in_range_or_nothing(base::to_instant(*moved, zone).micros) : std::nullopt;
}

std::optional<std::int64_t> as_index(Position index) {
    const bool fits =
        index >= std::numeric_limits<std::int64_t>::min() && index < std::numeric_limits<std::int64_t>::max();
    return fits ? std::optional(static_cast<std::int64_t>(index)) : std::nullopt;
}

base::Failure bad_step(const Step& step, std::string_view fact) {
    return base::Failure{base::kInvalidParameter,
                         fmt::format("partition interval {} is {}", base::quote_literal(format_step(step, 0)), fact),
                         "",
                         std::holds_alternative<Interval>(step)
                             ? "Give an interval of one second or longer, such as '1 day' or '1 month'."
                             : "Give a number greater than zero, such as 1000000."};
}

}  // namespace

std::optional<Interval> interval_from_word(std::string_view word) {
    struct Word {
        std::string_view word;
        Interval interval;
    };
    static constexpr Word kWords[] = {
        {"hourly", {0, 0, base::kMicrosPerHour}},
        {"daily", {0, 1, 0}},
        {"weekly", {0, 7, 0}},
        {"monthly", {1, 0, 0}},
        {"quarterly", {3, 0, 0}},
        {"yearly", {12, 0, 0}},
        {"decade", {120, 0, 0}},
        {"century", {1200, 0, 0}},
    };
    for (const Word& known : kWords) {
        if (base::same_word(word, known.word)) {
            return known.interval;
        }
    }
    return std::nullopt;
}

std::optional<base::Failure> check_step(const Step& step) {
    if (const auto* width = std::get_if<Position>(&step)) {
        return *width > 0 ? std::nullopt : std::optional(bad_step(step, "not greater than zero"));
    }
    const Interval& interval = std::get<Interval>(step);
    const bool has_negative = interval.months < 0 || interval.days < 0 || interval.micros < 0;
    const bool has_positive = interval.months > 0 || interval.days > 0 || interval.micros > 0;
    if (has_negative && has_positive) {
        return bad_step(step, "partly negative");
    }
    if (!has_positive) {
        return bad_step(step, "not greater than zero");
    }
    if (is_real_time(interval) && interval.micros < base::kMicrosPerSecond) {
        return bad_step(step, "shorter than one second");
    }
    return std::nullopt;
}

Grid::Grid(Axis axis, Step step, Position origin, const base::Zone& zone)
    : axis_(axis), step_(step), origin_(origin), zone_(&zone) {
    if ((axis_ == Axis::number) != std::holds_alternative<Position>(step_) || check_step(step_)) {
        throw std::invalid_argument("a grid needs a checked step that belongs to its axis");
    }
    if (axis_ != Axis::number && in_time_range(origin_)) {
        local_origin_ = axis_ == Axis::instant ? base::to_local(instant(origin_), zone) : wall_clock(origin_);
    }
}

std::optional<Position> Grid::begin(std::int64_t n) const {
    if (const auto* width = std::get_if<Position>(&step_)) {
        return plus(origin_, *width, n);
    }
    const Interval& interval = std::get<Interval>(step_);
    if (!in_time_range(origin_)) {
        return std::nullopt;
    }
    if (is_real_time(interval)) {
        return in_range_or_nothing(plus(origin_, interval.micros, n));
    }
    if (axis_ == Axis::instant) {
        return add_local(local_origin_, interval, n, *zone_);
    }
    const auto moved = base::add(local_origin_, interval, n);
    return moved ? std::optional<Position>(moved->micros) : std::nullopt;
}

std::optional<std::int64_t> Grid::index_of(Position position) const {
    const auto* interval = std::get_if<Interval>(&step_);
    if (interval != nullptr && !(in_time_range(position) && in_time_range(origin_))) return std::nullopt;
    if (interval != nullptr && !is_real_time(*interval)) return calendar_index_of(position);
    const Position width = interval != nullptr ? Position{interval->micros} : std::get<Position>(step_);
    const auto distance = base::checked_sub(position, origin_);
    const auto n = distance ? as_index(base::floor_div(*distance, width)) : std::nullopt;
    return n && begin(*n) ? n : std::nullopt;
}

// The calendar never runs more than a few days away from its average: the estimate is off by a few periods at most. A look
// into the zone is the costly part, and mostly not needed: what the clock shows already has begun, and what it will show
// only after days has not.
std::optional<std::int64_t> Grid::calendar_index_of(Position position) const {
    constexpr std::int64_t kWidestJumpBack = 2 * base::kMicrosPerDay;
    const auto& step = std::get<Interval>(step_);
    const bool has_zone = axis_ == Axis::instant;
    const LocalTime local = has_zone ? base::to_local(instant(position), *zone_) : wall_clock(position);
    const auto begins_after = [&](std::int64_t n) {
        const auto line = base::add(local_origin_, step, n);
        if (!line) return n > 0;
        if (!has_zone || *line <= local || Position{line->micros} - local.micros > kWidestJumpBack)
            return *line > local;
        return base::to_instant(*line, *zone_).micros > position;
    };
    const Position average =
        Position{step.months} * kMicrosPerMonth + Position{step.days} * base::kMicrosPerDay + Position{step.micros};
    auto n = as_index(base::floor_div(Position{local.micros} - local_origin_.micros, average));
    if (!n) return std::nullopt;
    while (begins_after(*n)) --*n;
    while (!begins_after(*n + 1)) ++*n;
    const auto line = base::add(local_origin_, step, *n);
    const bool is_safely_in_range = line && line->micros >= base::kMinMicros + base::kMicrosPerDay;
    return is_safely_in_range || begin(*n) ? n : std::nullopt;
}

std::optional<Position> Grid::shift(Position position, std::int64_t n) const {
    if (const auto* width = std::get_if<Position>(&step_)) {
        return plus(position, *width, n);
    }
    const Interval& interval = std::get<Interval>(step_);
    if (!in_time_range(position)) {
        return std::nullopt;
    }
    if (axis_ == Axis::wall_clock || is_real_time(interval)) {
        return move_by(axis_, position, interval, n, *zone_);
    }
    return n == 0 ? std::optional(position) : add_local(base::to_local(instant(position), *zone_), interval, n, *zone_);
}

bool Grid::is_on_grid(Position position) const {
    const auto n = index_of(position);
    return n && begin(*n) == position;
}

Position default_origin(Axis axis, const Step& step, const base::Zone& zone) {
    if (axis == Axis::number) {
        return 0;
    }
    const auto* interval = std::get_if<Interval>(&step);
    const bool is_weeks =
        interval != nullptr && interval->months == 0 && interval->micros == 0 && interval->days % 7 == 0;
    const int day = is_weeks ? 3 : 1;  // 2000-01-03 was a Monday
    const LocalTime local{base::days_from_civil(2000, 1, day) * base::kMicrosPerDay};
    return axis == Axis::instant ? base::to_instant(local, zone).micros : local.micros;
}

// As timestamptz + interval in the server: months and days on the wall clock, then the rest in real time.
std::optional<Position> move_by(Axis axis, Position position, const Interval& interval, std::int64_t n,
                                const base::Zone& zone) {
    if (axis == Axis::number || !in_time_range(position)) {
        return std::nullopt;
    }
    if (axis == Axis::wall_clock) {
        const auto moved = base::add(wall_clock(position), interval, n);
        return moved ? std::optional<Position>(moved->micros) : std::nullopt;
    }
    std::optional<Position> moved = position;
    if (!is_real_time(interval) && n != 0) {
        moved = add_local(base::to_local(instant(position), zone), {interval.months, interval.days, 0}, n, zone);
    }
    return moved ? in_range_or_nothing(plus(*moved, interval.micros, n)) : std::nullopt;
}

std::string format_step(const Step& step, int scale) {
    if (const auto* width = std::get_if<Position>(&step)) {
        return base::format_decimal(*width, scale);
    }
    return base::format_interval(std::get<Interval>(step));
}

}  // namespace steward::partition
