// SPDX-License-Identifier: PostgreSQL
//
// Relations and functions by name and by OID, and whose they are.
#pragma once

#include <string>

#include "pg/postgres.hpp"

namespace steward::partition {

// "name" and "schema.name" as SQL, and the raw parts; empty when the relation is gone.
struct RelationName {
    std::string schema;
    std::string name;
    std::string qualified() const;
};
RelationName relation_name(Oid relation);

// Of a raw name, whoever may use the schema; InvalidOid when there is none.
Oid relation_id(const std::string& schema, const std::string& name);

// What a user's text names on the caller's path, 0 when nothing: also when it is no name at all, in every version.
Oid named_relation(const std::string& name);
Oid named_function(const std::string& signature);

// InvalidOid when the relation is gone.
Oid owner_of(Oid relation);

// Throws 42501 unless the current user owns the table.
void check_owner(Oid relation);

}  // namespace steward::partition
