// SPDX-License-Identifier: PostgreSQL
//
// Sizes and row estimates of many tables at once. pg_total_relation_size() opens every table, index and toast table: ten
// thousand partitions cost seconds, as many locks, and memory that the session never gives back. Here the catalogs are
// read as sets and the files are asked themselves; the figures are the same. A table that is dropped meanwhile has none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pg/postgres.hpp"

namespace steward::partition {

struct TableSize {
    std::optional<std::int64_t> rows;         // as the planner estimates; nothing where never analyzed
    std::optional<std::int64_t> table_bytes;  // as pg_table_size(): with free space and visibility maps and toast
    std::optional<std::int64_t> index_bytes;  // as pg_indexes_size()
    std::int64_t main_bytes = 0;              // of the rows' own file
    int indexes = 0;
    bool is_partitioned = false;
};

class SizeReader {
public:
    // From so many tables on, all of pg_class and pg_index is read once, instead of table by table.
    static constexpr std::size_t kProbed = 200;
    // So many tables will be asked for.
    void expect(std::size_t tables);
    TableSize size(Oid table);
    // Of its rows' own file, also of an index, and never an error: 0 where there is none, or the server keeps its name to itself.
    std::int64_t main_bytes(Oid relation);

private:
    struct Stored {
        Oid id;
        Oid file;
        Oid tablespace;
        Oid toast;
        Oid schema;
        float rows;
        std::int32_t pages;
        char kind;
        char persistence;
    };
    struct IndexOf {
        Oid table;
        Oid index;
    };

    template <class Entry, class Read>
    std::vector<Entry> scan(Oid catalog, Oid index, AttrNumber column, Oid key, Read read);
    void load();
    std::optional<Stored> stored(Oid relation);
    std::vector<IndexOf> indexes_of(Oid table);
    const std::string& directory(Oid tablespace);
    std::string path(const Stored& relation);
    std::optional<std::int64_t> bytes(const Stored& relation, std::int64_t* main_bytes = nullptr);
    std::int64_t bytes_of_indexes(const std::vector<IndexOf>& indexes);

    std::size_t expected_ = 0;
    bool is_loaded_ = false;
    std::vector<Stored> relations_;  // by id
    std::vector<IndexOf> indexes_;   // by table
    std::map<Oid, std::string> directories_;

    static Stored stored_from(HeapTuple tuple);
    static IndexOf index_from(HeapTuple tuple);
};

}  // namespace steward::partition
