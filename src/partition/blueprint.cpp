// SPDX-License-Identifier: PostgreSQL
#include "partition/blueprint.hpp"

#include <algorithm>
#include <cctype>

#include "base/text.hpp"
#include "partition/naming.hpp"

namespace steward::partition {

using base::quote_identifier;
using base::quote_literal;

namespace {

std::string like_clause(const Blueprint& blueprint) {
    std::string like = "LIKE " + blueprint.parent + " INCLUDING COMMENTS";
    if (blueprint.server_major >= 14) like += " INCLUDING COMPRESSION";
    return like + " INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING INDEXES INCLUDING STATISTICS"
                  " INCLUDING STORAGE";
}

// What only a table with rows of its own takes.
std::string storage_clauses(const Blueprint& blueprint) {
    std::string clauses;
    if (!blueprint.access_method.empty()) clauses += " USING " + quote_identifier(blueprint.access_method);
    std::vector<std::string> options;
    if (!blueprint.options.empty()) options.push_back(options_sql(blueprint.options));
    if (!blueprint.toast_options.empty()) options.push_back(options_sql(blueprint.toast_options, "toast."));
    if (!options.empty()) clauses += " WITH (" + join(options, ", ") + ")";
    return clauses;
}

std::string tablespace_clause(const Blueprint& blueprint) {
    return blueprint.tablespace.empty() ? "" : " TABLESPACE " + quote_identifier(blueprint.tablespace);
}

std::string create_leaf(const Blueprint& blueprint, const std::string& table) {
    return fmt::format("CREATE {}TABLE {} ({}){}{}", blueprint.is_unlogged ? "UNLOGGED " : "", table,
                       like_clause(blueprint), storage_clauses(blueprint), tablespace_clause(blueprint));
}

void add_column_settings(std::vector<std::string>& actions, const Blueprint& blueprint) {
    for (const ColumnSettings& column : blueprint.columns) {
        std::string alter = "ALTER COLUMN " + quote_identifier(column.column);
        if (column.statistics) actions.push_back(fmt::format("{} SET STATISTICS {}", alter, *column.statistics));
        if (!column.options.empty()) actions.push_back(fmt::format("{} SET ({})", alter, options_sql(column.options)));
    }
}

// All that ALTER TABLE takes in one go.
std::vector<std::string> alter_actions(const Blueprint& blueprint, std::string_view name) {
    std::vector<std::string> actions;
    add_column_settings(actions, blueprint);
    for (const TemplateIndex& index : blueprint.indexes)
        if (!index.constraint.empty())
            actions.push_back(fmt::format("ADD CONSTRAINT {} {}", quote_identifier(derived_name(name, index.suffix)),
                                          index.constraint));
    if (blueprint.has_row_security) actions.emplace_back("ENABLE ROW LEVEL SECURITY");
    if (blueprint.forces_row_security) actions.emplace_back("FORCE ROW LEVEL SECURITY");
    if (blueprint.replica_identity == 'f') actions.emplace_back("REPLICA IDENTITY FULL");
    if (blueprint.replica_identity == 'n') actions.emplace_back("REPLICA IDENTITY NOTHING");
    return actions;
}

const TemplateIndex* identity_of_template(const Blueprint& blueprint) {
    for (const TemplateIndex& index : blueprint.indexes)
        if (index.is_identity) return &index;
    return nullptr;
}

// Access rules and settings; for the partition and for each of its subpartitions.
void add_settings(std::vector<std::string>& statements, const Blueprint& blueprint, const std::string& table,
                  std::string_view name) {
    std::vector<std::string> actions = alter_actions(blueprint, name);
    if (!actions.empty()) statements.push_back("ALTER TABLE " + table + " " + join(actions, ", "));
    for (const TemplateIndex& index : blueprint.indexes)
        if (index.constraint.empty())
            statements.push_back(fmt::format("CREATE {}INDEX {} ON {} {}", index.is_unique ? "UNIQUE " : "",
                                             quote_identifier(derived_name(name, index.suffix)), table,
                                             index.definition));
    if (const TemplateIndex* identity = identity_of_template(blueprint))
        statements.push_back("ALTER TABLE " + table + " REPLICA IDENTITY USING INDEX " +
                             quote_identifier(derived_name(name, identity->suffix)));
    for (const RowPolicy& policy : blueprint.policies) statements.push_back(policy_sql(policy, table, name));
    for (const Privileges& revoke : blueprint.revokes) statements.push_back(revoke_sql(revoke, table));
    for (const Privileges& grant : blueprint.grants) statements.push_back(grant_sql(grant, table));
    if (blueprint.comment)
        statements.push_back("COMMENT ON TABLE " + table + " IS " + quote_literal(*blueprint.comment));
}

std::vector<std::string> subpartition_suffixes(const Subpartitioning& subpartitions) {
    if (subpartitions.method == Subpartitioning::Method::other) return {"default"};
    std::vector<std::string> suffixes;
    suffixes.reserve(static_cast<std::size_t>(std::max(subpartitions.count, 0)));
    for (int remainder = 0; remainder < subpartitions.count; ++remainder)
        suffixes.push_back(fmt::format("h{}", remainder));
    return suffixes;
}

// They are built like the partition itself; nobody sees it yet, so that attaching them hinders nobody.
void add_subpartitions(std::vector<std::string>& statements, const Blueprint& blueprint, std::string_view schema,
                       std::string_view name) {
    const Subpartitioning& subpartitions = blueprint.subpartitions;
    const std::string parent = base::qualified_name(schema, name);
    int remainder = 0;
    for (const std::string& suffix : subpartition_suffixes(subpartitions)) {
        const std::string child = derived_name(name, suffix);
        const std::string table = base::qualified_name(schema, child);
        const std::string bounds =
            subpartitions.method == Subpartitioning::Method::hash
                ? fmt::format("FOR VALUES WITH (MODULUS {}, REMAINDER {})", subpartitions.count, remainder++)
                : std::string("DEFAULT");
        statements.push_back(create_leaf(blueprint, table));
        add_settings(statements, blueprint, table, child);
        statements.push_back(fmt::format("ALTER TABLE {} ATTACH PARTITION {} {}", parent, table, bounds));
    }
}

// A partitioned partition has no rows: it keeps the rules of access, and leaves the rest to its own partitions.
Blueprint without_rows(Blueprint blueprint) {
    blueprint.indexes.clear();
    if (blueprint.replica_identity == 'i') blueprint.replica_identity = 'd';
    return blueprint;
}

std::string obstacle(const Blueprint& blueprint, const Publication& publication) {
    return obstacle(publication, blueprint.is_unlogged,
                    blueprint.subpartitions.method != Subpartitioning::Method::none);
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// True when the text is one balanced pair of parentheses that holds something, without comments, semicolons, backslashes
// and dollars, which could make the server read it otherwise than we do.
bool is_one_group(std::string_view text) {
    if (text.size() < 3 || text.front() != '(' || text.back() != ')' || trim(text.substr(1, text.size() - 2)).empty())
        return false;
    int depth = 0;
    char quote = '\0';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' || c == '$' || c == '\0') return false;
        if (quote != '\0') {
            if (c == quote) quote = '\0';
            continue;
        }
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (c == ';' || (c == '-' && next == '-') || (c == '/' && next == '*')) return false;
        if (c == '\'' || c == '"') quote = c;
        if (c == '(') ++depth;
        if (c == ')' && --depth == 0 && i + 1 != text.size()) return false;
    }
    return depth == 0 && quote == '\0';
}

base::Failure bad_subpartitioning(std::string_view by) {
    return {base::kInvalidParameter, fmt::format("invalid subpartition key: \"{}\"", by), "",
            "Write it as in CREATE TABLE ... PARTITION BY, for example HASH (tenant_id)."};
}

}  // namespace

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string joined;
    for (const std::string& part : parts) {
        if (!joined.empty()) joined += separator;
        joined += part;
    }
    return joined;
}

base::Result<Subpartitioning> parse_subpartitioning(std::string_view by, int count) {
    std::string_view text = trim(by);
    if (text.empty()) return Subpartitioning{};
    const std::size_t open = text.find('(');
    if (open == std::string_view::npos) return bad_subpartitioning(by);
    std::string method;
    for (const char c : trim(text.substr(0, open)))
        method.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    const std::string_view key = text.substr(open);
    if ((method != "HASH" && method != "LIST" && method != "RANGE") || !is_one_group(key))
        return bad_subpartitioning(by);

    Subpartitioning result;
    result.method = method == "HASH" ? Subpartitioning::Method::hash : Subpartitioning::Method::other;
    result.by = method + " " + std::string(key);
    result.count = count;
    if (result.method == Subpartitioning::Method::hash && (count < 1 || count > 1024))
        return base::Failure{base::kInvalidParameter, fmt::format("invalid number of subpartitions: {}", count), "",
                             "Hash subpartitions are at least 1 and at most 1024."};
    return result;
}

std::string create_table_sql(const Blueprint& blueprint, std::string_view schema, std::string_view name) {
    const std::string table = base::qualified_name(schema, name);
    std::vector<std::string> statements;
    if (blueprint.subpartitions.method == Subpartitioning::Method::none) {
        statements.push_back(create_leaf(blueprint, table));
        add_settings(statements, blueprint, table, name);
    } else {
        statements.push_back(fmt::format("CREATE TABLE {} ({}) PARTITION BY {}{}", table, like_clause(blueprint),
                                         blueprint.subpartitions.by, tablespace_clause(blueprint)));
        add_settings(statements, without_rows(blueprint), table, name);
        add_subpartitions(statements, blueprint, schema, name);
    }
    for (const Publication& publication : blueprint.publications)
        if (obstacle(blueprint, publication).empty())
            statements.push_back(publish_new_sql(publication.name, publication.listing, table));
    return join(statements, ";\n");
}

std::string attach_sql(const Blueprint& blueprint, std::string_view schema, std::string_view name,
                       std::string_view bounds) {
    return fmt::format("ALTER TABLE {} ATTACH PARTITION {} {}", blueprint.parent, base::qualified_name(schema, name),
                       bounds);
}

std::string after_attach_sql(const Blueprint& blueprint, std::string_view schema, std::string_view name) {
    if (blueprint.replica_identity != 'i' || blueprint.identity_index.empty()) return "";
    if (blueprint.subpartitions.method == Subpartitioning::Method::none)
        return inherit_identity_index_sql(base::qualified_name(schema, name), blueprint.identity_index);
    std::vector<std::string> statements;
    for (const std::string& suffix : subpartition_suffixes(blueprint.subpartitions))
        statements.push_back(inherit_identity_index_sql(base::qualified_name(schema, derived_name(name, suffix)),
                                                        blueprint.identity_index));
    return join(statements, ";\n");
}

std::string publications_left(const Blueprint& blueprint) {
    std::vector<std::string> left;
    for (const Publication& publication : blueprint.publications) {
        const std::string why = obstacle(blueprint, publication);
        if (!why.empty())
            left.push_back(fmt::format("not added to publication {}: {}", quote_identifier(publication.name), why));
    }
    return join(left, "; ");
}

std::string grant_sql(const Privileges& privileges, const std::string& table) {
    return fmt::format("GRANT {} ON TABLE {} TO {}{}", privileges.privileges, table, privileges.grantee,
                       privileges.is_grantable ? " WITH GRANT OPTION" : "");
}

std::string revoke_sql(const Privileges& privileges, const std::string& table) {
    return fmt::format("REVOKE {} ON TABLE {} FROM {}", privileges.privileges, table, privileges.grantee);
}

std::string policy_sql(const RowPolicy& policy, const std::string& table, std::string_view name) {
    const std::string self = std::string(kSelfAlias) + ".";
    const std::string own = quote_identifier(name) + ".";
    const auto with_own_name = [&](std::string expression) {
        for (std::size_t at = expression.find(self); at != std::string::npos;
             at = expression.find(self, at + own.size()))
            expression.replace(at, self.size(), own);
        return expression;
    };
    std::string sql = fmt::format("CREATE POLICY {} ON {} AS {} FOR {} TO {}", quote_identifier(policy.name), table,
                                  policy.is_permissive ? "PERMISSIVE" : "RESTRICTIVE", policy.command, policy.roles);
    if (policy.usage) sql += " USING (" + with_own_name(*policy.usage) + ")";
    if (policy.check) sql += " WITH CHECK (" + with_own_name(*policy.check) + ")";
    return sql;
}

std::string options_sql(const std::vector<std::string>& options, std::string_view prefix) {
    std::vector<std::string> parts;
    for (const std::string& option : options) {
        const std::size_t equals = option.find('=');
        const std::string value = equals == std::string::npos ? "true" : option.substr(equals + 1);
        parts.push_back(
            fmt::format("{}{} = {}", prefix, quote_identifier(option.substr(0, equals)), quote_literal(value)));
    }
    return join(parts, ", ");
}

std::string derived_name(std::string_view name, std::string_view suffix) {
    return partition_name(Naming{std::string(name) + "_", PeriodSeparator::underscore, std::nullopt}, suffix);
}

std::string inherit_identity_index_sql(const std::string& table, const std::string& index) {
    const std::string body = fmt::format(
        "BEGIN EXECUTE (SELECT pg_catalog.format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', "
        "i.indrelid::pg_catalog.regclass, "
        "k.relname) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class k ON k.oid OPERATOR(pg_catalog.=) i.indexrelid "
        "WHERE i.indrelid OPERATOR(pg_catalog.=) {}::pg_catalog.regclass AND {}::pg_catalog.regclass "
        "OPERATOR(pg_catalog.=) "
        "ANY (SELECT a.relid FROM pg_catalog.pg_partition_ancestors(i.indexrelid) a)); END",
        quote_literal(table), quote_literal(index));
    return "DO " + quote_literal(body);
}

}  // namespace steward::partition
