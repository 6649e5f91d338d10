// SPDX-License-Identifier: PostgreSQL
//
// The databases one can connect to, for workers that are attached to none; and the one this session is in.
#pragma once

#include <string>
#include <vector>

#include "pg/postgres.hpp"

namespace steward::pg {

// Templates left out. Read anew when pg_database has changed: a start over n databases reads n rows, not n for each of them.
const std::vector<Oid>& connectable_databases();
bool is_connectable(Oid database);

// Of this session.
std::string current_database();

}  // namespace steward::pg
