// SPDX-License-Identifier: PostgreSQL
//
// A Calendar on the wall clock alone, which has no gaps and shows nothing twice. Local times are whole seconds since
// 1970-01-01 00:00 here.
#pragma once

#include <cstdint>
#include <optional>

#include "schedule/expression.hpp"

namespace steward::schedule {

inline constexpr std::int64_t kSecondsPerDay = 86'400;

// Which days (bit n: day n) a month has that is `days` long and begins on `first_weekday` (0 = Sunday), whatever the
// months field says.
std::uint32_t days_of_month(const Calendar& calendar, int days, int first_weekday);

// There is a month in which the calendar has a day. What has none can never fire.
bool has_any_day(const Calendar& calendar);

// The first time from `first` to `last` that the fields match.
std::optional<std::int64_t> first_match(const Calendar& calendar, std::int64_t first, std::int64_t last);

// 0 = Sunday, of a number of days since 1970-01-01
int weekday_of_day(std::int64_t day);

}  // namespace steward::schedule
