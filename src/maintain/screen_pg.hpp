// SPDX-License-Identifier: PostgreSQL
//
// All tables and B-trees of the database with their size and the guess at their bloat, by the catalogs alone: no lock, no
// page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "maintain/table.hpp"
#include "pg/postgres.hpp"

namespace steward::maintain {

struct Screened {
    RelationId id = 0;
    RelationId table = 0;  // that it is, or whose index or TOAST table it is
    RelationId file_node = 0;
    std::string kind;        // "table", "materialized view", "toast table", "index"
    std::int64_t bytes = 0;  // of its main fork
    std::optional<double> guess;
    double reserved = 0;  // by its fillfactor
};

// Those whose pages the current user may read: their owner, and members of pg_stat_scan_tables.
std::vector<Screened> screen_relations();

bool may_read_all_pages();
// Throws 42501.
void check_may_read_pages(RelationId relation, const std::string& name);

}  // namespace steward::maintain
