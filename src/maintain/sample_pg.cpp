// SPDX-License-Identifier: PostgreSQL
#include "maintain/sample_pg.hpp"

#include <vector>

#include "pg/guard.hpp"
#include "pg/pages.hpp"

namespace steward::maintain {

namespace {

struct PageFigures {
    double bloat;
    double dead;
    bool is_alien = false;  // no page of a B-tree
};

// ---- One page, under its share lock ----------------------------------------------------------------------------------

PageFigures heap_page(Relation table, BlockNumber number, Buffer buffer, Snapshot dirty_snapshot) {
    Page page = BufferGetPage(buffer);
    if (PageIsNew(page)) return {1, 0};
    Size dead = 0;
    const OffsetNumber last = PageGetMaxOffsetNumber(page);
    for (OffsetNumber at = FirstOffsetNumber; at <= last; at = OffsetNumberNext(at)) {
        ItemId item = PageGetItemId(page, at);
        if (!ItemIdIsNormal(item)) continue;
        HeapTupleData tuple;
        tuple.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
        tuple.t_len = ItemIdGetLength(item);
        tuple.t_tableOid = RelationGetRelid(table);
        ItemPointerSet(&tuple.t_self, number, at);
        if (!HeapTupleSatisfiesVisibility(&tuple, dirty_snapshot, buffer)) dead += tuple.t_len;
    }
    return {static_cast<double>(dead + pg::free_heap_bytes(page)) / BLCKSZ, static_cast<double>(dead) / BLCKSZ};
}

// The meta page and inner pages are there after a rebuild too.
PageFigures btree_page(BlockNumber number, Buffer buffer, double fillfactor) {
    Page page = BufferGetPage(buffer);
    if (number == BTREE_METAPAGE) return {0, 0};
    if (PageIsNew(page)) return {1, 0};
    if (PageGetSpecialSize(page) != MAXALIGN(sizeof(BTPageOpaqueData))) return {0, 0, true};
    auto* opaque = reinterpret_cast<BTPageOpaque>(PageGetSpecialPointer(page));
    if (P_IGNORE(opaque)) return {1, 0};
    if (!P_ISLEAF(opaque)) return {0, 0};
    const auto available = static_cast<double>(reinterpret_cast<PageHeader>(page)->pd_special - SizeOfPageHeaderData);
    return {leaf_bloat(available - static_cast<double>(pg::free_index_bytes(page)), available, fillfactor), 0};
}

// ---- Reading ---------------------------------------------------------------------------------------------------------

class PageReader {
public:
    PageReader(const Sampleable& sampled, Relation relation)
        : sampled_(sampled), relation_(relation), is_index_(sampled.is_index) {
        if (is_index_) fillfactor_ = BTGetFillFactor(relation_) / 100.0;
    }

    Sample read() {
        const BlockNumber pages = pg::call([&] { return RelationGetNumberOfBlocks(relation_); });
        chosen_ = choose_pages(pages, [] { return pg::random_fraction(); });
        figures_.resize(chosen_.size());
        pg::call([&] { read_pages(); });
        refuse_aliens();

        Sample result;
        result.bytes = static_cast<std::int64_t>(pages) * BLCKSZ;
        result.pages_read = static_cast<std::int64_t>(chosen_.size());
        result.is_exact = chosen_.size() == pages;
        std::vector<double> values;
        values.reserve(figures_.size());
        for (const PageFigures& page : figures_) values.push_back(page.bloat);
        result.bloat = estimate_share(values, pages, is_index_ ? least_leaf_bloat(fillfactor_) : 0);
        if (is_index_) return result;
        for (std::size_t at = 0; at < figures_.size(); ++at) values[at] = figures_[at].dead;
        result.dead_share = estimate_share(values, pages, 0).share;
        return result;
    }

private:
    void read_pages() {
        BufferAccessStrategy ring = GetAccessStrategy(BAS_BULKREAD);
        SnapshotData snapshot;
        InitDirtySnapshot(snapshot);
        for (std::size_t at = 0; at < chosen_.size(); ++at) {
            CHECK_FOR_INTERRUPTS();
            Buffer buffer = ReadBufferExtended(relation_, MAIN_FORKNUM, chosen_[at], RBM_NORMAL, ring);
            LockBuffer(buffer, BUFFER_LOCK_SHARE);
            figures_[at] = is_index_ ? btree_page(chosen_[at], buffer, fillfactor_)
                                     : heap_page(relation_, chosen_[at], buffer, &snapshot);
            UnlockReleaseBuffer(buffer);
        }
        FreeAccessStrategy(ring);
    }

    void refuse_aliens() const {
        for (std::size_t at = 0; at < chosen_.size(); ++at)
            if (figures_[at].is_alien)
                throw pg::PgError(ERRCODE_INDEX_CORRUPTED, "page {} of index \"{}\" is not a page of a B-tree",
                                  chosen_[at], sampled_.name)
                    .hint("REINDEX the index.");
    }

    const Sampleable& sampled_;
    Relation relation_;
    bool is_index_;
    double fillfactor_ = 1;
    std::vector<std::uint32_t> chosen_;
    std::vector<PageFigures> figures_;
};

struct CatalogEntry {
    NameData name;
    Oid schema;
    Oid access_method;
    char kind;
    char persistence;
    bool is_found;
};

CatalogEntry catalog_entry(RelationId relation) {
    return pg::call([&] {
        CatalogEntry entry{};
        HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
        if (!HeapTupleIsValid(tuple)) return entry;
        auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
        entry = {form->relname, form->relnamespace, form->relam, form->relkind, form->relpersistence, true};
        ReleaseSysCache(tuple);
        return entry;
    });
}

}  // namespace

Sampleable check_sampleable(RelationId relation) {
    const CatalogEntry entry = catalog_entry(relation);
    if (!entry.is_found) throw pg::PgError(ERRCODE_UNDEFINED_TABLE, "relation with OID {} does not exist", relation);
    Sampleable result{relation, NameStr(entry.name), entry.kind == RELKIND_INDEX};
    if (entry.kind == RELKIND_PARTITIONED_TABLE || entry.kind == RELKIND_PARTITIONED_INDEX)
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is partitioned and has no pages of its own", result.name)
            .hint("Name one of its partitions.");
    const bool is_table =
        entry.kind == RELKIND_RELATION || entry.kind == RELKIND_MATVIEW || entry.kind == RELKIND_TOASTVALUE;
    if (!is_table && !result.is_index)
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is not a table, materialized view or index", result.name);
    if (entry.access_method != (is_table ? HEAP_TABLE_AM_OID : BTREE_AM_OID))
        throw pg::PgError(ERRCODE_FEATURE_NOT_SUPPORTED, "bloat of \"{}\" cannot be estimated", result.name)
            .detail("Only heap tables and B-tree indexes have pages that are understood.");
    if (entry.persistence == RELPERSISTENCE_TEMP && pg::call([&] { return isOtherTempNamespace(entry.schema); }))
        throw pg::PgError(ERRCODE_FEATURE_NOT_SUPPORTED, "cannot access temporary tables of other sessions");
    if (entry.persistence == RELPERSISTENCE_UNLOGGED && RecoveryInProgress())
        throw pg::PgError(ERRCODE_FEATURE_NOT_SUPPORTED,
                          "cannot access temporary or unlogged relations during recovery");
    return result;
}

std::optional<Sample> sample(const Sampleable& sampled) {
    if (!pg::call([&] { return ConditionalLockRelationOid(sampled.id, AccessShareLock); })) return std::nullopt;
    Relation relation = pg::call([&] { return try_relation_open(sampled.id, NoLock); });
    if (relation == nullptr)
        throw pg::PgError(ERRCODE_UNDEFINED_TABLE, "relation with OID {} does not exist", sampled.id);
    Sample result = PageReader(sampled, relation).read();
    pg::call([&] { relation_close(relation, AccessShareLock); });
    return result;
}

}  // namespace steward::maintain
