// SPDX-License-Identifier: PostgreSQL
//
// One field of a cron expression. Part of parse_schedule(), for nobody else.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "schedule/expression.hpp"

namespace steward::schedule {

// What is wrong, and where: counted from 0 in the text of the schedule.
struct Problem {
    std::size_t offset = 0;
    std::string fact;
    std::string hint;
};

enum class Field { second, minute, hour, day, month, weekday };

// Adds what the field means to `calendar`; `offset` is where the field begins.
std::optional<Problem> parse_field(Field field, std::string_view text, std::size_t offset, Calendar& calendar);

}  // namespace steward::schedule
