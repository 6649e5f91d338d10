// SPDX-License-Identifier: PostgreSQL
//
// Publications as the catalogs show them.
#pragma once

#include <string>
#include <vector>

#include "partition/publications.hpp"
#include "pg/postgres.hpp"

namespace steward::partition {

// Those that a new partition in the schema is to join, because they list `newest`. Run with a safe search_path.
std::vector<Publication> read_publications(const PartitionSet& set, Oid newest, const std::string& schema);

// ---- SQL text, of the aliases p (pg_publication) and r (pg_publication_rel) ---------------------------------------------

// What the publication lists of the table: two columns. Names stand in the order of `parent`, an expression of its OID.
std::string listing_columns(const std::string& parent);

// True when the publication has a partition in `schema` below `parent` without listing it. Both are expressions of OIDs.
std::string is_covered(const std::string& parent, const std::string& schema);

}  // namespace steward::partition
