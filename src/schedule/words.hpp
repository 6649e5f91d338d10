// SPDX-License-Identifier: PostgreSQL
//
// Sets of numbers and days in English. For describe() and explain(), for nobody else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schedule/expression.hpp"

namespace steward::schedule {

std::string join(const std::vector<std::string>& items);  // "a, b and c"

std::string_view month_name(int month);      // 1 = "January"
std::string_view weekday_name(int weekday);  // 0 = "Sunday"

// The members of a set; three and more in a row as "1 to 5".
std::vector<std::string> numbers(std::uint64_t set);
std::vector<std::string> names(std::uint64_t set, std::string_view (*name)(int));

// n where the set is 0, n, 2n ... and ends evenly at `size`; else 0.
int even_step(std::uint64_t set, int size);
// The same, whether it ends evenly or not.
int any_step(std::uint64_t set, int first, int size);

std::string clock_text(int second_of_day);  // "02:30", "02:30:15"

// The field leaves out no day.
bool has_every_day(const Calendar& calendar);
bool has_every_weekday(const Calendar& calendar);
std::string days_text(const Calendar& calendar);      // "day 1 and the last day"
std::string weekdays_text(const Calendar& calendar);  // "Monday to Friday and the last Saturday of the month"

}  // namespace steward::schedule
