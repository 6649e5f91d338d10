// SPDX-License-Identifier: PostgreSQL
#include "partition/move_pg.hpp"

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"

namespace steward::partition {

namespace {

std::string refusal_of(const char* kind, const KnownSet& known) {
    return fmt::format("the owner of {} cannot move tables to {} {}: it does not exist, or the owner has no CREATE "
                       "privilege on it",
                       known.set.qualified(), kind, base::quote_identifier(known.policy.retire_to));
}

}  // namespace

bool may_create_in_schema(Oid role, const std::string& schema) {
    pg::SafePath path;
    return !pg::query("SELECT 1 FROM pg_namespace WHERE nspname = $1 AND has_schema_privilege($2, oid, 'CREATE')",
                      {schema, pg::Parameter::oid(role)})
                .empty();
}

// The default tablespace of the database is everybody's; the shared one takes no tables of users.
bool may_create_in_tablespace(Oid role, const std::string& tablespace) {
    pg::SafePath path;
    return !pg::query("SELECT 1 FROM pg_tablespace WHERE spcname = $1 AND spcname <> 'pg_global' AND "
                      "(has_tablespace_privilege($2, oid, 'CREATE') OR oid = "
                      "(SELECT dattablespace FROM pg_database WHERE datname = current_database()))",
                      {tablespace, pg::Parameter::oid(role)})
                .empty();
}

std::string move_refusal(const KnownSet& known) {
    const Policy& policy = known.policy;
    if (policy.retire == Retire::schema && !may_create_in_schema(known.set.owner, policy.retire_to))
        return refusal_of("schema", known);
    if (policy.retire == Retire::tablespace && !may_create_in_tablespace(known.set.owner, policy.retire_to))
        return refusal_of("tablespace", known);
    return "";
}

// An index follows its table into a schema, but not into a tablespace.
std::string move_sql(const Policy& policy, Oid table) {
    bool to_schema = policy.retire == Retire::schema;
    std::string target =
        fmt::format("SET {} {}", to_schema ? "SCHEMA" : "TABLESPACE", base::quote_identifier(policy.retire_to));
    auto relations =
        pg::query("WITH RECURSIVE tree(id) AS (SELECT $1::oid UNION ALL SELECT inhrelid FROM pg_inherits JOIN tree ON "
                  "inhparent = id), "
                  "relation(id, is_index) AS (SELECT id, false FROM tree "
                  "UNION ALL SELECT indexrelid, true FROM pg_index JOIN tree ON indrelid = id WHERE NOT $2) "
                  "SELECT r.is_index, n.nspname, c.relname FROM relation r JOIN pg_class c ON c.oid = r.id "
                  "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE $2 OR c.relkind <> 'f' "
                  "ORDER BY r.is_index, r.id <> $1, n.nspname, c.relname",
                  {pg::Parameter::oid(table), to_schema});
    std::string sql;
    for (const pg::Row& row : relations)
        sql += fmt::format("{}ALTER {} {} {}", sql.empty() ? "" : ";\n", row.truth(0) ? "INDEX" : "TABLE",
                           base::qualified_name(row.text(1), row.text(2)), target);
    return sql;
}

}  // namespace steward::partition
