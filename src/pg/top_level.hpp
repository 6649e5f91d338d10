// SPDX-License-Identifier: PostgreSQL
//
// One statement run as a client's would be: at top level, in a transaction of its own that the statement may commit and
// begin anew (DETACH CONCURRENTLY, VACUUM, CREATE INDEX CONCURRENTLY). Only in a background worker with no transaction open.
#pragma once

#include <optional>
#include <string>

#include "pg/error.hpp"
#include "pg/postgres.hpp"

namespace steward::pg {

// Runs `sql` as `role`; the error when it fails, after which the transaction is aborted.
std::optional<ErrorReport> run_top_level(const std::string& sql, Oid role);

}  // namespace steward::pg
