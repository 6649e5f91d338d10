// SPDX-License-Identifier: PostgreSQL
//
// Backups in directories of their own: what they are called, and which of them are no longer needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace steward::maintain {

// Behind the name of a directory until the backup in it is known to be good.
inline constexpr std::string_view kPartial = ".partial";

// Letters, digits, and ._- behind the first.
bool is_fit_for_file(std::string_view name);
// "nightly-20261126T010203Z"
std::string backup_name(std::string_view program, base::Instant at);
// Whether a directory of that name was made for the program, partial or not: nothing else is ever removed.
bool is_backup_name(std::string_view program, std::string_view name);

// {location} in the arguments replaced.
std::vector<std::string> with_location(const std::vector<std::string>& argv, const std::string& location);
bool uses_location(const std::vector<std::string>& argv);

}  // namespace steward::maintain
