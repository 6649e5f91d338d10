// SPDX-License-Identifier: PostgreSQL
//
// How a period is written in a name, without any thought of what is on the grid. For naming.cpp and infer_naming.cpp.
#pragma once

#include <string>
#include <string_view>

#include "partition/naming.hpp"

namespace steward::partition {

std::string write_period(PeriodStyle style, PeriodSeparator separator, const base::Civil& at);

// "-12.5" -> "m12_5"
std::string write_number(std::string_view decimal);

// 64 bits in 13 characters of [0-9a-v].
std::string hash_text(std::string_view text);

// Keys of an instant that are integers in the table, so that their partitions may be named by number.
bool has_whole_numbers(CodecKind kind);

}  // namespace steward::partition
