// SPDX-License-Identifier: PostgreSQL
#include "partition/relation_pg.hpp"

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace steward::partition {

std::string RelationName::qualified() const { return base::qualified_name(schema, name); }

RelationName relation_name(Oid relation) {
    struct Raw {
        char *schema, *name;
    };
    Raw raw = pg::call([&] {
        char* name = get_rel_name(relation);
        return Raw{name == nullptr ? nullptr : get_namespace_name(get_rel_namespace(relation)), name};
    });
    if (raw.name == nullptr || raw.schema == nullptr) return {};
    return {raw.schema, raw.name};
}

Oid relation_id(const std::string& schema, const std::string& name) {
    const char* schema_text = schema.c_str();
    const char* name_text = name.c_str();
    return pg::call([&] {
        Oid schema_id = get_namespace_oid(schema_text, true);
        return OidIsValid(schema_id) ? get_relname_relid(name_text, schema_id) : InvalidOid;
    });
}

namespace {

Oid named(const char* sql, const std::string& name) {
    Oid found = InvalidOid;
    pg::attempt(pg::Bounded::subtransaction, [&] { found = pg::query(sql, {name}).at(0).oid(0); });
    return found;
}

}  // namespace

Oid named_relation(const std::string& name) { return named("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", name); }

Oid named_function(const std::string& signature) {
    return named("SELECT pg_catalog.to_regprocedure($1)::pg_catalog.oid", signature);
}

Oid owner_of(Oid relation) {
    return pg::call([&] {
        HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
        if (!HeapTupleIsValid(tuple)) return InvalidOid;
        Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
        ReleaseSysCache(tuple);
        return owner;
    });
}

void check_owner(Oid relation) {
    Oid user = GetUserId();
    if (pg::call([&] { return pg::is_owner_of_table(relation, user); })) return;
    throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "must be owner of table {}", relation_name(relation).qualified())
        .hint("Only the owner of a table, a member of the owning role, or a superuser may manage its partitions.");
}

}  // namespace steward::partition
