// SPDX-License-Identifier: PostgreSQL
//
// The blueprint of a set's next partitions, as the catalogs show it.
#pragma once

#include <string>

#include "partition/blueprint.hpp"
#include "partition/set.hpp"
#include "pg/postgres.hpp"

namespace steward::partition {

// To be called where search_path is pg_catalog, pg_temp (inside pg::AsOwner), so that every expression comes out qualified.
// One query, and one more for each kind of thing that the parent or its template really has.
Blueprint read_blueprint(const PartitionSet& set, const Policy& policy);

// The expression of a row policy (a pg_node_tree as text), with kSelfAlias before columns of the table itself where a
// subquery makes that necessary.
std::string policy_expression(const std::string& node_tree, Oid relation);

// As SQL text: what stands behind CREATE [UNIQUE] INDEX name ON table in the definition of index `i` (pg_index) named by `k`
// (pg_class) on table `t` (pg_class) in schema `n` (pg_namespace).
inline constexpr char kIndexTail[] = "substr(pg_get_indexdef(i.indexrelid), 1 + length('CREATE ' || CASE WHEN "
                                     "i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || "
                                     "quote_ident(k.relname) || ' ON ' || CASE WHEN k.relkind = 'I' THEN 'ONLY ' ELSE "
                                     "'' END || quote_ident(n.nspname) || '.' || "
                                     "quote_ident(t.relname) || ' '))";

// Minor releases of 2026 keep a version of their own among the options of a column, under a reserved key: attoptions without it.
std::string column_options(const std::string& attribute);  // as SQL: text[], never NULL
std::string has_column_options(const std::string& attribute);

}  // namespace steward::partition
