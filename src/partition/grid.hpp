// SPDX-License-Identifier: PostgreSQL
//
// The regular division of an axis into periods: origin + n x step, never last + step, so nothing drifts.
// Steps of a day and longer live in the local calendar of the set's zone (a day may have 23 or 25 hours); shorter ones
// count real time from the origin, so a day has as many hourly periods as it has hours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "partition/axis.hpp"

namespace steward::partition {

// A calendar interval on a time axis or a width on the number axis.
using Step = std::variant<base::Interval, Position>;

// The words users type instead of an interval: hourly, daily, weekly, monthly, quarterly, yearly, decade, century.
std::optional<base::Interval> interval_from_word(std::string_view word);

// Refuses zero, negative, mixed-sign and below-one-second steps (22023).
std::optional<base::Failure> check_step(const Step& step);

class Grid {
public:
    // `zone` must outlive the grid; it is ignored off the instant axis. A step that check_step() refuses, an interval
    // on the number axis or a width on a time axis are programming errors and throw std::invalid_argument.
    Grid(Axis axis, Step step, Position origin, const base::Zone& zone);

    // Where period n begins; nothing beyond the range of the axis. Strictly rising in n except where the calendar itself
    // skips a whole period (Samoa, 30 December 2011): then both begin at the same position.
    std::optional<Position> begin(std::int64_t n) const;

    // The period that holds the position: begin(n) <= position < begin(n + 1). Nothing beyond the range of the axis.
    std::optional<std::int64_t> index_of(Position position) const;

    // `position` moved by n whole steps as the calendar of the grid moves (retention: now - keep).
    std::optional<Position> shift(Position position, std::int64_t n) const;

    bool is_on_grid(Position position) const;

    Axis axis() const { return axis_; }
    const Step& step() const { return step_; }
    Position origin() const { return origin_; }
    const base::Zone& zone() const { return *zone_; }

private:
    std::optional<std::int64_t> calendar_index_of(Position position) const;

    Axis axis_;
    Step step_;
    Position origin_;
    const base::Zone* zone_;
    base::LocalTime local_origin_;  // the origin on the wall clock of a time axis
};

// The origin a new set gets when nobody names one: months, quarters, years count from 2000-01-01 local, decades and
// centuries from year 1 of the calendar's count (2000, 2100), weeks from a Monday, days and shorter from 2000-01-01, numbers from 0.
Position default_origin(Axis axis, const Step& step, const base::Zone& zone);

// `position` moved by an arbitrary calendar interval (negative moves back), in the order in which the server adds: on the
// instant axis months and days in `zone`, then the rest in real time. Where that meets a gap or an overlap of the clock,
// to_instant() decides, up to an hour before the server's answer. Nothing on the number axis or beyond the range of times.
std::optional<Position> move_by(Axis axis, Position position, const base::Interval& interval, std::int64_t n,
                                const base::Zone& zone);

// "1 mon", "7 days", "01:00:00", "1000000", "0.25"
std::string format_step(const Step& step, int scale);

}  // namespace steward::partition
