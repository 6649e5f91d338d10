// SPDX-License-Identifier: PostgreSQL
//
// Finds the partitions that differ. One query for each kind of difference looks at all partitions at once. They run under
// search_path = pg_catalog, pg_temp (the SQL function sets it), so plain operators are the server's own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "partition/drift.hpp"
#include "pg/postgres.hpp"
#include "pg/spi.hpp"

namespace steward::partition {

// The first columns of every query, before what was expected and what is; see begin_difference().
inline constexpr char kHead[] = "f.parent, f.nspname, f.relname, f.is_partitioned, ";

class Finder {
public:
    explicit Finder(std::optional<Oid> parent);
    std::vector<Difference> find();

private:
    // `rest` follows WITH family AS (...): a SELECT, or a comma and more queries of the WITH clause first.
    std::vector<pg::Row> query(const std::string& rest);
    Difference& begin_difference(const pg::Row& row, Aspect aspect);

    void find_missing_indexes();
    void find_missing_template_indexes();
    void find_invalid_indexes();
    void find_table_settings();
    void find_replica_identities();
    void find_column_settings();
    void find_column_options();
    void find_defaults();
    void find_comments();
    void find_privileges();
    void find_policies();
    void find_statistics();
    void find_options();
    void find_triggers();
    void find_publications();

    std::vector<pg::Parameter> parameters_;
    bool has_templates_ = false;
    std::vector<Difference> differences_;
};

}  // namespace steward::partition
