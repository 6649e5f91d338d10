// SPDX-License-Identifier: PostgreSQL
//
// When a job is due, as its owner wrote it: cron's five fields, six with seconds in front, 'every 15 minutes', or an
// event of the server. Whatever is accepted can fire; everything else is refused with the position and the way out.
//
//   calendar   '30 2 * * 1-5', '0 30 2 * * *', '@daily'; lists, ranges, steps, names (mon, jan) in any case
//              day of month: `$` and `L` the last day, `L-3` three days before it, `15W` the working day nearest to
//              the 15th within the month, `LW` the last working day
//              day of week: 0 and 7 Sunday, `FRI#2` the second Friday, `FRIL` the last one
//              ranges of names and of weekdays go round the end (fri-mon, nov-feb)
//   interval   'every 15 seconds', 'every 2h', 'every day', and '30 seconds' as pg_cron writes it
//   event      '@startup', '@promotion', '@after_crash'
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/time.hpp"

namespace steward::schedule {

// Eight years: how far ahead next_run() looks, and the longest step. The 29th of February is once eight years away.
inline constexpr std::int64_t kHorizonDays = 2922;
inline constexpr std::size_t kMaxTextBytes = 500;

// Of cron; seconds in front are one more.
inline constexpr std::size_t kCronFields = 5;
inline constexpr int kDaysPerWeek = 7;
inline constexpr int kSunday = 0;

enum class Event { startup, promotion, after_crash };

// Sets of values, bit n for the value n; days and months count from 1, weekdays from 0 = Sunday.
struct Calendar {
    std::uint64_t seconds = 1;
    std::uint64_t minutes = 0;
    std::uint32_t hours = 0;
    std::uint32_t days = 0;
    std::uint32_t months = 0;
    std::uint32_t weekdays = 0;
    std::uint32_t days_before_last = 0;  // bit n: n days before the last day of the month
    std::uint32_t workdays_near = 0;     // bit n: the working day nearest to day n; bit 0: the last one
    std::array<std::uint8_t, kDaysPerWeek> nth_weekdays =
        {};                    // by weekday; bit n: the n-th of the month, bit 0: the last one
    bool has_seconds = false;  // written with six fields
    bool minute_star = false;  // the field begins with '*'
    bool hour_star = false;
    bool day_star = false;
    bool weekday_star = false;

    bool operator==(const Calendar&) const = default;

    // Follows real time when the clocks change; others ("fixed") keep their local time. As in Vixie cron 4.
    bool is_wildcard() const { return minute_star || hour_star; }
    // Cron's rule: days and weekdays add up, unless one of the fields begins with '*'; then both must agree.
    bool is_either_day() const { return !day_star && !weekday_star; }
};

// Below a day in elapsed time; days and weeks (step.days) on the wall clock of the zone.
struct Every {
    base::Interval step;
    bool operator==(const Every&) const = default;
};

struct Expression {
    std::variant<Calendar, Every, Event> when;
    std::string text;  // as written, without spaces around it

    const Calendar* calendar() const { return std::get_if<Calendar>(&when); }
    const Every* every() const { return std::get_if<Every>(&when); }
    const Event* event() const { return std::get_if<Event>(&when); }
};

// Fails with 22023: invalid schedule "50-10 * * * *": the range 50-10 of minute runs backwards (position 1).
base::Result<Expression> parse_schedule(std::string_view text);

}  // namespace steward::schedule
