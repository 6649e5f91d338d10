// SPDX-License-Identifier: PostgreSQL
#include "maintain/relations_pg.hpp"

#include <algorithm>

#include "base/array.hpp"
#include "base/text.hpp"
#include "maintain/storage_options.hpp"
#include "pg/cursor.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

constexpr char kSettings[] =
    "SELECT current_setting('autovacuum_vacuum_threshold'), current_setting('autovacuum_vacuum_scale_factor'), "
    "current_setting('autovacuum_vacuum_max_threshold', true), current_setting('autovacuum_vacuum_insert_threshold'), "
    "current_setting('autovacuum_vacuum_insert_scale_factor'), current_setting('autovacuum_analyze_threshold'), "
    "current_setting('autovacuum_analyze_scale_factor'), current_setting('autovacuum_freeze_max_age'), "
    "current_setting('autovacuum_multixact_freeze_max_age')";

Thresholds read_settings() {
    const pg::Row row = pg::query(kSettings).at(0);
    Thresholds given;
    given.vacuum_base = row.real(0);
    given.vacuum_scale = row.real(1);
    if (!row.is_null(2) && row.real(2) >= 0) given.vacuum_max = row.real(2);
    given.insert_base = row.real(3);
    given.insert_scale = row.real(4);
    given.analyze_base = row.real(5);
    given.analyze_scale = row.real(6);
    given.freeze_max_age = row.number(7);
    given.multixact_freeze_max_age = row.number(8);
    return given;
}

// What a role may maintain, as the server decides it for VACUUM.
std::string maintained_condition(Oid role) {
    if (pg::call([&] { return superuser_arg(role); })) return "true";
    const bool owns_database =
        pg::query("SELECT pg_has_role($1, datdba, 'USAGE') FROM pg_database WHERE datname = current_database()",
                  {pg::Parameter::oid(role)})
            .at(0)
            .truth(0);
    std::string condition = "pg_has_role($1, c.relowner, 'USAGE')";
    if (owns_database) condition += " OR NOT c.relisshared";
    if (pg::has_maintain_privilege()) condition += " OR has_table_privilege($1, c.oid, 'MAINTAIN')";
    return condition;
}

std::string relations_query(const Scope& scope) {
    const char* tree =
        "WITH RECURSIVE tree(id) AS (SELECT $2::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON tree.id = "
        "i.inhparent), wanted(id) AS (SELECT id FROM tree UNION SELECT t.reltoastrelid FROM tree JOIN pg_class t ON "
        "t.oid = "
        "tree.id) ";
    return fmt::format(
        "{}SELECT c.oid, c.relkind, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relowner, "
        "c.reltoastrelid, "
        "c.relpersistence = 'u', c.relhassubclass, c.reloptions, {}, c.reltuples, c.relpages, c.relallvisible, {}, "
        "CASE WHEN c.relfrozenxid <> '0' THEN age(c.relfrozenxid) END, "
        "CASE WHEN c.relminmxid <> '0' THEN mxid_age(c.relminmxid) END, c.relfilenode, "
        "pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid), "
        "pg_stat_get_vacuum_count(c.oid) + pg_stat_get_autovacuum_count(c.oid), "
        "pg_stat_get_analyze_count(c.oid) + pg_stat_get_autoanalyze_count(c.oid), "
        "pg_stat_get_dead_tuples(c.oid), pg_stat_get_ins_since_vacuum(c.oid), pg_stat_get_mod_since_analyze(c.oid), "
        "date_part('epoch', pg_stat_get_last_vacuum_time(c.oid)), date_part('epoch', "
        "pg_stat_get_last_autovacuum_time(c.oid)), "
        "date_part('epoch', pg_stat_get_last_analyze_time(c.oid)), date_part('epoch', "
        "pg_stat_get_last_autoanalyze_time(c.oid)) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'm', 'p', 't') AND c.relpersistence <> 't' AND $1 IS NOT NULL{}",
        scope.table ? tree : "", maintained_condition(scope.role), pg::has_all_frozen_pages() ? "c.relallfrozen" : "0",
        scope.table ? " AND c.oid IN (SELECT id FROM wanted)" : "");
}

RelationRow relation_from(const pg::Row& row, const Thresholds& settings) {
    RelationRow relation;
    HeapFacts& heap = relation.heap;
    heap.id = row.oid(0);
    relation.kind = row.text(1).at(0);
    relation.name = row.text(2);
    relation.owner = row.oid(3);
    relation.toast = row.oid(4);
    relation.is_unlogged = row.truth(5);
    relation.has_children = row.truth(6);
    heap.thresholds = settings;
    relation.has_options = !row.is_null(7);
    if (relation.has_options) apply_storage_options(heap, base::array_items(row.text(7)));
    relation.is_maintained = row.truth(8);
    heap.pages = row.real(10);
    // Before 14 nothing but a count of no pages tells that nobody has counted.
    if (row.real(9) > 0 || (row.real(9) == 0 && heap.pages > 0)) heap.rows = row.real(9);
    heap.all_visible_pages = row.real(11);
    heap.all_frozen_pages = row.real(12);
    heap.xid_age = row.number(13);
    heap.multixact_age = row.number(14);
    Counters& counters = relation.counters;
    counters.file = row.oid(15);
    counters.changed_in_all = row.number(16);
    counters.vacuums = row.number(17);
    counters.analyzes = row.number(18);
    counters.changes = {row.real(19), row.real(20), row.real(21)};
    heap.changes = counters.changes;
    relation.last_manual_vacuum = instant(row, 22);
    relation.last_autovacuum = instant(row, 23);
    relation.last_manual_analyze = instant(row, 24);
    relation.last_autoanalyze = instant(row, 25);
    counters.last_vacuum = std::max(relation.last_manual_vacuum, relation.last_autovacuum);
    counters.last_analyze = std::max(relation.last_manual_analyze, relation.last_autoanalyze);
    return relation;
}

}  // namespace

std::optional<base::Instant> instant(const pg::Row& row, std::size_t column) {
    if (row.is_null(column)) return std::nullopt;
    return base::Instant{static_cast<std::int64_t>(row.real(column) * 1e6)};
}

std::map<Oid, RelationRow> read_relations(const Scope& scope) {
    const Thresholds settings = read_settings();
    std::vector<pg::Parameter> parameters{pg::Parameter::oid(scope.role)};
    if (scope.table) parameters.push_back(pg::Parameter::oid(*scope.table));
    std::map<Oid, RelationRow> relations;
    pg::for_each_row(relations_query(scope), parameters,
                     [&](const pg::Row& row) { relations.emplace(row.oid(0), relation_from(row, settings)); });
    // A TOAST table without parameters of its own has those of its table.
    for (const auto& [id, relation] : relations) {
        const auto toast = relations.find(relation.toast);
        if (toast == relations.end() || toast->second.has_options) continue;
        toast->second.heap.thresholds = relation.heap.thresholds;
        toast->second.heap.is_autovacuum_enabled = relation.heap.is_autovacuum_enabled;
    }
    return relations;
}

std::map<Oid, std::vector<Oid>> read_partitions() {
    std::map<Oid, std::vector<Oid>> partitions;
    for (const pg::Row& row : pg::query("SELECT i.inhparent, i.inhrelid FROM pg_inherits i JOIN pg_class p ON p.oid = "
                                        "i.inhparent WHERE p.relkind = 'p'"))
        partitions[row.oid(0)].push_back(row.oid(1));
    return partitions;
}

std::set<Oid> read_tables_without_statistics(const std::optional<Oid>& table) {
    // Only where fewer columns are described than there are is it looked at the columns one by one (OFFSET keeps it so): of most
    // tables all are. ANALYZE passes over pg_statistic itself, without a word.
    const std::string sql = fmt::format(
        "WITH described AS MATERIALIZED (SELECT starelid, stainherit, count(*) AS columns FROM pg_statistic {} "
        "GROUP BY starelid, stainherit), "
        "lacking AS MATERIALIZED (SELECT c.oid, c.relkind = 'p' AS is_inherited FROM pg_class c "
        "LEFT JOIN described d ON d.starelid = c.oid AND d.stainherit = (c.relkind = 'p') "
        "WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't' AND c.oid <> 'pg_statistic'::regclass "
        "AND coalesce(d.columns, 0) < c.relnatts {}) "
        "SELECT l.oid FROM lacking l WHERE EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = l.oid "
        "AND a.attnum > 0 AND NOT a.attisdropped AND {} {} "
        "AND NOT EXISTS (SELECT FROM pg_statistic s WHERE s.starelid = a.attrelid AND s.staattnum = a.attnum "
        "AND s.stainherit = l.is_inherited) OFFSET 0)",
        table ? "WHERE starelid = $1" : "", table ? "AND c.oid = $1" : "",
        pg::has_null_statistics_target() ? "a.attstattarget IS DISTINCT FROM 0" : "a.attstattarget <> 0",
        pg::has_virtual_columns() ? "AND a.attgenerated <> 'v'" : "");
    std::vector<pg::Parameter> parameters;
    if (table) parameters.push_back(pg::Parameter::oid(*table));
    std::set<Oid> found;
    for (const pg::Row& row : pg::query(sql, parameters)) found.insert(row.oid(0));
    return found;
}

}  // namespace steward::maintain
