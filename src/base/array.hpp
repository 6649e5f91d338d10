// SPDX-License-Identifier: PostgreSQL
//
// One-dimensional arrays of texts as the server writes and reads them: {plain,"with space","a \"quote\""}.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace steward::base {

// Character by character what the server's output function gives, so that two of them compare.
std::string array_literal(const std::vector<std::string>& items);
// The items of such a literal, without NULLs among them; throws std::runtime_error on anything else.
std::vector<std::string> array_items(std::string_view literal);

}  // namespace steward::base
