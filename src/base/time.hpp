// SPDX-License-Identifier: PostgreSQL
//
// Time without a clock: instants, wall-clock times, intervals and zones. "Now" is always a parameter.
//
// Both Instant and LocalTime count microseconds from 1970-01-01 00:00, the first in UTC, the second on the wall clock of
// some place (proleptic Gregorian calendar, no leap seconds, as in PostgreSQL). A Zone tells the offset between the two;
// the server's own zone tables stand behind it at the edge, the C library's in unit tests.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace steward::base {

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr std::int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr std::int64_t kMicrosPerDay = 24 * kMicrosPerHour;

// The range of times: from 4714-11-24 BC, where timestamptz begins, up to but without 294247-01-01. timestamptz goes 30
// years further, but counted from 1970 those do not fit into 64 bits; the ten days before they overflow are left over for
// offsets from UTC and neighbouring days.
inline constexpr std::int64_t kMinMicros = -210'866'803'200'000'000;
inline constexpr std::int64_t kEndMicros = 9'223'371'244'800'000'000;

struct Instant {
    std::int64_t micros = 0;
    auto operator<=>(const Instant&) const = default;
};

struct LocalTime {
    std::int64_t micros = 0;
    auto operator<=>(const LocalTime&) const = default;
};

// As PostgreSQL's interval: months, days and microseconds do not convert into each other.
struct Interval {
    std::int32_t months = 0;
    std::int32_t days = 0;
    std::int64_t micros = 0;
    bool operator==(const Interval&) const = default;

    // How long it lasts depends on where in the calendar it begins.
    bool is_calendar() const { return months != 0 || days != 0; }
};

struct Civil {
    std::int32_t year = 1970;  // astronomical: 0 is 1 BC
    int month = 1;             // 1..12
    int day = 1;               // 1..31
    int hour = 0;
    int minute = 0;
    int second = 0;
    int microsecond = 0;
    bool operator==(const Civil&) const = default;
};

class Zone {
public:
    virtual ~Zone() = default;
    // Seconds east of Greenwich that the wall clock shows at this instant.
    virtual std::int32_t offset_seconds(Instant at) const noexcept = 0;
    virtual std::string_view name() const noexcept = 0;
};

const Zone& utc();

std::int64_t days_from_civil(std::int32_t year, int month, int day);  // days since 1970-01-01
Civil civil_from(LocalTime at);
LocalTime local_from(const Civil& civil);
int days_in_month(std::int32_t year, int month);
// 1 = Monday .. 7 = Sunday
int iso_weekday(LocalTime at);
struct IsoWeek {
    std::int32_t year;
    int week;
};
IsoWeek iso_week(LocalTime at);

LocalTime to_local(Instant at, const Zone& zone);

// The instant at which the wall clock shows `at`. Where the clock jumps over it (a gap): the instant of the jump.
// Where the clock shows it twice (an overlap): the first time. So the result never falls while `at` rises; the server, which
// reads a timestamp without offset, takes another instant in both cases: always give it the offset too.
Instant to_instant(LocalTime at, const Zone& zone);

// True when the wall clock already showed this local time once before (the second pass of an overlap).
bool is_second_pass(Instant at, const Zone& zone);

// origin + n x step on the wall clock, always counted from the origin (31 January + 1 month = 28 February, + 2 months =
// 31 March). Nothing when the result leaves the range of timestamps.
std::optional<LocalTime> add(LocalTime origin, const Interval& step, std::int64_t n);

// 'YYYY-MM-DD HH:MM:SS[.ffffff]+HH[:MM[:SS]]', ' BC' behind years before 1: what PostgreSQL prints with DateStyle ISO.
std::string format_instant(Instant at, const Zone& zone);
std::string format_local(LocalTime at);  // the same without an offset
std::string format_date(LocalTime at);   // 'YYYY-MM-DD'
// As PostgreSQL prints intervals: '1 mon', '7 days', '01:00:00', '1 year 2 mons'.
std::string format_interval(const Interval& interval);

}  // namespace steward::base
