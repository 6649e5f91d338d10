// SPDX-License-Identifier: PostgreSQL
//
// The notes of counters, in steward.table_memory. As the extension's owner.
#pragma once

#include <map>

#include "maintain/memory.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

std::map<Oid, Note> read_notes(const std::optional<Oid>& table);

}  // namespace steward::maintain
