// SPDX-License-Identifier: PostgreSQL
//
// What has to be looked up about a statement that ends: its plan as EXPLAIN shows it, and the values of its parameters with
// the output functions of their types. Others' code runs here, catalogs are read: all of it may fail, and then nothing has
// come of it. It runs with the rights of the statement, in a subtransaction, and is not counted itself.
#pragma once

#include "capture/text_buffer.hpp"
#include "pg/executor.hpp"

namespace steward::capture {

// Longer ones are not worth the time it takes to print them.
inline constexpr int kMostPlanRelations = 1000;

// False, and nothing is written, when it cannot be done here and now. A cancellation that comes meanwhile is left for
// whatever runs next.
bool write_plan(const QueryDesc& query, bool has_costs, TextBuffer& to);
bool write_values(const QueryDesc& query, TextBuffer& to);

}  // namespace steward::capture
