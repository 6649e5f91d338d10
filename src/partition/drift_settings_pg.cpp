// SPDX-License-Identifier: PostgreSQL
//
// Differences of tables and columns in how they store and plan.
#include "partition/drift_finder_pg.hpp"

#include <algorithm>

#include "partition/blueprint_pg.hpp"

namespace steward::partition {

namespace {

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

}  // namespace

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

void Finder::find_column_options() {
    const std::string sql =
        std::string("SELECT ") + kHead +
        "array_to_string(o.wanted, ', '), nullif(array_to_string(o.have, ', '), ''), p.attname, "
        "array_to_string(o.wanted, chr(31)), array_to_string(o.have, chr(31)) FROM family f JOIN pg_attribute p ON "
        "p.attrelid = f.parent AND p.attnum > 0 AND NOT p.attisdropped JOIN pg_attribute c ON c.attrelid = f.child AND "
        "c.attname = p.attname AND NOT c.attisdropped, LATERAL (SELECT " +
        column_options("p") + " AS wanted, " + column_options("c") + " AS have) o WHERE (" + has_column_options("p") +
        " OR " + has_column_options("c") + ") AND NOT (o.wanted <@ o.have AND o.have <@ o.wanted)";
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

}  // namespace steward::partition
