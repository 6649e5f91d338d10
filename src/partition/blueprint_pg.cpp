// SPDX-License-Identifier: PostgreSQL
#include "partition/blueprint_pg.hpp"

#include "partition/publications_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"

namespace steward::partition {

namespace {

// What the parent has, and which of the further queries are worth asking.
std::string parent_query() {
    return std::string("SELECT (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace), "
                       "(SELECT amname FROM pg_am WHERE oid = c.relam), c.relrowsecurity, c.relforcerowsecurity, "
                       "c.relreplident, "
                       "(SELECT description FROM pg_description WHERE objoid = c.oid AND classoid = "
                       "'pg_class'::regclass AND objsubid = 0), "
                       "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT "
                       "a.attisdropped AND (coalesce(a.attstattarget, "
                       "-1) >= 0 OR ") +
           has_column_options("a") +
           ")), "
           "c.relacl IS NOT NULL OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT "
           "NULL) "
           "OR EXISTS (SELECT FROM pg_default_acl d WHERE d.defaclrole = c.relowner AND d.defaclobjtype = 'r'), "
           "EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid), "
           "(SELECT pg_get_partkeydef(s.oid) FROM pg_class s WHERE s.oid = $2 AND s.relkind = 'p'), "
           "(SELECT count(*) FROM pg_inherits i WHERE i.inhparent = $2), "
           "(SELECT quote_ident(n.nspname) || '.' || quote_ident(k.relname) FROM pg_index i JOIN pg_class k ON k.oid = "
           "i.indexrelid "
           "JOIN pg_namespace n ON n.oid = k.relnamespace WHERE i.indrelid = c.oid AND i.indisreplident), "
           "EXISTS (SELECT FROM pg_publication_rel r WHERE r.prrelid = $2) "
           "FROM pg_class c WHERE c.oid = $1";
}

std::string columns_query() {
    return std::string("SELECT a.attname, CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END, o.option "
                       "FROM pg_attribute a LEFT JOIN LATERAL unnest(") +
           column_options("a") +
           ") WITH ORDINALITY o(option, n) ON true "
           "WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND (o.option IS NOT NULL OR a.attstattarget "
           ">= 0) "
           "ORDER BY a.attnum, o.n";
}

// The difference between the privileges of the parent and those that a new table of its owner would get.
constexpr char kSelectPrivileges[] =
    "WITH fresh AS (SELECT e.grantee, e.privilege_type, bool_or(e.is_grantable) AS is_grantable FROM pg_class c, "
    "LATERAL ("
    "SELECT (aclexplode(coalesce((SELECT d.defaclacl FROM pg_default_acl d WHERE d.defaclrole = c.relowner AND "
    "d.defaclnamespace = 0 "
    "AND d.defaclobjtype = 'r'), acldefault('r', c.relowner)))).* UNION ALL "
    "SELECT (aclexplode(d.defaclacl)).* FROM pg_default_acl d JOIN pg_namespace n ON n.oid = d.defaclnamespace "
    "WHERE d.defaclrole = c.relowner AND d.defaclobjtype = 'r' AND n.nspname = $2) e WHERE c.oid = $1 GROUP BY 1, 2), "
    "wanted AS (SELECT e.grantee, e.privilege_type, bool_or(e.is_grantable) AS is_grantable FROM pg_class c, "
    "aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e WHERE c.oid = $1 GROUP BY 1, 2), "
    "difference AS ("
    "SELECT 'r' AS kind, s.grantee, false AS is_grantable, s.privilege_type AS privilege FROM (TABLE fresh EXCEPT "
    "TABLE wanted) s "
    "UNION ALL SELECT 'g', m.grantee, m.is_grantable, m.privilege_type FROM (TABLE wanted EXCEPT TABLE fresh) m "
    "UNION ALL SELECT 'g', e.grantee, bool_or(e.is_grantable), e.privilege_type || ' (' || quote_ident(a.attname) || "
    "')' "
    "FROM pg_attribute a, aclexplode(a.attacl) e WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped "
    "GROUP BY e.grantee, e.privilege_type, a.attname) "
    "SELECT kind, CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, is_grantable, "
    "string_agg(privilege, ', ' ORDER BY privilege) FROM difference GROUP BY kind, grantee, is_grantable ORDER BY 1, "
    "2, 3";

constexpr char kSelectRowPolicies[] =
    "SELECT p.polname, p.polpermissive, "
    "CASE WHEN p.polcmd = 'r' THEN 'SELECT' WHEN p.polcmd = 'a' THEN 'INSERT' WHEN p.polcmd = 'w' THEN 'UPDATE' "
    "WHEN p.polcmd = 'd' THEN 'DELETE' ELSE 'ALL' END, "
    "(SELECT string_agg(CASE WHEN r = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ' ORDER BY n) "
    "FROM unnest(p.polroles) WITH ORDINALITY u(r, n)), p.polqual::text, p.polwithcheck::text "
    "FROM pg_policy p WHERE p.polrelid = $1 ORDER BY p.polname";

constexpr char kSelectTemplate[] = "SELECT t.relpersistence = 'u', CASE WHEN t.relkind = 'r' THEN (SELECT amname FROM "
                                   "pg_am WHERE oid = t.relam) END, t.relreplident, "
                                   "o.is_toast, o.option FROM pg_class t LEFT JOIN LATERAL (SELECT false AS is_toast, "
                                   "u.option, u.n FROM unnest(t.reloptions) WITH "
                                   "ORDINALITY u(option, n) UNION ALL SELECT true, u.option, u.n FROM pg_class s, "
                                   "unnest(s.reloptions) WITH ORDINALITY u(option, n) "
                                   "WHERE s.oid = t.reltoastrelid) o ON true WHERE t.oid = $1 ORDER BY o.is_toast, o.n";

std::string template_indexes_query() {
    return std::string("WITH indexes AS (SELECT i.indrelid, i.indexrelid, i.indisunique, i.indisprimary, "
                       "i.indisreplident, k.relname, "
                       "t.relname AS table_name, ") +
           kIndexTail +
           " AS tail, (SELECT pg_get_constraintdef(o.oid) FROM pg_constraint o WHERE o.conindid = i.indexrelid AND "
           "o.conrelid = i.indrelid "
           "AND o.contype IN ('p', 'u', 'x')) AS con FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid JOIN "
           "pg_class t "
           "ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace WHERE i.indrelid IN ($1, $2) AND "
           "i.indislive) "
           "SELECT CASE WHEN starts_with(x.relname, x.table_name || '_') THEN substr(x.relname, length(x.table_name) + "
           "2) "
           "ELSE x.relname END, x.indisunique, x.tail, x.con, x.indisreplident, y.name FROM indexes x LEFT JOIN "
           "LATERAL ("
           "SELECT y.indexrelid::regclass::text AS name FROM indexes y WHERE y.indrelid = $2 AND (y.indisprimary AND "
           "x.indisprimary OR "
           "y.tail = x.tail AND y.indisunique = x.indisunique AND (x.con IS NULL OR y.con IS NOT NULL)) LIMIT 1) y ON "
           "true "
           "WHERE x.indrelid = $1 AND (y.name IS NULL OR x.indisreplident) ORDER BY x.relname";
}

void read_columns(Blueprint& blueprint, const pg::Parameter& parent) {
    for (const pg::Row& row : pg::query(columns_query(), {parent})) {
        if (blueprint.columns.empty() || blueprint.columns.back().column != row.text(0)) {
            ColumnSettings& column = blueprint.columns.emplace_back();
            column.column = row.text(0);
            if (!row.is_null(1)) column.statistics = static_cast<int>(row.number(1));
        }
        if (!row.is_null(2)) blueprint.columns.back().options.push_back(row.text(2));
    }
}

void read_privileges(Blueprint& blueprint, const pg::Parameter& parent, const std::string& schema) {
    for (const pg::Row& row : pg::query(kSelectPrivileges, {parent, schema}))
        (row.text(0) == "r" ? blueprint.revokes : blueprint.grants)
            .push_back(Privileges{row.text(3), row.text(1), row.truth(2)});
}

void read_row_policies(Blueprint& blueprint, const pg::Parameter& parent, Oid parent_id) {
    const auto expression = [&](const pg::Row& row, std::size_t column) {
        return row.is_null(column) ? std::nullopt
                                   : std::optional<std::string>(policy_expression(row.text(column), parent_id));
    };
    for (const pg::Row& row : pg::query(kSelectRowPolicies, {parent}))
        blueprint.policies.push_back(
            RowPolicy{row.text(0), row.truth(1), row.text(2), row.text(3), expression(row, 4), expression(row, 5)});
}

void read_template(Blueprint& blueprint, const pg::Parameter& parent, const pg::Parameter& model) {
    const std::vector<pg::Row> rows = pg::query(kSelectTemplate, {model});
    if (rows.empty()) return;  // dropped meanwhile: partitions are made without it rather than not at all
    blueprint.is_unlogged = rows[0].truth(0);
    if (blueprint.access_method.empty()) blueprint.access_method = rows[0].text(1);
    const char identity = rows[0].text(2)[0];
    for (const pg::Row& row : rows)
        if (!row.is_null(4)) (row.truth(3) ? blueprint.toast_options : blueprint.options).push_back(row.text(4));

    if (identity != 'd') {
        blueprint.replica_identity = identity;
        blueprint.identity_index.clear();
    }
    for (const pg::Row& row : pg::query(template_indexes_query(), {model, parent})) {
        if (!row.is_null(5)) {  // the parent has it too, and gives it
            if (identity == 'i') blueprint.identity_index = row.text(5);
            continue;
        }
        TemplateIndex& index = blueprint.indexes.emplace_back();
        index.suffix = row.text(0);
        index.is_unique = row.truth(1);
        index.definition = row.text(2);
        index.constraint = row.text(3);
        index.is_identity = identity == 'i' && row.truth(4);
    }
}

}  // namespace

Blueprint read_blueprint(const PartitionSet& set, const Policy& policy) {
    const pg::Parameter parent = pg::Parameter::oid(set.id);
    const Oid newest = set.partitions.empty() ? InvalidOid : set.partitions.back().id;
    const std::vector<pg::Row> rows = pg::query(parent_query(), {parent, pg::Parameter::oid(newest)});
    if (rows.empty()) throw pg::PgError(ERRCODE_UNDEFINED_TABLE, "relation with OID {} does not exist", set.id);
    const pg::Row& row = rows[0];

    Blueprint blueprint;
    blueprint.server_major = PG_VERSION_NUM / 10000;
    blueprint.parent = set.qualified();
    blueprint.tablespace = row.text(0);
    blueprint.access_method = row.text(1);
    blueprint.has_row_security = row.truth(2);
    blueprint.forces_row_security = row.truth(3);
    blueprint.replica_identity = row.text(4)[0];
    blueprint.identity_index = row.text(11);
    blueprint.comment = row.optional(5);
    if (row.truth(6)) read_columns(blueprint, parent);
    const std::string& schema = policy.partition_schema.empty() ? set.schema : policy.partition_schema;
    if (row.truth(7)) read_privileges(blueprint, parent, schema);
    if (row.truth(12)) blueprint.publications = read_publications(set, newest, schema);
    if (row.truth(8)) read_row_policies(blueprint, parent, set.id);
    if (policy.template_id != 0) read_template(blueprint, parent, pg::Parameter::oid(policy.template_id));

    if (!policy.subpartition_by.empty())
        blueprint.subpartitions =
            pg::value_or_throw(parse_subpartitioning(policy.subpartition_by, policy.subpartitions));
    else if (row.text(9).rfind("HASH ", 0) == 0 && row.number(10) > 0)  // as the newest partition is
        blueprint.subpartitions = {Subpartitioning::Method::hash, row.text(9), static_cast<int>(row.number(10))};
    return blueprint;
}

std::string column_options(const std::string& attribute) {
    return "ARRAY(SELECT o FROM unnest(" + attribute + ".attoptions) o WHERE NOT starts_with(o, 'pg_attver='))";
}

std::string has_column_options(const std::string& attribute) {
    return "(cardinality(" + attribute + ".attoptions) > 1 OR NOT starts_with(" + attribute +
           ".attoptions[1], 'pg_attver='))";
}

std::string policy_expression(const std::string& node_tree, Oid relation) {
    const char* text = node_tree.c_str();
    return pg::call([&] {
        Node* node = static_cast<Node*>(stringToNode(text));
        return deparse_expression(node, deparse_context_for(kSelfAlias, relation), false, false);
    });
}

}  // namespace steward::partition
