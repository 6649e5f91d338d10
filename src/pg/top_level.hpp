// SPDX-License-Identifier: PostgreSQL
//
// One statement run as a client's would be: at top level, in a transaction of its own that the statement may commit and
// begin anew (DETACH CONCURRENTLY, VACUUM, CREATE INDEX CONCURRENTLY). Only in a background worker with no transaction open; and whether a
// procedure of ours was called like that.
#pragma once

#include <optional>
#include <string>

#include "pg/error.hpp"
#include "pg/postgres.hpp"

namespace steward::pg {

// The plans of one statement through a portal that the server takes for a client's: what VACUUM and its kind keep over their
// own commits hangs on it. Inside pg::call(), with a transaction open; trees and plans outlive the commits.
void run_plans_at_top_level(const RawStmt* statement, const char* sql, List* plans, QueryCompletion* completion);

// Runs `sql` as `role`; the error when it fails, after which the transaction is aborted.
std::optional<ErrorReport> run_top_level(const std::string& sql, Oid role);

// Whether a procedure was called outside a transaction block, and may commit.
bool may_commit(FunctionCallInfo fcinfo);

}  // namespace steward::pg
