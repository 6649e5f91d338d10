// SPDX-License-Identifier: PostgreSQL
#include "maintain/facts_pg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "maintain/bloat_pg.hpp"
#include "maintain/memory_pg.hpp"
#include "maintain/score.hpp"
#include "partition/sizes_pg.hpp"
#include "pg/cursor.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

using OptionalInstant = std::optional<base::Instant>;

// "_ccnew", "_ccold", or with a number behind, where the name was taken.
bool is_leftover_name(std::string_view name) {
    while (!name.empty() && name.back() >= '0' && name.back() <= '9') name.remove_suffix(1);
    auto ends_with = [&](std::string_view end) {
        return name.size() > end.size() && name.substr(name.size() - end.size()) == end;
    };
    return ends_with("_ccnew") || ends_with("_ccold");
}

class FactsReader {
public:
    explicit FactsReader(const Scope& scope) : scope_(scope) {}

    std::vector<TableFacts> run() {
        pg::AsExtensionOwner as_extension;
        // To start processes takes longer than to read catalogs.
        pg::set_local("max_parallel_workers_per_gather", "0");
        relations_ = read_relations(scope_);
        only_ = relations_.size() > 2 ? std::nullopt : scope_.table;
        notes_ = read_notes(only_);
        without_statistics_ = read_tables_without_statistics(scope_.table);
        sizes_.expect(relations_.size());
        read_done();
        read_indexes();
        if (std::any_of(relations_.begin(), relations_.end(),
                        [](const auto& entry) { return entry.second.kind == RELKIND_PARTITIONED_TABLE; }))
            partitions_ = read_partitions();
        std::vector<TableFacts> tables;
        for (const auto& [id, relation] : relations_) {
            if (!relation.is_maintained || relation.kind == RELKIND_TOASTVALUE) continue;
            if (scope_.table && id != *scope_.table) continue;
            tables.push_back(facts_of(relation));
            pg::check_interrupts();
        }
        return tables;
    }

private:
    struct Done {
        OptionalInstant vacuum;
        OptionalInstant analyze;
    };

    void read_done();
    void read_indexes();
    std::int64_t bytes_of(const RelationRow& relation);
    HeapFacts heap_of(const RelationRow& relation, const Done& done) const;
    TableFacts facts_of(const RelationRow& relation);
    void add_partitions(TableFacts& table, Oid parent);

    Scope scope_;
    std::optional<Oid> only_;  // the table of the scope, where nothing of others is needed for it
    std::map<Oid, RelationRow> relations_;
    std::map<Oid, Note> notes_;
    std::map<Oid, Done> done_;  // by the ledger
    std::set<Oid> without_statistics_;
    std::map<Oid, std::vector<Oid>> partitions_;
    std::map<Oid, std::vector<IndexFacts>> indexes_;
    partition::SizeReader sizes_;
};

void FactsReader::read_done() {
    const std::string sql = fmt::format(
        "SELECT table_oid, date_part('epoch', max(ended_at) FILTER (WHERE action IN ('vacuum', 'freeze'))), "
        "date_part('epoch', max(ended_at) FILTER (WHERE action = 'analyze')) "
        "FROM steward.maintenance_ledger WHERE outcome = 'done'{} GROUP BY table_oid",
        only_ ? " AND table_oid = $1" : "");
    std::vector<pg::Parameter> parameters;
    if (only_) parameters.push_back(pg::Parameter::oid(*only_));
    for (const pg::Row& row : pg::query(sql, parameters)) done_[row.oid(0)] = {instant(row, 1), instant(row, 2)};
}

void FactsReader::read_indexes() {
    const std::string sql = fmt::format(
        "SELECT i.indrelid, i.indexrelid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relname, "
        "m.amname, "
        "i.indisvalid, i.indisexclusion, c.reltablespace FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam "
        "WHERE c.relkind = 'i' AND c.relpersistence <> 't' AND n.nspname <> 'pg_toast'{} ORDER BY i.indexrelid",
        scope_.table ? " AND i.indrelid = $1" : "");
    std::vector<pg::Parameter> parameters;
    if (scope_.table) parameters.push_back(pg::Parameter::oid(*scope_.table));
    const std::map<RelationId, StoredBloat> bloat = stored_bloat();
    pg::for_each_row(sql, parameters, [&](const pg::Row& row) {
        IndexFacts index;
        index.id = row.oid(1);
        index.name = row.text(2);
        index.access_method = row.text(4);
        index.is_valid = row.truth(5);
        index.is_leftover = !index.is_valid && is_leftover_name(row.text(3));
        index.is_reindexable_concurrently = !row.truth(6);
        index.tablespace = row.oid(7);
        if (const auto found = bloat.find(index.id); found != bloat.end()) {
            index.bloat_low = found->second.share.low;
            index.bloat_high = found->second.share.high;
        }
        indexes_[row.oid(0)].push_back(std::move(index));
    });
}

// Some catalogs keep the names of their files elsewhere: of them, what the server last counted.
std::int64_t FactsReader::bytes_of(const RelationRow& relation) {
    if (relation.kind == RELKIND_PARTITIONED_TABLE) return 0;
    if (relation.counters.file == InvalidOid) return static_cast<std::int64_t>(relation.heap.pages) * BLCKSZ;
    return sizes_.main_bytes(relation.heap.id);
}

HeapFacts FactsReader::heap_of(const RelationRow& relation, const Done& done) const {
    HeapFacts heap = relation.heap;
    const auto noted = notes_.find(heap.id);
    if (noted == notes_.end() || relation.is_unlogged) return heap;
    Counters now = relation.counters;
    now.last_vacuum = std::max(now.last_vacuum, done.vacuum);
    now.last_analyze = std::max(now.last_analyze, done.analyze);
    heap.remembered = forgotten(noted->second, now);
    heap.changes.dead += heap.remembered.dead;
    heap.changes.inserted += heap.remembered.inserted;
    heap.changes.modified += heap.remembered.modified;
    return heap;
}

TableFacts FactsReader::facts_of(const RelationRow& relation) {
    const Oid id = relation.heap.id;
    const Done done = done_.count(id) != 0 ? done_.at(id) : Done{};
    TableFacts table;
    static_cast<HeapFacts&>(table) = heap_of(relation, done);
    table.name = relation.name;
    table.owner = relation.owner;
    if (relation.kind == RELKIND_MATVIEW) table.kind = TableFacts::Kind::materialized_view;
    table.has_children = relation.has_children;
    table.bytes = bytes_of(relation);
    table.last_vacuum = std::max(relation.counters.last_vacuum, done.vacuum);
    table.last_analyze = std::max(relation.counters.last_analyze, done.analyze);
    if (const auto noted = notes_.find(id); noted != notes_.end()) {
        table.last_vacuum = std::max(table.last_vacuum, noted->second.counters.last_vacuum);
        table.last_analyze = std::max(table.last_analyze, noted->second.counters.last_analyze);
    }
    if (relation.kind == RELKIND_PARTITIONED_TABLE) {
        table.kind = TableFacts::Kind::partitioned;
        table.rows.reset();
        add_partitions(table, id);
    }
    const bool is_empty = table.bytes == 0 || (table.rows && *table.rows == 0);
    table.has_statistics = is_empty || without_statistics_.count(id) == 0;
    // ANALYZE passes over it without a word.
    if (id == StatisticRelationId) table.changes.modified = 0;
    if (const auto toast = relations_.find(relation.toast); toast != relations_.end()) {
        table.toast = heap_of(toast->second, done);
        table.bytes += bytes_of(toast->second);
    }
    if (const auto found = indexes_.find(id); found != indexes_.end()) table.indexes = std::move(found->second);
    for (IndexFacts& index : table.indexes) {
        index.bytes = sizes_.main_bytes(index.id);
        table.index_bytes += index.bytes;
    }
    return table;
}

// Of all below: what they hold, and what has changed in them since the parent was analysed. A partition that has been analysed
// since then has forgotten its part: as much as made that analysis due has changed at least.
void FactsReader::add_partitions(TableFacts& table, Oid parent) {
    const auto found = partitions_.find(parent);
    if (found == partitions_.end()) return;
    for (Oid id : found->second) {
        const auto entry = relations_.find(id);
        if (entry == relations_.end()) continue;
        const RelationRow& partition = entry->second;
        if (partition.kind == RELKIND_PARTITIONED_TABLE) {
            add_partitions(table, id);
            continue;
        }
        ++table.partitions;
        table.bytes += bytes_of(partition);
        const Done done = done_.count(id) != 0 ? done_.at(id) : Done{};
        const HeapFacts heap = heap_of(partition, done);
        if (heap.rows) table.rows = table.rows.value_or(0) + *heap.rows;
        table.changes.modified += heap.changes.modified;
        table.remembered.modified += heap.remembered.modified;
        // Not by hand: before PostgreSQL 18 the parent's own ANALYZE comes to its partitions after it.
        if (table.last_analyze && std::max(partition.last_autoanalyze, done.analyze) > table.last_analyze)
            table.changes.modified += analyze_threshold(heap);
    }
}

}  // namespace

std::vector<TableFacts> read_tables(const Scope& scope) { return FactsReader(scope).run(); }

std::optional<TableFacts> read_table(Oid table) {
    std::vector<TableFacts> tables = read_tables({BOOTSTRAP_SUPERUSERID, table});
    if (tables.empty()) return std::nullopt;
    return std::move(tables.front());
}

}  // namespace steward::maintain
