// SPDX-License-Identifier: PostgreSQL
//
// Differences of indexes and keys, and of the replica identity, which is one of them.
#include "partition/drift_finder_pg.hpp"

#include "base/text.hpp"
#include "partition/blueprint_pg.hpp"

namespace steward::partition {

namespace {

// Every index with its table and what stands behind ON table in its definition.
std::string indexes_of(const std::string& condition) {
    return std::string("SELECT i.*, k.relname, t.relname AS table_name, n.nspname, ") + kIndexTail +
           " AS tail, o.con FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid JOIN pg_class t ON t.oid = "
           "i.indrelid "
           "JOIN pg_namespace n ON n.oid = t.relnamespace LEFT JOIN LATERAL (SELECT pg_get_constraintdef(o.oid) AS con "
           "FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.conrelid = i.indrelid AND o.contype IN ('p', "
           "'u', 'x')) o ON true "
           "WHERE " +
           condition;
}

constexpr char kSuffix[] = "CASE WHEN starts_with(x.relname, x.table_name || '_') THEN substr(x.relname, "
                           "length(x.table_name) + 2) ELSE x.relname END";

TemplateIndex missing_index_at(const pg::Row& row) {
    TemplateIndex index;
    index.suffix = row.text(6);
    index.is_unique = row.truth(7);
    index.definition = row.text(8);
    index.constraint = row.text(9);
    return index;
}

}  // namespace

void Finder::find_missing_indexes() {
    // The definitions are only made for indexes that a partition lacks.
    const std::string sql =
        std::string(", lacking AS MATERIALIZED (SELECT f.*, i.indexrelid FROM family f JOIN pg_index i ON i.indrelid = "
                    "f.parent AND "
                    "i.indislive LEFT JOIN (pg_inherits h JOIN pg_index c ON c.indexrelid = h.inhrelid) ON h.inhparent "
                    "= i.indexrelid "
                    "AND c.indrelid = f.child WHERE c.indexrelid IS NULL), x AS MATERIALIZED (") +
        indexes_of("i.indexrelid IN (SELECT indexrelid FROM lacking)") + "), own AS MATERIALIZED (" +
        indexes_of("i.indrelid IN (SELECT child FROM lacking) AND i.indisvalid AND NOT EXISTS "
                   "(SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)") +
        ") SELECT " + kHead + "coalesce(x.con, x.tail), NULL, " + kSuffix +
        ", x.indisunique, x.tail, x.con, x.indexrelid::regclass, (SELECT own.indexrelid::regclass FROM own "
        "WHERE own.indrelid = f.child AND own.tail = x.tail AND own.indisunique = x.indisunique "
        "AND (x.con IS NULL OR own.con = x.con) LIMIT 1) FROM lacking f JOIN x ON x.indexrelid = f.indexrelid";
    for (const pg::Row& row : query(sql)) {
        Difference& difference = begin_difference(row, row.is_null(9) ? Aspect::index : Aspect::unique_key);
        difference.index = missing_index_at(row);
        difference.parent_index = row.text(10);
        difference.existing_index = row.text(11);
        difference.subject = difference.parent_index;
    }
}

void Finder::find_missing_template_indexes() {
    const std::string sql =
        ", x AS MATERIALIZED (" + indexes_of("i.indrelid IN (SELECT template FROM family) AND i.indislive") +
        "), own AS MATERIALIZED (" +
        indexes_of("i.indrelid IN (SELECT child FROM family WHERE template IS NOT NULL) AND i.indislive") +
        ") SELECT " + kHead + "coalesce(x.con, x.tail), NULL, " + kSuffix +
        ", x.indisunique, x.tail, x.con FROM family f JOIN x ON x.indrelid = f.template WHERE NOT f.is_partitioned AND "
        "NOT EXISTS ("
        "SELECT FROM own WHERE own.indrelid = f.child AND (own.indisprimary AND x.indisprimary OR own.tail = x.tail "
        "AND "
        "own.indisunique = x.indisunique AND (x.con IS NULL OR own.con IS NOT NULL)))";
    for (const pg::Row& row : query(sql)) {
        const bool is_key = !row.is_null(9) || row.truth(7);
        Difference& difference = begin_difference(row, is_key ? Aspect::unique_key : Aspect::index);
        difference.index = missing_index_at(row);
    }
}

void Finder::find_invalid_indexes() {
    const std::string sql =
        std::string("SELECT ") + kHead +
        "'valid', 'invalid', i.indexrelid::regclass FROM family f JOIN pg_index i ON i.indrelid = f.child "
        "WHERE NOT f.is_partitioned AND i.indislive AND NOT i.indisvalid";
    for (const pg::Row& row : query(sql)) {
        Difference& difference = begin_difference(row, Aspect::invalid_index);
        difference.existing_index = row.text(6);
        difference.subject = difference.existing_index;
    }
}

void Finder::find_replica_identities() {
    // The template's word counts where it has one, else the topmost parent's. Indexes are the same when their definitions are.
    const std::string sql =
        std::string(", models AS (SELECT f.*, CASE WHEN t.relreplident <> 'd' AND NOT f.is_partitioned THEN t.oid ELSE "
                    "p.oid END AS model "
                    "FROM family f JOIN pg_class p ON p.oid = pg_partition_root(f.parent) LEFT JOIN pg_class t ON "
                    "t.oid = f.template), idents AS MATERIALIZED (") +
        indexes_of("i.indisreplident AND (i.indrelid IN (SELECT model FROM models) OR i.indrelid IN (SELECT child FROM "
                   "models))") +
        "), candidates AS MATERIALIZED (" +
        indexes_of("i.indisunique AND i.indisvalid AND i.indrelid IN (SELECT f.child FROM models f JOIN idents d ON "
                   "d.indrelid = f.model)") +
        "), words(letter, word) AS (VALUES ('d', 'default'), ('n', 'nothing'), ('f', 'full'), ('i', 'index')) SELECT " +
        kHead +
        "mw.word || coalesce(' ' || mi.relname, ''), cw.word || coalesce(' ' || ci.relname, ''), m.relreplident, "
        "k.relname FROM models f "
        "JOIN pg_class m ON m.oid = f.model JOIN pg_class c ON c.oid = f.child JOIN words mw ON mw.letter = "
        "m.relreplident::text "
        "JOIN words cw ON cw.letter = c.relreplident::text LEFT JOIN idents mi ON mi.indrelid = f.model LEFT JOIN "
        "idents ci ON "
        "ci.indrelid = f.child LEFT JOIN LATERAL (SELECT k.relname FROM candidates k WHERE k.indrelid = f.child AND "
        "k.tail = mi.tail "
        "ORDER BY k.indisprimary DESC LIMIT 1) k ON true WHERE NOT (f.is_partitioned AND m.relreplident = 'i') AND "
        "(m.relreplident <> c.relreplident OR m.relreplident = 'i' AND mi.tail IS DISTINCT FROM ci.tail) "
        "AND (m.relreplident <> 'i' OR k.relname IS NOT NULL)";
    for (const pg::Row& row : query(sql)) {
        const char letter = row.text(6)[0];
        begin_difference(row, Aspect::replica_identity).clause =
            letter == 'n'   ? "NOTHING"
            : letter == 'f' ? "FULL"
            : letter == 'd' ? "DEFAULT"
                            : "USING INDEX " + base::quote_identifier(row.text(7));
    }
}

}  // namespace steward::partition
