// SPDX-License-Identifier: PostgreSQL
//
// Finds the partitions that differ. One query for each kind of difference looks at all partitions at once. They run under
// search_path = pg_catalog, pg_temp (the function sets it), so plain operators are the server's own. Every query begins
// with the same six columns, see begin_difference().
#include "partition/drift.hpp"

#include <algorithm>
#include <tuple>

#include "base/text.hpp"
#include "partition/blueprint_pg.hpp"
#include "partition/catalog_pg.hpp"
#include "partition/policy_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"

namespace steward::partition {

namespace {

// $1: only the tree below this table, or NULL; $2, $3: registered tables and their templates.
std::string with_family(const std::string& rest) {
    static const std::string* const head = new std::string(
        std::string(
            "WITH family AS MATERIALIZED (SELECT i.inhparent AS parent, i.inhrelid AS child, n.nspname, c.relname, "
            "c.relkind = 'p' AS is_partitioned, CASE WHEN $2::oid[] <> '{}' THEN (SELECT r.template FROM "
            "unnest($2::oid[], "
            "$3::oid[]) r(root, template) WHERE r.root = pg_partition_root(i.inhparent)) END AS template FROM "
            "pg_inherits i "
            "JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'p' JOIN pg_class c ON c.oid = i.inhrelid "
            "AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE ($1::oid IS NULL OR i.inhrelid IN (SELECT relid FROM pg_partition_tree($1::oid)))") +
        (pg::has_detach_concurrently() ? " AND NOT i.inhdetachpending" : "") + ") ");
    return *head + rest;
}

constexpr char kHead[] = "f.parent::regclass::text, f.nspname, f.relname, f.is_partitioned, ";

class Finder {
public:
    explicit Finder(std::optional<Oid> parent);
    std::vector<Difference> find();

private:
    std::vector<pg::Row> query(const std::string& rest) { return pg::query(with_family(rest), parameters_); }
    Difference& begin_difference(const pg::Row& row, Aspect aspect);

    void find_missing_indexes();
    void find_missing_template_indexes();
    void find_invalid_indexes();
    void find_table_settings();
    void find_replica_identities();
    void find_column_settings();
    void find_column_options();
    void find_defaults();
    void find_comments();
    void find_privileges();
    void find_policies();
    void find_statistics();
    void find_options();
    void find_triggers();

    std::vector<pg::Parameter> parameters_;
    bool has_templates_ = false;
    std::vector<Difference> differences_;
};

pg::Parameter parent_parameter(std::optional<Oid> parent) {
    return parent ? pg::Parameter::oid(*parent) : pg::Parameter::null();
}

Finder::Finder(std::optional<Oid> parent) {
    std::vector<std::string> roots;
    std::vector<std::string> templates;
    for (const RegisteredSet& set : read_policies()) {
        if (set.policy.template_id == 0) continue;
        roots.push_back(std::to_string(set.parent));
        templates.push_back(std::to_string(set.policy.template_id));
    }
    has_templates_ = !roots.empty();
    parameters_ = {parent_parameter(parent), pg::Parameter("{" + join(roots, ",") + "}"),
                   pg::Parameter("{" + join(templates, ",") + "}")};
}

// Columns 0 to 3: kHead, 4: expected, 5: actual.
Difference& Finder::begin_difference(const pg::Row& row, Aspect aspect) {
    Difference& difference = differences_.emplace_back();
    difference.parent = row.text(0);
    difference.schema = row.text(1);
    difference.name = row.text(2);
    difference.partition = base::qualified_name(difference.schema, difference.name);
    difference.is_partitioned = row.truth(3);
    difference.aspect = aspect;
    difference.expected = row.optional(4);
    difference.actual = row.optional(5);
    return difference;
}

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

void Finder::find_table_settings() {
    const std::string sql =
        std::string("SELECT ") + kHead +
        "v.expected, v.actual, v.aspect, v.clause FROM family f JOIN pg_class p ON p.oid = f.parent JOIN pg_class c ON "
        "c.oid = f.child, "
        "LATERAL (VALUES ('o', CASE WHEN p.relowner <> c.relowner THEN pg_get_userbyid(p.relowner) END, "
        "pg_get_userbyid(c.relowner), "
        "quote_ident(pg_get_userbyid(p.relowner))), "
        "('t', CASE WHEN p.reltablespace <> 0 AND p.reltablespace <> c.reltablespace THEN (SELECT spcname FROM "
        "pg_tablespace WHERE oid = "
        "p.reltablespace) END, (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace), (SELECT "
        "quote_ident(spcname) FROM "
        "pg_tablespace WHERE oid = p.reltablespace)), "
        "('a', CASE WHEN p.relam <> 0 AND c.relam <> p.relam AND NOT f.is_partitioned THEN (SELECT amname FROM pg_am "
        "WHERE oid = p.relam) "
        "END, (SELECT amname FROM pg_am WHERE oid = c.relam), (SELECT quote_ident(amname) FROM pg_am WHERE oid = "
        "p.relam)), "
        "('r', CASE WHEN p.relrowsecurity <> c.relrowsecurity OR p.relforcerowsecurity <> c.relforcerowsecurity THEN "
        "CASE WHEN p.relrowsecurity THEN 'enabled' ELSE 'disabled' END || CASE WHEN p.relforcerowsecurity THEN ', "
        "forced' ELSE '' END END, "
        "CASE WHEN c.relrowsecurity THEN 'enabled' ELSE 'disabled' END || CASE WHEN c.relforcerowsecurity THEN ', "
        "forced' ELSE '' END, "
        "CASE WHEN p.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END || ' ROW LEVEL SECURITY, ' || "
        "CASE WHEN p.relforcerowsecurity THEN '' ELSE 'NO ' END || 'FORCE ROW LEVEL SECURITY')) v(aspect, expected, "
        "actual, clause) "
        "WHERE v.expected IS NOT NULL";
    for (const pg::Row& row : query(sql)) {
        const char kind = row.text(6)[0];
        const Aspect aspect = kind == 'o'   ? Aspect::owner
                              : kind == 't' ? Aspect::tablespace
                              : kind == 'a' ? Aspect::access_method
                                            : Aspect::row_security;
        begin_difference(row, aspect).clause = row.text(7);
    }
}

void Finder::find_replica_identities() {
    // The template's word counts where it has one, else the parent's. Indexes are the same when their definitions are.
    const std::string sql =
        std::string(", models AS (SELECT f.*, CASE WHEN t.relreplident <> 'd' AND NOT f.is_partitioned THEN t.oid ELSE "
                    "p.oid END AS model "
                    "FROM family f JOIN pg_class p ON p.oid = f.parent LEFT JOIN pg_class t ON t.oid = f.template), "
                    "idents AS MATERIALIZED (") +
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

void Finder::find_column_settings() {
    const bool has_compression = PG_VERSION_NUM >= 140000;
    const std::string storage = [](const char* column) {
        return std::string("CASE WHEN ") + column + ".attstorage = 'p' THEN 'PLAIN' WHEN " + column +
               ".attstorage = 'm' THEN 'MAIN' WHEN " + column + ".attstorage = 'e' THEN 'EXTERNAL' ELSE 'EXTENDED' END";
    }("$");
    const auto of = [](std::string text, const char* column) {
        for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$')) text.replace(at, 1, column);
        return text;
    };
    const std::string compression =
        "CASE WHEN $.attcompression = 'l' THEN 'lz4' WHEN $.attcompression = 'p' THEN 'pglz' ELSE 'default' END";
    std::string sql = std::string("SELECT ") + kHead +
                      "v.expected, v.actual, p.attname, v.aspect FROM family f JOIN pg_attribute p ON p.attrelid = "
                      "f.parent AND p.attnum > 0 AND NOT "
                      "p.attisdropped JOIN pg_attribute c ON c.attrelid = f.child AND c.attname = p.attname AND NOT "
                      "c.attisdropped, LATERAL (VALUES ('g', " +
                      of(storage, "p") + ", " + of(storage, "c") +
                      "), ('s', coalesce(p.attstattarget, -1)::text, coalesce(c.attstattarget, -1)::text)";
    if (has_compression) sql += ", ('c', " + of(compression, "p") + ", " + of(compression, "c") + ")";
    sql += ") v(aspect, expected, actual) WHERE (p.attstorage <> c.attstorage OR p.attstattarget IS DISTINCT FROM "
           "c.attstattarget";
    if (has_compression) sql += " OR p.attcompression <> c.attcompression";
    sql += ") AND v.expected <> v.actual";
    for (const pg::Row& row : query(sql)) {
        const char kind = row.text(7)[0];
        Difference& difference = begin_difference(row, kind == 'g'   ? Aspect::storage
                                                       : kind == 's' ? Aspect::statistics_target
                                                                     : Aspect::compression);
        difference.subject = row.text(6);
        difference.clause = row.text(4);
    }
}

// Reads two lists of options into what is to be set and what is to be reset.
struct OptionChange {
    std::vector<std::string> set;
    std::vector<std::string> reset;
};

OptionChange change_options(const std::vector<std::string>& expected, const std::vector<std::string>& actual) {
    const auto contains = [](const std::vector<std::string>& list, const auto& matches) {
        for (const std::string& option : list)
            if (matches(option)) return true;
        return false;
    };
    OptionChange change;
    for (const std::string& option : expected)
        if (!contains(actual, [&](const std::string& other) { return other == option; })) change.set.push_back(option);
    for (const std::string& option : actual) {
        const std::string name = option.substr(0, option.find('='));
        if (!contains(expected, [&](const std::string& other) { return other.substr(0, other.find('=')) == name; }))
            change.reset.push_back(name);
    }
    return change;
}

// Options joined by a byte that none of them holds.
constexpr char kSeparator = '\x1f';

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = std::min(text.find(kSeparator, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

void Finder::find_column_options() {
    const std::string sql =
        std::string("SELECT ") + kHead +
        "array_to_string(o.wanted, ', '), nullif(array_to_string(o.have, ', '), ''), p.attname, "
        "array_to_string(o.wanted, chr(31)), array_to_string(o.have, chr(31)) FROM family f JOIN pg_attribute p ON "
        "p.attrelid = f.parent AND p.attnum > 0 AND NOT p.attisdropped JOIN pg_attribute c ON c.attrelid = f.child AND "
        "c.attname = p.attname AND NOT c.attisdropped, LATERAL (SELECT " +
        column_options("p") + " AS wanted, " + column_options("c") + " AS have) o WHERE NOT f.is_partitioned AND (" +
        has_column_options("p") + " OR " + has_column_options("c") +
        ") AND NOT (o.wanted <@ o.have AND o.have <@ o.wanted)";
    for (const pg::Row& row : query(sql)) {
        Difference& difference = begin_difference(row, Aspect::column_options);
        difference.subject = row.text(6);
        OptionChange change = change_options(split(row.text(7)), split(row.text(8)));
        difference.set_options = std::move(change.set);
        difference.reset_options = std::move(change.reset);
    }
}

void Finder::find_defaults() {
    const std::string sql = std::string("SELECT ") + kHead +
                            "pd.expression, cd.expression, p.attname FROM family f JOIN pg_attribute p ON p.attrelid = "
                            "f.parent AND p.attnum > 0 AND NOT "
                            "p.attisdropped AND p.attgenerated = '' JOIN pg_attribute c ON c.attrelid = f.child AND "
                            "c.attname = p.attname AND NOT "
                            "c.attisdropped AND c.attgenerated = '' LEFT JOIN LATERAL (SELECT pg_get_expr(d.adbin, "
                            "d.adrelid) AS expression FROM pg_attrdef d "
                            "WHERE d.adrelid = p.attrelid AND d.adnum = p.attnum) pd ON true LEFT JOIN LATERAL (SELECT "
                            "pg_get_expr(d.adbin, d.adrelid) AS "
                            "expression FROM pg_attrdef d WHERE d.adrelid = c.attrelid AND d.adnum = c.attnum) cd ON "
                            "true WHERE (p.atthasdef OR c.atthasdef) "
                            "AND pd.expression IS DISTINCT FROM cd.expression";
    for (const pg::Row& row : query(sql)) {
        Difference& difference = begin_difference(row, Aspect::column_default);
        difference.subject = row.text(6);
        difference.clause = difference.expected ? "SET DEFAULT " + *difference.expected : "DROP DEFAULT";
    }
}

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

void Finder::find_options() {
    const std::string sql =
        std::string(
            ", options AS (SELECT f.*, coalesce(t.reloptions, '{}') AS wanted, coalesce(c.reloptions, '{}') AS have, "
            "coalesce(tt.reloptions, '{}') AS toast_wanted, coalesce(ct.reloptions, '{}') AS toast_have FROM family f "
            "JOIN pg_class t ON "
            "t.oid = f.template JOIN pg_class c ON c.oid = f.child LEFT JOIN pg_class tt ON tt.oid = t.reltoastrelid "
            "LEFT JOIN pg_class ct "
            "ON ct.oid = c.reltoastrelid WHERE NOT f.is_partitioned) SELECT ") +
        kHead +
        "nullif(array_to_string(f.wanted || CASE WHEN f.toast_wanted = '{}' THEN '{}' ELSE ARRAY['toast: ' || "
        "array_to_string(f.toast_wanted, ', ')] "
        "END, ', '), ''), nullif(array_to_string(f.have || CASE WHEN f.toast_have = '{}' THEN '{}' ELSE ARRAY['toast: "
        "' || "
        "array_to_string(f.toast_have, ', ')] END, ', '), ''), array_to_string(f.wanted, chr(31)), "
        "array_to_string(f.have, chr(31)), "
        "array_to_string(f.toast_wanted, chr(31)), array_to_string(f.toast_have, chr(31)) FROM options f WHERE NOT "
        "(f.wanted <@ f.have AND "
        "f.have <@ f.wanted AND f.toast_wanted <@ f.toast_have AND f.toast_have <@ f.toast_wanted)";
    for (const pg::Row& row : query(sql)) {
        Difference& difference = begin_difference(row, Aspect::reloptions);
        OptionChange change = change_options(split(row.text(6)), split(row.text(7)));
        OptionChange toast_change = change_options(split(row.text(8)), split(row.text(9)));
        difference.set_options = std::move(change.set);
        difference.reset_options = std::move(change.reset);
        difference.set_toast_options = std::move(toast_change.set);
        difference.reset_toast_options = std::move(toast_change.reset);
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

std::vector<Difference> Finder::find() {
    find_missing_indexes();
    find_invalid_indexes();
    find_table_settings();
    find_replica_identities();
    find_column_settings();
    find_column_options();
    find_defaults();
    find_comments();
    find_privileges();
    find_policies();
    find_statistics();
    find_triggers();
    if (has_templates_) {
        find_missing_template_indexes();
        find_options();
    }
    std::sort(differences_.begin(), differences_.end(), [](const Difference& a, const Difference& b) {
        return std::tie(a.parent, a.partition, a.aspect, a.subject, a.index.suffix) <
               std::tie(b.parent, b.partition, b.aspect, b.subject, b.index.suffix);
    });
    return std::move(differences_);
}

void check_partitioned(Oid parent) {
    auto rows =
        pg::query("SELECT relkind = 'p', oid::regclass FROM pg_class WHERE oid = $1", {pg::Parameter::oid(parent)});
    if (rows.empty()) throw pg::PgError(ERRCODE_UNDEFINED_TABLE, "relation with OID {} does not exist", parent);
    if (!rows[0].truth(0))
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "{} is not a partitioned table", rows[0].text(1))
            .hint("Name the partitioned table, or leave the argument out to look at all of them.");
}

std::optional<std::string> none_if_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

}  // namespace

}  // namespace steward::partition

using namespace steward;

STEWARD_FUNCTION(steward_find_partition_drift) {
    return pg::entry([&] {
        const std::optional<Oid> parent = pg::optional_oid_argument(fcinfo, 0);
        if (parent) partition::check_partitioned(*parent);
        pg::ResultSet result(fcinfo);
        for (const partition::Difference& difference : partition::Finder(parent).find()) {
            partition::Repair repair = partition::repair(difference);
            result.add({difference.parent, difference.partition, partition::aspect_name(difference.aspect),
                        partition::none_if_empty(difference.subject), difference.expected, difference.actual,
                        std::move(repair.sql), std::move(repair.lock_mode)});
            pg::check_interrupts();
        }
        return result.done();
    });
}
