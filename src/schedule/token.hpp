// SPDX-License-Identifier: PostgreSQL
//
// The characters, numbers and names of schedules. Part of parse_schedule(), for nobody else.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ascii.hpp"

namespace steward::schedule {

using base::is_digit;
using base::is_letter;
using base::lower;
using base::same_word;

// The number that `digits` write, or nothing where it is beyond any that a schedule has.
std::optional<std::int64_t> read_number(std::string_view digits);

std::optional<int> find_month(std::string_view word);    // jan = 1
std::optional<int> find_weekday(std::string_view word);  // sun = 0

}  // namespace steward::schedule
