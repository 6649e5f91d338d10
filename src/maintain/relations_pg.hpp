// SPDX-License-Identifier: PostgreSQL
//
// Tables and TOAST tables as the catalogs and the statistics have them, many at once and without a lock on any.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "maintain/memory.hpp"
#include "pg/spi.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

// Whose tables: those that the role may maintain, which are all for superusers, members of pg_maintain and, but for shared
// catalogs, the owner of the database. `table`: that one alone.
struct Scope {
    Oid role = InvalidOid;
    std::optional<Oid> table;
};

struct RelationRow {
    HeapFacts heap;  // changes as the server has them
    char kind = RELKIND_RELATION;
    std::string name;  // quoted, schema-qualified
    Oid owner = InvalidOid;
    Oid toast = InvalidOid;
    bool is_unlogged = false;
    bool has_children = false;
    bool has_options = false;
    bool is_maintained = false;  // by the role of the scope
    Counters counters;
    std::optional<base::Instant> last_manual_vacuum;
    std::optional<base::Instant> last_autovacuum;
    std::optional<base::Instant> last_manual_analyze;
    std::optional<base::Instant> last_autoanalyze;
};

// A column of seconds since 1970, as date_part('epoch', ...) gives them.
std::optional<base::Instant> instant(const pg::Row& row, std::size_t column);

// Temporary tables are left out. With `scope.table` come its TOAST table and, where it has any, its children with theirs.
// Needs the rights of the extension's owner, like all below.
std::map<Oid, RelationRow> read_relations(const Scope& scope);

// Partitions by partitioned table, direct ones.
std::map<Oid, std::vector<Oid>> read_partitions();

// Tables with a column that ANALYZE would describe and has not.
std::set<Oid> read_tables_without_statistics(const std::optional<Oid>& table);

}  // namespace steward::maintain
