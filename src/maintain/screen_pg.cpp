// SPDX-License-Identifier: PostgreSQL
#include "maintain/screen_pg.hpp"

#include <map>

#include "maintain/screen.hpp"
#include "partition/sizes_pg.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/pages.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"

namespace steward::maintain {

namespace {

// $1: the role that looks, $2: whether it sees everything. Only mapped catalogs are asked for their size here.
constexpr const char* kRelations = R"(
SELECT c.oid, coalesce(m.oid, i.indrelid, c.oid), pg_relation_filenode(c.oid),
       CASE WHEN c.relkind = 'r' THEN 'table' WHEN c.relkind = 'm' THEN 'materialized view' WHEN c.relkind = 't' THEN 'toast table'
            ELSE 'index' END,
       c.relpages, nullif(c.reltuples, -1),
       CASE WHEN c.reloptions IS NULL THEN NULL ELSE
           (SELECT o.option_value FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor') END,
       CASE WHEN i.indexrelid IS NULL OR i.indisunique OR i.indnkeyatts < i.indnatts THEN false ELSE
           NOT EXISTS (SELECT FROM unnest(i.indclass) k(opclass) JOIN pg_opclass p ON p.oid = k.opclass
                       WHERE NOT EXISTS (SELECT FROM pg_amproc f WHERE f.amprocfamily = p.opcfamily
                                         AND f.amproclefttype = p.opcintype AND f.amprocrighttype = p.opcintype AND f.amprocnum = 4))
           AND NOT coalesce('deduplicate_items=off' = ANY (c.reloptions), false) END,
       CASE WHEN c.relfilenode = 0 THEN pg_relation_size(c.oid) END
FROM pg_class c
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class m ON m.reltoastrelid = coalesce(i.indrelid, c.oid) AND m.reltoastrelid <> 0
WHERE (c.relkind IN ('r', 'm', 't') AND c.relam = 2 OR c.relkind = 'i' AND c.relam = 403)
  AND c.relpersistence <> 't' AND ($2 OR pg_has_role($1, c.relowner, 'USAGE'))
ORDER BY c.oid)";

// The server has no statistics of TOAST tables. A dropped column is stored as a null. Of an index: what is stored of its table's columns, or of its own expressions.
constexpr const char* kColumns = R"(
SELECT c.oid,
       CASE WHEN a.attisdropped THEN 0 ELSE coalesce(s.stawidth, nullif(a.attlen, -1)) END,
       CASE WHEN a.attisdropped THEN 1 ELSE coalesce(s.stanullfrac, 0) END,
       coalesce(s.stadistinct, 0),
       CASE WHEN a.attalign = 'd' THEN 8 WHEN a.attalign = 'i' THEN 4 WHEN a.attalign = 's' THEN 2 ELSE 1 END,
       a.attlen > 0
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_statistic s ON NOT s.stainherit
    AND s.starelid = CASE WHEN coalesce(i.indkey[a.attnum - 1], 0) = 0 THEN c.oid ELSE i.indrelid END
    AND s.staattnum = CASE WHEN coalesce(i.indkey[a.attnum - 1], 0) = 0 THEN a.attnum ELSE i.indkey[a.attnum - 1] END
WHERE (c.relkind IN ('r', 'm') AND c.relam = 2 OR c.relkind = 'i' AND c.relam = 403)
  AND c.relpersistence <> 't' AND ($2 OR pg_has_role($1, c.relowner, 'USAGE'))
ORDER BY c.oid, a.attnum)";

std::map<RelationId, std::vector<StoredColumn>> read_columns(pg::Spi& spi, const std::vector<pg::Parameter>& looker) {
    std::map<RelationId, std::vector<StoredColumn>> result;
    for (const pg::Row& row : spi.query(kColumns, looker)) {
        StoredColumn column;
        if (!row.is_null(1) && row.real(1) >= 0) column.width = row.real(1);
        column.null_share = row.real(2);
        column.distinct = row.real(3);
        column.alignment = static_cast<int>(row.number(4));
        column.is_fixed = row.truth(5);
        result[row.oid(0)].push_back(column);
    }
    return result;
}

Shape shape_of(const pg::Row& row, bool is_index, std::vector<StoredColumn> columns) {
    Shape shape;
    shape.pages = row.real(4);
    if (!row.is_null(5)) shape.rows = row.real(5);
    const double usual = is_index ? BTREE_DEFAULT_FILLFACTOR : HEAP_DEFAULT_FILLFACTOR;
    shape.fillfactor = (row.is_null(6) ? usual : row.real(6)) / 100;
    shape.page_bytes = BLCKSZ;
    shape.deduplicates = row.truth(7);
    shape.columns = std::move(columns);
    return shape;
}

}  // namespace

bool may_read_all_pages() {
    return pg::query("SELECT pg_catalog.pg_has_role('pg_stat_scan_tables', 'USAGE')").at(0).truth(0);
}

void check_may_read_pages(RelationId relation, const std::string& name) {
    if (may_read_all_pages() || pg::call([&] { return pg::is_owner_of_table(relation, GetUserId()); })) return;
    throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "permission denied to read the pages of \"{}\"", name)
        .hint("Its owner may, and members of pg_stat_scan_tables, as those of pg_monitor are.");
}

std::vector<Screened> screen_relations() {
    const std::vector<pg::Parameter> looker{pg::Parameter::oid(GetUserId()), pg::Parameter(may_read_all_pages())};
    pg::AsExtensionOwner owner;
    pg::Spi spi;
    std::vector<pg::Row> rows = spi.query(kRelations, looker);
    auto columns = read_columns(spi, looker);
    partition::SizeReader sizes;
    sizes.expect(rows.size());

    std::vector<Screened> result;
    for (const pg::Row& row : rows) {
        Screened relation;
        relation.id = row.oid(0);
        relation.table = row.oid(1);
        relation.file_node = row.oid(2);
        relation.kind = row.text(3);
        relation.bytes = row.is_null(8) ? sizes.main_bytes(relation.id) : row.number(8);
        const bool is_index = relation.kind == "index";
        const Shape shape = shape_of(row, is_index, std::move(columns[relation.id]));
        if (relation.kind != "toast table")
            relation.guess = is_index ? guess_btree_bloat(shape) : guess_heap_bloat(shape);
        relation.reserved = is_index ? 0 : 1 - shape.fillfactor;
        result.push_back(std::move(relation));
        pg::check_interrupts();
    }
    return result;
}

}  // namespace steward::maintain

using namespace steward;

STEWARD_FUNCTION(steward_bloat_screen) {
    return pg::entry([&] {
        pg::ResultSet result(fcinfo);
        for (const maintain::Screened& relation : maintain::screen_relations())
            result.add({fmt::format("{}", relation.id), fmt::format("{}", relation.table),
                        fmt::format("{}", relation.file_node), relation.kind, fmt::format("{}", relation.bytes),
                        relation.guess ? pg::Cell(fmt::format("{}", *relation.guess)) : std::nullopt});
        return result.done();
    });
}
