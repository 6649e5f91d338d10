// SPDX-License-Identifier: PostgreSQL
//
// A detached partition as a file: COPY, then the file is read back, counted and hashed, and a manifest is written beside
// it; only then, under the same lock and in the same transaction, the table is dropped. Anything that does not match throws.
//
//   DIR/schema.table.copy            rows in COPY text format
//   DIR/schema.table.copy.manifest   JSON: table, bounds, columns, rows, bytes, sha256, server version, time
#pragma once

#include "partition/plan.hpp"

namespace steward::partition {

std::string archive_sql(const std::string& table, const std::string& path);

void archive(const PlanStep& step);

}  // namespace steward::partition
