// SPDX-License-Identifier: PostgreSQL
#include "partition/sizes_pg.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/memory.hpp"

namespace steward::partition {

namespace {

constexpr std::int64_t kSegmentBytes = static_cast<std::int64_t>(RELSEG_SIZE) * BLCKSZ;
constexpr int kBatch = 256;

// All segments of one fork; nothing when it does not exist.
std::optional<std::int64_t> fork_bytes(const std::string& path) {
    struct stat file;
    if (stat(path.c_str(), &file) != 0) return std::nullopt;
    std::int64_t bytes = file.st_size;
    for (int segment = 1; file.st_size >= kSegmentBytes; ++segment) {
        if (stat(fmt::format("{}.{}", path, segment).c_str(), &file) != 0) break;
        bytes += file.st_size;
    }
    return bytes;
}

bool has_storage(char kind) {
    return kind == RELKIND_RELATION || kind == RELKIND_TOASTVALUE || kind == RELKIND_INDEX || kind == RELKIND_MATVIEW;
}

}  // namespace

SizeReader::Stored SizeReader::stored_from(HeapTuple tuple) {
    auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    return {form->oid,       form->relfilenode, form->reltablespace, form->reltoastrelid, form->relnamespace,
            form->reltuples, form->relpages,    form->relkind,       form->relpersistence};
}

SizeReader::IndexOf SizeReader::index_from(HeapTuple tuple) {
    auto* form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    return {form->indrelid, form->indexrelid};
}

// Every row of a catalog, or those whose `column` is `key` by way of an index.
template <class Entry, class Read>
std::vector<Entry> SizeReader::scan(Oid catalog, Oid index, AttrNumber column, Oid key, Read read) {
    std::vector<Entry> entries;
    Entry batch[kBatch];
    Relation relation;
    SysScanDesc scan;
    ScanKeyData condition;
    bool has_index = OidIsValid(index);
    pg::call([&] {
        relation = table_open(catalog, AccessShareLock);
        if (has_index) ScanKeyInit(&condition, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(key));
        scan = systable_beginscan(relation, index, has_index, nullptr, has_index ? 1 : 0, &condition);
    });
    for (int count = kBatch; count == kBatch;) {
        count = pg::call([&] {
            int filled = 0;
            for (HeapTuple tuple; filled < kBatch && HeapTupleIsValid(tuple = systable_getnext(scan));)
                batch[filled++] = read(tuple);
            return filled;
        });
        entries.insert(entries.end(), batch, batch + count);
        pg::check_interrupts();
    }
    pg::call([&] {
        systable_endscan(scan);
        table_close(relation, AccessShareLock);
    });
    return entries;
}

void SizeReader::expect(std::size_t tables) {
    expected_ += tables;
    if (expected_ >= kProbed && !is_loaded_) load();
}

void SizeReader::load() {
    pg::ScratchMemory scratch;
    relations_ = scan<Stored>(RelationRelationId, InvalidOid, 0, InvalidOid, stored_from);
    indexes_ = scan<IndexOf>(IndexRelationId, InvalidOid, 0, InvalidOid, index_from);
    std::sort(relations_.begin(), relations_.end(), [](const Stored& a, const Stored& b) { return a.id < b.id; });
    std::sort(indexes_.begin(), indexes_.end(), [](const IndexOf& a, const IndexOf& b) { return a.table < b.table; });
    is_loaded_ = true;
}

std::optional<SizeReader::Stored> SizeReader::stored(Oid relation) {
    if (!is_loaded_) {
        auto found = scan<Stored>(RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, relation, stored_from);
        if (found.empty()) return std::nullopt;
        return found.front();
    }
    auto at = std::lower_bound(relations_.begin(), relations_.end(), relation,
                               [](const Stored& entry, Oid id) { return entry.id < id; });
    if (at == relations_.end() || at->id != relation) return std::nullopt;
    return *at;
}

std::vector<SizeReader::IndexOf> SizeReader::indexes_of(Oid table) {
    if (!is_loaded_)
        return scan<IndexOf>(IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, table, index_from);
    auto first = std::lower_bound(indexes_.begin(), indexes_.end(), table,
                                  [](const IndexOf& entry, Oid id) { return entry.table < id; });
    auto last = first;
    while (last != indexes_.end() && last->table == table) ++last;
    return {first, last};
}

// The server knows where the files of a tablespace lie; what they are called below it has been the same for ever.
const std::string& SizeReader::directory(Oid tablespace) {
    Oid place = OidIsValid(tablespace) ? tablespace : MyDatabaseTableSpace;
    auto known = directories_.find(place);
    if (known != directories_.end()) return known->second;
    pg::ScratchMemory scratch;
    const char* path = pg::call([&] { return GetDatabasePath(MyDatabaseId, place); });
    return directories_.emplace(place, path).first->second;
}

std::string SizeReader::path(const Stored& relation) {
    const std::string& base = directory(relation.tablespace);
    if (relation.persistence != RELPERSISTENCE_TEMP) return fmt::format("{}/{}", base, relation.file);
    // The number behind pg_temp_ and pg_toast_temp_ is that of the session, which the file names carry too.
    pg::ScratchMemory scratch;
    const char* schema = pg::call([&] { return get_namespace_name(relation.schema); });
    std::string name = schema == nullptr ? std::string() : schema;
    return fmt::format("{}/t{}_{}", base, name.substr(name.rfind('_') + 1), relation.file);
}

std::optional<std::int64_t> SizeReader::bytes(const Stored& relation, std::int64_t* main_bytes) {
    if (!has_storage(relation.kind) || !OidIsValid(relation.file)) return 0;
    std::string name = path(relation);
    std::optional<std::int64_t> total = fork_bytes(name);
    if (!total) return std::nullopt;
    if (main_bytes != nullptr) *main_bytes = *total;
    *total += fork_bytes(name + "_fsm").value_or(0);
    if (relation.kind != RELKIND_INDEX) *total += fork_bytes(name + "_vm").value_or(0);
    if (relation.persistence == RELPERSISTENCE_UNLOGGED) *total += fork_bytes(name + "_init").value_or(0);
    return total;
}

std::int64_t SizeReader::bytes_of_indexes(const std::vector<IndexOf>& indexes) {
    std::int64_t total = 0;
    for (const IndexOf& entry : indexes)
        if (auto index = stored(entry.index)) total += bytes(*index).value_or(0);
    return total;
}

std::int64_t SizeReader::main_bytes(Oid relation) {
    std::optional<Stored> found = stored(relation);
    if (!found || !has_storage(found->kind) || !OidIsValid(found->file)) return 0;
    return fork_bytes(path(*found)).value_or(0);
}

TableSize SizeReader::size(Oid table) {
    TableSize size;
    std::optional<Stored> relation = stored(table);
    if (!relation) return size;
    std::vector<IndexOf> indexes = indexes_of(table);
    size.is_partitioned = relation->kind == RELKIND_PARTITIONED_TABLE;
    size.indexes = static_cast<int>(indexes.size());
    size.table_bytes = bytes(*relation, &size.main_bytes);
    if (!size.table_bytes) return size;
    if (OidIsValid(relation->toast)) {
        if (auto toast = stored(relation->toast)) *size.table_bytes += bytes(*toast).value_or(0);
        *size.table_bytes += bytes_of_indexes(indexes_of(relation->toast));
    }
    size.index_bytes = bytes_of_indexes(indexes);

    bool is_analyzed = relation->rows > 0 || (relation->rows == 0 && relation->pages > 0);
    const auto whole_pages = size.main_bytes / BLCKSZ;
    double pages = static_cast<double>(whole_pages);
    if (has_storage(relation->kind) && pages == 0)
        size.rows = 0;
    else if (is_analyzed && has_storage(relation->kind) && relation->pages > 0)
        size.rows = std::llround(static_cast<double>(relation->rows) / relation->pages * pages);
    else if (is_analyzed)
        size.rows = std::llround(static_cast<double>(relation->rows));
    return size;
}

}  // namespace steward::partition
