// SPDX-License-Identifier: PostgreSQL
//
// Moving a retired partition to a schema or a tablespace.
#pragma once

#include <string>

#include "partition/plan_pg.hpp"

namespace steward::partition {

// Whether that role may put tables into the schema or tablespace, and there is one.
bool may_create_in_schema(Oid role, const std::string& schema);
bool may_create_in_tablespace(Oid role, const std::string& tablespace);

// Why nothing can be moved where the policy says; empty when it can, or when it moves nothing.
std::string move_refusal(const KnownSet& known);

// The statements that move a table with its subpartitions and indexes, tables first.
std::string move_sql(const Policy& policy, Oid table);

}  // namespace steward::partition
