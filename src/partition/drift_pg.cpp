// SPDX-License-Identifier: PostgreSQL
//
// steward.find_partition_drift().
#include "partition/drift_finder_pg.hpp"

#include <algorithm>
#include <tuple>

#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/policy_pg.hpp"
#include "pg/guard.hpp"
#include "pg/srf.hpp"

namespace steward::partition {

namespace {

// $1: only the tree below this table, or NULL; $2, $3: registered tables and their templates.
std::string with_family(const std::string& rest) {
    static const std::string* const head = new std::string(
        std::string(
            "WITH family AS MATERIALIZED (SELECT i.inhparent AS parent, i.inhrelid AS child, n.nspname, c.relname, "
            "c.relkind = 'p' AS is_partitioned, CASE WHEN $2::oid[] <> '{}' THEN (SELECT r.template FROM "
            "unnest($2::oid[], "
            "$3::oid[]) r(root, template) WHERE r.root = pg_partition_root(i.inhparent)) END AS template FROM "
            "pg_inherits i "
            "JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'p' JOIN pg_class c ON c.oid = i.inhrelid "
            "AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE ($1::oid IS NULL OR i.inhrelid IN (SELECT relid FROM pg_partition_tree($1::oid)))") +
        (pg::has_detach_concurrently() ? " AND NOT i.inhdetachpending" : "") + ") ");
    return *head + rest;
}

pg::Parameter parent_parameter(std::optional<Oid> parent) {
    return parent ? pg::Parameter::oid(*parent) : pg::Parameter::null();
}

}  // namespace

Finder::Finder(std::optional<Oid> parent) {
    std::vector<std::string> roots;
    std::vector<std::string> templates;
    for (const RegisteredSet& set : read_policies()) {
        if (set.policy.template_id == 0) continue;
        roots.push_back(std::to_string(set.parent));
        templates.push_back(std::to_string(set.policy.template_id));
    }
    has_templates_ = !roots.empty();
    parameters_ = {parent_parameter(parent), pg::Parameter("{" + join(roots, ",") + "}"),
                   pg::Parameter("{" + join(templates, ",") + "}")};
}

std::vector<pg::Row> Finder::query(const std::string& rest) { return pg::query(with_family(rest), parameters_); }

// Columns 0 to 3: kHead, 4: expected, 5: actual.
Difference& Finder::begin_difference(const pg::Row& row, Aspect aspect) {
    Difference& difference = differences_.emplace_back();
    difference.parent_id = row.oid(0);
    difference.parent = relation_name(difference.parent_id).qualified();
    difference.schema = row.text(1);
    difference.name = row.text(2);
    difference.partition_id = relation_id(difference.schema, difference.name);
    difference.partition = base::qualified_name(difference.schema, difference.name);
    difference.is_partitioned = row.truth(3);
    difference.aspect = aspect;
    difference.expected = row.optional(4);
    difference.actual = row.optional(5);
    return difference;
}

std::vector<Difference> Finder::find() {
    find_missing_indexes();
    find_invalid_indexes();
    find_table_settings();
    find_replica_identities();
    find_column_settings();
    find_column_options();
    find_defaults();
    find_comments();
    find_privileges();
    find_policies();
    find_statistics();
    find_triggers();
    find_publications();
    if (has_templates_) {
        find_missing_template_indexes();
        find_options();
    }
    std::sort(differences_.begin(), differences_.end(), [](const Difference& a, const Difference& b) {
        return std::tie(a.parent, a.partition, a.aspect, a.subject, a.index.suffix) <
               std::tie(b.parent, b.partition, b.aspect, b.subject, b.index.suffix);
    });
    return std::move(differences_);
}

namespace {

void check_parent(Oid parent) {
    auto rows =
        pg::query("SELECT relkind = 'p', oid::regclass FROM pg_class WHERE oid = $1", {pg::Parameter::oid(parent)});
    if (rows.empty()) throw pg::PgError(ERRCODE_UNDEFINED_TABLE, "relation with OID {} does not exist", parent);
    if (!rows[0].truth(0))
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "{} is not a partitioned table", rows[0].text(1))
            .hint("Name the partitioned table, or leave the argument out to look at all of them.");
}

std::optional<std::string> none_if_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

}  // namespace

}  // namespace steward::partition

using namespace steward;

STEWARD_FUNCTION(steward_find_partition_drift) {
    return pg::entry([&] {
        const std::optional<Oid> parent = pg::optional_oid_argument(fcinfo, 0);
        if (parent) partition::check_parent(*parent);
        pg::ResultSet result(fcinfo);
        for (const partition::Difference& difference : partition::Finder(parent).find()) {
            partition::Repair repair = partition::repair(difference);
            // Tables as their OIDs: a name is read by the rights of whoever looks, who may not use the schema.
            result.add({fmt::format("{}", difference.parent_id), fmt::format("{}", difference.partition_id),
                        partition::aspect_name(difference.aspect), partition::none_if_empty(difference.subject),
                        difference.expected, difference.actual, std::move(repair.sql), std::move(repair.lock_mode)});
            pg::check_interrupts();
        }
        return result.done();
    });
}
