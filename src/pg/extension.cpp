// SPDX-License-Identifier: PostgreSQL
#include "pg/extension.hpp"

namespace steward::pg {

bool has_extension() {
    return call([] { return OidIsValid(get_extension_oid("pg_steward", true)); });
}

bool is_extension_gone() {
    if (!OidIsValid(MyDatabaseId) || IsTransactionState()) return false;
    bool is_there = true;
    attempt(Bounded::transaction, [&] { is_there = has_extension(); });
    return !is_there;
}

std::int64_t system_identifier() { return static_cast<std::int64_t>(GetSystemIdentifier()); }

// The schema is a member of the extension and goes to a new owner together with its tables.
Oid extension_owner() {
    Oid owner = call([] {
        HeapTuple tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum("steward"));
        if (!HeapTupleIsValid(tuple)) return InvalidOid;
        Oid found = reinterpret_cast<Form_pg_namespace>(GETSTRUCT(tuple))->nspowner;
        ReleaseSysCache(tuple);
        return found;
    });
    if (!OidIsValid(owner))
        throw PgError(ERRCODE_UNDEFINED_OBJECT, "extension \"pg_steward\" does not exist in this database")
            .hint("CREATE EXTENSION pg_steward; makes it.");
    return owner;
}

}  // namespace steward::pg
