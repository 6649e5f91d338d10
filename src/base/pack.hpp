// SPDX-License-Identifier: PostgreSQL
//
// A list of texts as one message between processes of the same machine, and back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace steward::base {

std::string pack(const std::vector<std::string>& texts);
// Throws std::runtime_error on what pack() did not write.
std::vector<std::string> unpack(std::string_view message);

}  // namespace steward::base
