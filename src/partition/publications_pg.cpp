// SPDX-License-Identifier: PostgreSQL
#include "partition/publications_pg.hpp"

#include "pg/spi.hpp"

namespace steward::partition {

std::string listing_columns(const std::string& parent) {
    if (!pg::has_publication_lists()) return "NULL, NULL";
    return "(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY t.attnum) FROM unnest(r.prattrs) k JOIN "
           "pg_attribute a "
           "ON a.attrelid = r.prrelid AND a.attnum = k JOIN pg_attribute t ON t.attrelid = " +
           parent + " AND t.attname = a.attname), pg_get_expr(r.prqual, r.prrelid)";
}

std::string is_covered(const std::string& parent, const std::string& schema) {
    const std::string ancestors = "pg_partition_ancestors(" + parent + ")";
    std::string sql =
        "(p.puballtables OR EXISTS (SELECT FROM pg_publication_rel o WHERE o.prpubid = p.oid AND o.prrelid IN "
        "(SELECT relid FROM " +
        ancestors + "))";
    if (pg::has_publication_lists())
        sql += " OR EXISTS (SELECT FROM pg_publication_namespace o WHERE o.pnpubid = p.oid AND (o.pnnspid = " + schema +
               " OR o.pnnspid IN (SELECT c.relnamespace FROM " + ancestors + " JOIN pg_class c ON c.oid = relid)))";
    return sql + ")";
}

std::vector<Publication> read_publications(const PartitionSet& set, Oid newest, const std::string& schema) {
    const std::string sql =
        "SELECT p.pubname, " + listing_columns("$1") +
        ", pg_has_role($3::oid, p.pubowner, 'USAGE'), quote_ident(pg_get_userbyid(p.pubowner)), p.pubviaroot, NOT "
        "EXISTS "
        "(SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind IN ('r', 'p') AND "
        "c.relpersistence = 'p' WHERE i.inhparent = $1 AND i.inhrelid <> $5 AND NOT EXISTS (SELECT FROM "
        "pg_publication_rel o WHERE o.prpubid = p.oid AND o.prrelid = i.inhrelid)) FROM pg_publication_rel r JOIN "
        "pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = $2 AND NOT " +
        is_covered("$1", "(SELECT n.oid FROM pg_namespace n WHERE n.nspname = $4)") + " ORDER BY p.pubname";
    std::vector<Publication> publications;
    for (const pg::Row& row :
         pg::query(sql, {pg::Parameter::oid(set.id), pg::Parameter::oid(newest), pg::Parameter::oid(set.owner), schema,
                         pg::Parameter::oid(set.default_id)}))
        if (follows_set(set.strategy, true, row.truth(6)))
            publications.push_back({row.text(0), {row.text(1), row.text(2)}, row.truth(3), row.text(4), row.truth(5)});
    return publications;
}

}  // namespace steward::partition
