// SPDX-License-Identifier: PostgreSQL
#include "partition/drift.hpp"

#include "base/text.hpp"

namespace steward::partition {

using base::quote_identifier;
using base::quote_literal;

namespace {

constexpr char kShare[] = "SHARE UPDATE EXCLUSIVE";
constexpr char kExclusive[] = "ACCESS EXCLUSIVE";
constexpr char kRowShare[] = "SHARE ROW EXCLUSIVE";

// All lists of options that one ALTER TABLE sets or resets.
void add_actions(std::vector<std::string>& actions, const std::vector<std::string>& set,
                 const std::vector<std::string>& reset, const std::string& prefix) {
    if (!set.empty()) actions.push_back("SET (" + options_sql(set, prefix) + ")");
    for (const std::string& option : reset) actions.push_back("RESET (" + prefix + quote_identifier(option) + ")");
}

// What a constraint's definition ends with; no name can stand there.
std::string deferrability(const std::string& constraint) {
    for (const char* ending : {" DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"}) {
        const std::string_view text = ending;
        if (constraint.size() >= text.size() &&
            constraint.compare(constraint.size() - text.size(), text.size(), text) == 0)
            return ending;
    }
    return "";
}

Repair missing_index(const Difference& difference) {
    const std::string attach = "ALTER INDEX " + difference.parent_index + " ATTACH PARTITION ";
    if (!difference.existing_index.empty()) return {attach + difference.existing_index, kShare};

    const TemplateIndex& index = difference.index;
    const std::string name = derived_name(difference.name, index.suffix);
    const std::string& constraint = index.constraint;
    const bool is_exclusion = constraint.rfind("EXCLUDE", 0) == 0;
    const std::string add_constraint =
        fmt::format("ALTER TABLE {}{} ADD CONSTRAINT {} ", difference.is_partitioned ? "ONLY " : "",
                    difference.partition, quote_identifier(name));
    Repair result;
    if (!constraint.empty() && (difference.is_partitioned || is_exclusion)) {
        result = {add_constraint + constraint, kExclusive};
    } else {
        result.sql = fmt::format("CREATE {}INDEX {}{} ON {}{} {}", index.is_unique ? "UNIQUE " : "",
                                 difference.is_partitioned ? "" : "CONCURRENTLY ", quote_identifier(name),
                                 difference.is_partitioned ? "ONLY " : "", difference.partition, index.definition);
        result.lock_mode = difference.is_partitioned ? "SHARE" : kShare;
        if (!constraint.empty()) {
            result.sql += ";\n" + add_constraint + (constraint.rfind("PRIMARY", 0) == 0 ? "PRIMARY KEY" : "UNIQUE") +
                          " USING INDEX " + quote_identifier(name);
            result.sql += deferrability(constraint);
            result.lock_mode = kExclusive;
        }
    }
    if (!difference.parent_index.empty()) result.sql += ";\n" + attach + base::qualified_name(difference.schema, name);
    return result;
}

Repair privileges(const Difference& difference) {
    std::vector<std::string> statements;
    statements.reserve(difference.revokes.size() + difference.grants.size());
    for (const Privileges& revoke : difference.revokes) statements.push_back(revoke_sql(revoke, difference.partition));
    for (const Privileges& grant : difference.grants) statements.push_back(grant_sql(grant, difference.partition));
    return {join(statements, ";\n"), "none"};
}

Repair policy(const Difference& difference) {
    std::vector<std::string> statements;
    if (difference.actual)
        statements.push_back("DROP POLICY " + quote_identifier(difference.subject) + " ON " + difference.partition);
    if (difference.expected)
        statements.push_back(policy_sql(difference.row_policy, difference.partition, difference.name));
    return {join(statements, ";\n"), kExclusive};
}

Repair options(const Difference& difference) {
    std::vector<std::string> actions;
    add_actions(actions, difference.set_options, difference.reset_options, "");
    add_actions(actions, difference.set_toast_options, difference.reset_toast_options, "toast.");
    return {"ALTER TABLE " + difference.partition + " " + join(actions, ", "), kShare};
}

Repair column_options(const Difference& difference, const std::string& alter) {
    std::vector<std::string> actions;
    if (!difference.reset_options.empty()) {
        std::vector<std::string> names;
        names.reserve(difference.reset_options.size());
        for (const std::string& option : difference.reset_options) names.push_back(quote_identifier(option));
        actions.push_back(alter + "RESET (" + join(names, ", ") + ")");
    }
    if (!difference.set_options.empty()) actions.push_back(alter + "SET (" + options_sql(difference.set_options) + ")");
    return {"ALTER TABLE " + difference.partition + " " + join(actions, ", "), kShare};
}

Repair comment(const Difference& difference) {
    const std::string object = difference.subject.empty()
                                   ? "TABLE " + difference.partition
                                   : "COLUMN " + difference.partition + "." + quote_identifier(difference.subject);
    return {"COMMENT ON " + object + " IS " + quote_literal(difference.expected.value_or("")), kShare};
}

Repair publication(const Difference& difference) {
    // No name stands in the comment: one with a line break would end it.
    if (!difference.obstacle.empty()) return {"-- not by this publication: " + difference.obstacle, "none"};
    const auto& sql = difference.actual ? republish_sql : publish_sql;
    return {sql(difference.subject, difference.listing, difference.partition), kShare};
}

Repair statistics(const Difference& difference) {
    const std::string name =
        base::qualified_name(difference.schema, derived_name(difference.name, difference.index.suffix));
    return {"CREATE STATISTICS " + name + " " + difference.clause + " FROM " + difference.partition, kShare};
}

}  // namespace

const char* aspect_name(Aspect aspect) {
    switch (aspect) {
    case Aspect::index: return "index";
    case Aspect::invalid_index: return "invalid index";
    case Aspect::unique_key: return "unique key";
    case Aspect::privileges: return "privileges";
    case Aspect::owner: return "owner";
    case Aspect::replica_identity: return "replica identity";
    case Aspect::row_security: return "row security";
    case Aspect::policy: return "policy";
    case Aspect::storage: return "storage";
    case Aspect::compression: return "compression";
    case Aspect::statistics_target: return "statistics target";
    case Aspect::column_options: return "column options";
    case Aspect::column_default: return "default";
    case Aspect::extended_statistics: return "extended statistics";
    case Aspect::reloptions: return "reloptions";
    case Aspect::tablespace: return "tablespace";
    case Aspect::access_method: return "access method";
    case Aspect::comment: return "comment";
    case Aspect::trigger: return "trigger";
    case Aspect::publication: return "publication";
    }
    return "";
}

Repair repair(const Difference& difference) {
    const std::string table = "ALTER TABLE " + difference.partition + " ";
    const std::string alter = "ALTER COLUMN " + quote_identifier(difference.subject) + " ";
    const std::string column = table + alter;
    switch (difference.aspect) {
    case Aspect::index:
    case Aspect::unique_key: return missing_index(difference);
    case Aspect::invalid_index: return {"REINDEX INDEX CONCURRENTLY " + difference.existing_index, kShare};
    case Aspect::privileges: return privileges(difference);
    case Aspect::policy: return policy(difference);
    case Aspect::reloptions: return options(difference);
    case Aspect::column_options: return column_options(difference, alter);
    case Aspect::comment: return comment(difference);
    case Aspect::extended_statistics: return statistics(difference);
    case Aspect::publication: return publication(difference);
    case Aspect::owner: return {table + "OWNER TO " + difference.clause, kExclusive};
    case Aspect::replica_identity: return {table + "REPLICA IDENTITY " + difference.clause, kExclusive};
    case Aspect::row_security: return {table + difference.clause, kExclusive};
    case Aspect::storage: return {column + "SET STORAGE " + difference.clause, kExclusive};
    case Aspect::compression: return {column + "SET COMPRESSION " + difference.clause, kExclusive};
    case Aspect::statistics_target: return {column + "SET STATISTICS " + difference.clause, kShare};
    case Aspect::column_default: return {column + difference.clause, kExclusive};
    case Aspect::tablespace: return {table + "SET TABLESPACE " + difference.clause, kExclusive};
    case Aspect::access_method: return {table + "SET ACCESS METHOD " + difference.clause, kExclusive};
    case Aspect::trigger:
        return {table + difference.clause + " TRIGGER " + quote_identifier(difference.subject), kRowShare};
    }
    return {};
}

}  // namespace steward::partition
