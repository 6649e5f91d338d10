// SPDX-License-Identifier: PostgreSQL
//
// Which files the server's log collector could have named.
#pragma once

#include <string_view>

namespace steward::maintain {

// `pattern` is the setting log_filename, with the escapes of strftime(). The collector takes ".csv" and ".json" in place of
// ".log" at its end, or after it. An escape whose text is not known here matches nothing.
bool could_be_log(std::string_view pattern, std::string_view name);

}  // namespace steward::maintain
