// SPDX-License-Identifier: PostgreSQL
//
// All that is known of tables before it is decided what they need.
#pragma once

#include <optional>
#include <vector>

#include "maintain/relations_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

// Tables, materialized views and partitioned tables of this database that the scope names, each with its indexes and its
// TOAST table, whose size is read from the files. Takes no lock on any, so that none can keep it waiting. Costs below 50 us a
// table.
std::vector<TableFacts> read_tables(const Scope& scope);

// The same of one table, whoever may maintain it; nothing when it is gone or of a kind that is not maintained.
std::optional<TableFacts> read_table(Oid table);

}  // namespace steward::maintain
