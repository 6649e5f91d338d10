// SPDX-License-Identifier: PostgreSQL
//
// Reads some pages of a table or B-tree and says how bloated it is. Counted is what contrib/pgstattuple counts: of a table
// dead rows and free room, of a B-tree how full its leaf pages are. Only never used pages differ: pgstattuple sees no room
// in those of a table, here they are free. Works on a standby.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "maintain/bloat.hpp"
#include "maintain/table.hpp"
#include "pg/postgres.hpp"

namespace steward::maintain {

// A relation that has pages to sample.
struct Sampleable {
    RelationId id = 0;
    std::string name;  // without its schema
    bool is_index = false;
};

// Throws what keeps the relation from being sampled: 42P01, 42809 or 0A000.
Sampleable check_sampleable(RelationId relation);

struct Sample {
    std::int64_t bytes = 0;  // of its main fork
    std::int64_t pages_read = 0;
    bool is_exact = false;  // all its pages were read
    Estimate bloat;
    std::optional<double> dead_share;  // of a table: what VACUUM would make free
};

// Nothing when somebody holds a lock that keeps readers out: it does not wait.
std::optional<Sample> sample(const Sampleable& relation);

}  // namespace steward::maintain
