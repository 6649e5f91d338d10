// SPDX-License-Identifier: PostgreSQL
//
// steward.apply_tuning(..., watch): what queries took before is kept in a table, and a job that runs once judges them.
#pragma once

#include <cstdint>
#include <string>

namespace steward::tune {

// In the transaction that writes the batch down, as the extension's owner. Throws 55000 when there is nothing to compare with.
void begin_watch(std::int64_t batch, std::int64_t micros, const std::string& role);

}  // namespace steward::tune
