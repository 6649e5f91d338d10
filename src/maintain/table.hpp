// SPDX-License-Identifier: PostgreSQL
//
// What is known of a table before it is decided what it needs. Read at once for all tables of a database; its TOAST table is
// part of it. Numbers that the server does not know are absent, never 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace steward::maintain {

using RelationId = std::uint32_t;

// Thresholds as autovacuum has them for this table: its storage parameters, else the server's settings.
struct Thresholds {
    double vacuum_base = 50;
    double vacuum_scale = 0.2;
    std::optional<double> vacuum_max;  // of the sum; PostgreSQL 18 on
    double insert_base = 1000;         // below 0: inserts alone never ask for a vacuum
    double insert_scale = 0.2;
    double analyze_base = 50;
    double analyze_scale = 0.1;
    std::int64_t freeze_max_age = 200'000'000;
    std::int64_t multixact_freeze_max_age = 400'000'000;
};

// What has happened to its rows since it was last vacuumed or analysed.
struct Changes {
    double dead = 0;
    double inserted = 0;
    double modified = 0;
};

struct IndexFacts {
    RelationId id = 0;
    std::string name;  // quoted, schema-qualified
    std::string access_method;
    RelationId tablespace = 0;  // 0: that of the database
    std::int64_t bytes = 0;
    bool is_valid = true;
    bool is_leftover = false;                 // invalid and named as REINDEX CONCURRENTLY names what it works on
    bool is_reindexable_concurrently = true;  // not of an exclusion constraint
    // Share of its bytes that a rebuild would give back, where it has been estimated.
    std::optional<double> bloat_low;
    std::optional<double> bloat_high;
};

// What a table and its TOAST table each have of their own.
struct HeapFacts {
    RelationId id = 0;
    std::optional<double> rows;  // none: never vacuumed or analysed
    double pages = 0;            // as the server last counted them
    double all_visible_pages = 0;
    double all_frozen_pages = 0;
    std::int64_t xid_age = 0;
    std::int64_t multixact_age = 0;
    Changes changes;     // since its last vacuum or analyse, what was lost and is remembered included
    Changes remembered;  // the part of them that the server has forgotten
    Thresholds thresholds;
    bool is_autovacuum_enabled = true;  // by its storage parameters
};

struct TableFacts : HeapFacts {
    enum class Kind { table, materialized_view, partitioned };

    std::string name;  // quoted, schema-qualified
    RelationId owner = 0;
    Kind kind = Kind::table;
    bool has_children = false;  // by inheritance or partitioning: from PostgreSQL 18 on, commands reach them too
    std::int64_t bytes = 0;     // of the table and its TOAST table, without indexes
    std::int64_t index_bytes = 0;
    int partitions = 0;          // that hold rows, on all levels
    bool has_statistics = true;  // the planner has some of every column that ANALYZE can describe
    std::optional<HeapFacts> toast;
    std::optional<base::Instant> last_vacuum;   // as the server, its memory or the ledger knows
    std::optional<base::Instant> last_analyze;  // likewise
    std::vector<IndexFacts> indexes;
};

}  // namespace steward::maintain
