// SPDX-License-Identifier: PostgreSQL
//
// What a program has printed, as text that a database can hold.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace steward::maintain {

// The last `bytes` of it at the most, from the beginning of a line where one begins there. Bytes that are no text in the
// database's encoding become "?"; outside UTF-8 that is all that is not ASCII. The last state of a line that was written over
// by carriage returns is the one that stays.
std::string printable_tail(std::string_view output, std::size_t bytes, bool is_utf8);

// A line of it is that, but for space around it.
bool has_line(std::string_view output, std::string_view line);

}  // namespace steward::maintain
