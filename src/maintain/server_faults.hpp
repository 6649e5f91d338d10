// SPDX-License-Identifier: PostgreSQL
//
// Minors of PostgreSQL that must not be asked for what others do well.
#pragma once

#include <string>

namespace steward::maintain {

// Why this server must not REINDEX CONCURRENTLY; empty: it may. `version`: as server_version_num.
std::string broken_reindex(int version);

}  // namespace steward::maintain
