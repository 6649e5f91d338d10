// SPDX-License-Identifier: PostgreSQL
//
// The tags that an application writes into a comment before or behind its statements, as sqlcommenter has it:
// /*route='%2Forders',controller='orders'*/
#pragma once

#include <string_view>

#include "capture/text_buffer.hpp"

namespace steward::capture {

// As a JSON object. False, and nothing is written, when neither comment is nothing but tags. What does not fit is left out,
// a tag as a whole.
bool write_tags(std::string_view statement, TextBuffer& to) noexcept;

}  // namespace steward::capture
