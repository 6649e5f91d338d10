// SPDX-License-Identifier: PostgreSQL
//
// Differences in what is said of a partition, in what it computes, and in who may do what with it.
#include "partition/drift_finder_pg.hpp"

#include "base/text.hpp"
#include "partition/blueprint_pg.hpp"

namespace steward::partition {

void Finder::find_comments() {
    const std::string sql = std::string("SELECT ") + kHead +
                            "d.description, e.description, a.attname FROM family f JOIN pg_description d ON d.objoid = "
                            "f.parent AND d.classoid = "
                            "'pg_class'::regclass LEFT JOIN pg_attribute a ON a.attrelid = f.parent AND a.attnum = "
                            "d.objsubid AND d.objsubid > 0 AND NOT "
                            "a.attisdropped LEFT JOIN pg_attribute c ON c.attrelid = f.child AND c.attname = a.attname "
                            "AND NOT c.attisdropped "
                            "LEFT JOIN pg_description e ON e.objoid = f.child AND e.classoid = 'pg_class'::regclass "
                            "AND e.objsubid = CASE WHEN d.objsubid = 0 "
                            "THEN 0 ELSE c.attnum END WHERE (d.objsubid = 0 OR c.attnum IS NOT NULL) AND d.description "
                            "IS DISTINCT FROM e.description";
    for (const pg::Row& row : query(sql)) begin_difference(row, Aspect::comment).subject = row.text(6);
}

void Finder::find_privileges() {
    // The owner's own privileges are compared as such, whoever the owner is; the repair of another owner comes before.
    const std::string sql =
        std::string(
            ", tables AS (SELECT parent AS id FROM family UNION SELECT child FROM family), acls AS MATERIALIZED ("
            "SELECT c.oid AS id, CASE WHEN e.grantee <> c.relowner THEN e.grantee END AS grantee, '' AS attname, "
            "e.privilege_type, "
            "bool_or(e.is_grantable) AS is_grantable FROM tables t JOIN pg_class c ON c.oid = t.id, "
            "aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e GROUP BY c.oid, 2, e.privilege_type "
            "UNION ALL SELECT c.oid, CASE WHEN e.grantee <> c.relowner THEN e.grantee END, a.attname, "
            "e.privilege_type, "
            "bool_or(e.is_grantable) FROM tables t JOIN pg_class c ON c.oid = t.id JOIN pg_attribute a ON a.attrelid = "
            "c.oid "
            "AND a.attacl IS NOT NULL AND NOT a.attisdropped, aclexplode(a.attacl) e GROUP BY c.oid, 2, a.attname, "
            "e.privilege_type), "
            "wanted AS (SELECT f.child, a.grantee, a.attname, a.privilege_type, a.is_grantable FROM family f JOIN acls "
            "a ON a.id = f.parent), "
            "have AS (SELECT f.child, a.grantee, a.attname, a.privilege_type, a.is_grantable FROM family f JOIN acls a "
            "ON a.id = f.child), "
            "changes AS (SELECT 'r' AS kind, s.child, s.grantee, false AS is_grantable, s.attname, s.privilege_type "
            "FROM (TABLE have EXCEPT "
            "TABLE wanted) s UNION ALL SELECT 'g', m.child, m.grantee, m.is_grantable, m.attname, m.privilege_type "
            "FROM (TABLE wanted EXCEPT "
            "TABLE have) m) SELECT ") +
        kHead +
        "coalesce(p.relacl, acldefault('r', p.relowner))::text || coalesce((SELECT string_agg(' ' || a.attname || '=' "
        "|| a.attacl::text, '' "
        "ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = p.oid AND a.attacl IS NOT NULL), ''), "
        "coalesce(c.relacl, acldefault('r', c.relowner))::text || coalesce((SELECT string_agg(' ' || a.attname || '=' "
        "|| a.attacl::text, '' "
        "ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL), ''), g.kind, "
        "CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(coalesce(g.grantee, p.relowner))) END, "
        "g.is_grantable, "
        "g.privileges FROM (SELECT child, kind, grantee, is_grantable, string_agg(privilege_type || CASE WHEN attname "
        "= '' THEN '' ELSE "
        "' (' || quote_ident(attname) || ')' END, ', ' ORDER BY attname, privilege_type) AS privileges FROM changes "
        "GROUP BY 1, 2, 3, 4) g "
        "JOIN family f ON f.child = g.child JOIN pg_class p ON p.oid = f.parent JOIN pg_class c ON c.oid = f.child "
        "ORDER BY f.child, g.kind DESC, g.grantee, g.is_grantable";
    std::string last;
    for (const pg::Row& row : query(sql)) {
        const std::string partition = base::qualified_name(row.text(1), row.text(2));
        Difference& difference = partition == last ? differences_.back() : begin_difference(row, Aspect::privileges);
        last = partition;
        (row.text(6) == "r" ? difference.revokes : difference.grants)
            .push_back(Privileges{row.text(9), row.text(7), row.truth(8)});
    }
}

void Finder::find_policies() {
    const std::string sql =
        std::string(
            ", rules AS MATERIALIZED (SELECT p.*, format('AS %s FOR %s TO %s', CASE WHEN p.polpermissive THEN "
            "'PERMISSIVE' ELSE 'RESTRICTIVE' "
            "END, CASE WHEN p.polcmd = 'r' THEN 'SELECT' WHEN p.polcmd = 'a' THEN 'INSERT' WHEN p.polcmd = 'w' THEN "
            "'UPDATE' WHEN "
            "p.polcmd = 'd' THEN 'DELETE' ELSE 'ALL' END, (SELECT string_agg(CASE WHEN r = 0 THEN 'PUBLIC' ELSE "
            "quote_ident(pg_get_userbyid(r)) END, ', ' ORDER BY r) FROM unnest(p.polroles) r)) || coalesce(' USING (' "
            "|| "
            "replace(pg_get_expr(p.polqual, p.polrelid), quote_ident(c.relname) || '.', '') || ')', '') || coalesce(' "
            "WITH CHECK (' || "
            "replace(pg_get_expr(p.polwithcheck, p.polrelid), quote_ident(c.relname) || '.', '') || ')', '') AS rule "
            "FROM pg_policy p "
            "JOIN pg_class c ON c.oid = p.polrelid) SELECT ") +
        kHead +
        "p.rule, c.rule, coalesce(p.polname, c.polname), p.polpermissive, CASE WHEN p.polcmd = 'r' THEN 'SELECT' WHEN "
        "p.polcmd = 'a' THEN "
        "'INSERT' WHEN p.polcmd = 'w' THEN 'UPDATE' WHEN p.polcmd = 'd' THEN 'DELETE' ELSE 'ALL' END, (SELECT "
        "string_agg(CASE WHEN r = 0 THEN "
        "'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ' ORDER BY r) FROM unnest(p.polroles) r), "
        "p.polqual::text, p.polwithcheck::text, "
        "f.parent FROM (SELECT f.child, r.polname FROM family f JOIN rules r ON r.polrelid IN (f.parent, f.child) "
        "GROUP BY 1, 2) u "
        "JOIN family f ON f.child = u.child LEFT JOIN rules p ON p.polrelid = f.parent AND p.polname = u.polname "
        "LEFT JOIN rules c ON c.polrelid = f.child AND c.polname = u.polname WHERE p.rule IS DISTINCT FROM c.rule";
    for (const pg::Row& row : query(sql)) {
        Difference& difference = begin_difference(row, Aspect::policy);
        difference.subject = row.text(6);
        if (!difference.expected) continue;
        RowPolicy& policy = difference.row_policy;
        policy = RowPolicy{row.text(6), row.truth(7), row.text(8), row.text(9), std::nullopt, std::nullopt};
        if (!row.is_null(10)) policy.usage = policy_expression(row.text(10), row.oid(12));
        if (!row.is_null(11)) policy.check = policy_expression(row.text(11), row.oid(12));
    }
}

void Finder::find_statistics() {
    const bool has_expressions = PG_VERSION_NUM >= 140000;
    const std::string names = "(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) FROM pg_attribute a "
                              "WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys))";
    const std::string columns = has_expressions ? "pg_get_statisticsobjdef_columns(s.oid)" : names;
    const std::string expressions = has_expressions ? "coalesce(pg_get_expr(s.stxexprs, s.stxrelid), '')" : "''";
    const std::string kinds = "(SELECT string_agg(CASE WHEN k = 'd' THEN 'ndistinct' WHEN k = 'f' THEN 'dependencies' "
                              "ELSE 'mcv' END, ', ' ORDER BY k) "
                              "FROM unnest(s.stxkind) k WHERE k <> 'e')";
    const std::string sql =
        ", stats AS MATERIALIZED (SELECT s.stxrelid, t.relname AS table_name, s.stxname, coalesce('(' || " + kinds +
        " || ') ', '') || 'ON ' || " + columns + " AS clause, coalesce(" + kinds + ", '') || ':' || coalesce(" + names +
        ", '') || ':' || " + expressions +
        " AS signature FROM pg_statistic_ext s JOIN pg_class t ON t.oid = s.stxrelid WHERE s.stxrelid IN (SELECT "
        "parent FROM family UNION "
        "SELECT child FROM family)) SELECT " +
        kHead +
        "p.clause, NULL, p.stxname, CASE WHEN starts_with(p.stxname, p.table_name || '_') THEN substr(p.stxname, "
        "length(p.table_name) "
        "+ 2) ELSE p.stxname END FROM family f JOIN stats p ON p.stxrelid = f.parent WHERE NOT EXISTS (SELECT FROM "
        "stats c "
        "WHERE c.stxrelid = f.child AND c.signature = p.signature)";
    for (const pg::Row& row : query(sql)) {
        Difference& difference = begin_difference(row, Aspect::extended_statistics);
        difference.subject = row.text(6);
        difference.index.suffix = row.text(7);
        difference.clause = row.text(4);
    }
}

void Finder::find_triggers() {
    const auto word = [](const std::string& trigger) {
        return "CASE WHEN " + trigger + ".tgenabled = 'D' THEN 'DISABLE' WHEN " + trigger +
               ".tgenabled = 'R' THEN 'ENABLE REPLICA' WHEN " + trigger +
               ".tgenabled = 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END";
    };
    const std::string sql = std::string("SELECT ") + kHead + word("p") + ", " + word("c") +
                            ", c.tgname FROM family f JOIN pg_trigger p ON p.tgrelid = f.parent AND NOT p.tgisinternal "
                            "JOIN pg_trigger c ON "
                            "c.tgrelid = f.child AND c.tgparentid = p.oid WHERE p.tgenabled <> c.tgenabled";
    for (const pg::Row& row : query(sql)) {
        Difference& difference = begin_difference(row, Aspect::trigger);
        difference.subject = row.text(6);
        difference.clause = row.text(4);
    }
}

}  // namespace steward::partition
