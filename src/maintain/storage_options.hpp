// SPDX-License-Identifier: PostgreSQL
//
// What a table's storage parameters say about its maintenance, over the server's settings, as autovacuum reads them.
#pragma once

#include <string>
#include <vector>

#include "maintain/table.hpp"

namespace steward::maintain {

// `options`: as in pg_class.reloptions, "autovacuum_vacuum_threshold=100". Those of other kinds are passed over.
void apply_storage_options(HeapFacts& heap, const std::vector<std::string>& options);

}  // namespace steward::maintain
