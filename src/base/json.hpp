// SPDX-License-Identifier: PostgreSQL
//
// JSON that is written here and read by the server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace steward::base {

// "text", quoted.
std::string json_string(std::string_view text);
// ["a", "b"]
std::string json_strings(const std::vector<std::string>& texts);

}  // namespace steward::base
