// SPDX-License-Identifier: PostgreSQL
//
// shared_preload_libraries: a list that is added to, never written anew.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace steward::tune {

// Worth preloading where they are installed, in this order, besides pg_steward.
inline constexpr std::string_view kCompanions[] = {"pg_stat_statements", "auto_explain", "pg_prewarm"};

std::vector<std::string> parse_libraries(std::string_view list);
std::string library_list(const std::vector<std::string>& libraries);

// What there is, in its order, and behind it what is missing.
std::vector<std::string> merged_libraries(const std::vector<std::string>& before,
                                          const std::vector<std::string>& installed);

}  // namespace steward::tune
