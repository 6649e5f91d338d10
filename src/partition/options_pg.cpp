// SPDX-License-Identifier: PostgreSQL
#include "partition/options_pg.hpp"

#include <functional>
#include <map>

#include "base/text.hpp"
#include "partition/blueprint.hpp"
#include "partition/relation_pg.hpp"
#include "partition/move_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

[[noreturn]] void bad_value(const std::string& key, const std::string& value, const std::string& hint) {
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value for option \"{}\": \"{}\"", key, value)
        .hint("{}", hint);
}

std::optional<std::int64_t> whole_number(const std::string& value) {
    if (value.empty() || value.size() > 9 || value.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    return std::stoll(value);
}

int count_option(const std::string& key, const std::string& value, int min, int max) {
    auto number = whole_number(value);
    if (!number || *number < min || *number > max)
        bad_value(key, value, fmt::format("A whole number from {} to {}.", min, max));
    return static_cast<int>(*number);
}

bool truth_option(const std::string& key, const std::string& value) {
    if (value != "true" && value != "false") bad_value(key, value, "true or false.");
    return value == "true";
}

// The function as PostgreSQL names it, schema-qualified; it must exist with these arguments and result.
std::string function_option(const std::string& key, const std::string& value, const std::string& arguments,
                            const std::string& result) {
    Oid function = named_function(fmt::format("{}({})", value, arguments));
    pg::SafePath path;
    auto rows =
        pg::query("SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname), p.prorettype = to_regtype($2)::oid "
                  "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = $1",
                  {pg::Parameter::oid(function), result});
    if (rows.empty() || !rows[0].truth(1))
        bad_value(key, value, fmt::format("A function {}({}) returns {} has to exist.", value, arguments, result));
    return rows[0].text(0);
}

Position position_option(const Policy& policy, const std::string& key, const std::string& value) {
    if (policy.codec.axis() == Axis::number) {
        auto number = base::parse_decimal(value, policy.codec.scale);
        if (!number) bad_value(key, value, "A number.");
        return *number;
    }
    std::string zone = policy.codec.axis() == Axis::wall_clock ? "UTC" : policy.timezone;
    pg::SafePath path;
    auto rows = pg::query("SELECT (date_part('epoch', CASE WHEN $1 ~ ':.*([+-][0-9:]+|[Zz])$' THEN $1::timestamptz "
                          "ELSE timezone($2, $1::timestamp) END) * 1000000)::bigint",
                          {value, zone});
    return rows.at(0).number(0);
}

Retire retire_option(const std::string& key, const std::string& value) {
    static constexpr std::pair<const char*, Retire> kWords[] = {{"trash", Retire::trash},
                                                                {"keep", Retire::keep},
                                                                {"schema", Retire::schema},
                                                                {"tablespace", Retire::tablespace},
                                                                {"archive", Retire::archive}};
    for (const auto& [word, retire] : kWords)
        if (value == word) return retire;
    bad_value(key, value, "One of trash, keep, schema, tablespace, archive.");
}

Oid template_option(const std::string& key, const std::string& value) {
    Oid table = named_relation(value);
    if (table == InvalidOid) bad_value(key, value, "The name of an existing table.");
    check_owner(table);
    return table;
}

// Steps run as the owner of the table: what that role may not do is said now, not at midnight.
void check_schema(const std::string& key, const std::string& value, const PartitionSet& set) {
    if (!may_create_in_schema(set.owner, value))
        bad_value(key, value, "The name of a schema in which the owner of the table may create tables.");
}

void check_tablespace(const std::string& key, const std::string& value, const PartitionSet& set) {
    if (!may_create_in_tablespace(set.owner, value))
        bad_value(key, value, "The name of a tablespace in which the owner of the table may create tables.");
}

void check_may_archive(const PartitionSet& set) {
    pg::SafePath path;
    if (pg::query("SELECT pg_has_role($1, 'pg_write_server_files', 'USAGE')", {pg::Parameter::oid(set.owner)})
            .at(0)
            .truth(0))
        return;
    throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "the owner of \"{}\" may not write files on the server",
                      set.qualified())
        .hint("An archive is written as the owner: GRANT pg_write_server_files to that role.");
}

std::string directory_option(const std::string& value) {
    if (value.empty() || value.front() != '/')
        bad_value("retire_to", value, "The absolute path of a directory on the server.");
    return value.size() > 1 && value.back() == '/' ? value.substr(0, value.size() - 1) : value;
}

base::Interval positive_interval(const std::string& key, const std::string& value) {
    if (value.find_first_not_of("0123456789.-+ ") == std::string::npos && value != "0")
        bad_value(key, value, fmt::format("It has no unit. Write '{} days' or another interval.", value));
    base::Interval interval = pg::parse_interval(value);
    if (interval.months < 0 || interval.days < 0 || interval.micros < 0)
        bad_value(key, value, "An interval that is not negative.");
    return interval;
}

constexpr char kHookArguments[] = "regclass, text, text";

using Reader = std::function<void(Policy&, const std::string& key, const std::string& value)>;

const std::map<std::string, Reader>& readers() {
    static const auto* const table = new std::map<std::string, Reader>{
        {"origin", [](Policy& p, auto& k, auto& v) { p.origin = position_option(p, k, v); }},
        {"start", [](Policy& p, auto& k, auto& v) { p.start = position_option(p, k, v); }},
        {"max_ahead", [](Policy& p, auto& k, auto& v) { p.max_ahead = positive_interval(k, v); }},
        {"retire", [](Policy& p, auto& k, auto& v) { p.retire = retire_option(k, v); }},
        {"grace", [](Policy& p, auto& k, auto& v) { p.grace = positive_interval(k, v); }},
        {"retire_to", [](Policy& p, auto&, auto& v) { p.retire_to = v; }},
        {"max_drop_percent", [](Policy& p, auto& k, auto& v) { p.max_drop_percent = count_option(k, v, 0, 100); }},
        {"template", [](Policy& p, auto& k, auto& v) { p.template_id = template_option(k, v); }},
        {"schema", [](Policy& p, auto&, auto& v) { p.partition_schema = v; }},
        {"name_prefix",
         [](Policy& p, auto& k, auto& v) {
             if (v.empty() || v.size() > base::kMaxIdentifierBytes) bad_value(k, v, "1 to 63 bytes.");
             p.name_prefix = v;
         }},
        {"subpartition_by", [](Policy& p, auto&, auto& v) { p.subpartition_by = v; }},
        {"subpartitions", [](Policy& p, auto& k, auto& v) { p.subpartitions = count_option(k, v, 1, 1024); }},
        {"modulus", [](Policy& p, auto& k, auto& v) { p.modulus = count_option(k, v, 1, 1024); }},
        {"on_demand", [](Policy& p, auto& k, auto& v) { p.on_demand = truth_option(k, v); }},
        {"snowflake_epoch",
         [](Policy& p, auto&, auto& v) {
             pg::SafePath path;
             auto rows = pg::query("SELECT (date_part('epoch', $1::timestamptz) * 1000)::bigint", {v});
             p.codec.epoch_ms = rows.at(0).number(0);
         }},
        {"encode",
         [](Policy& p, auto& k, auto& v) { p.encode_function = function_option(k, v, "timestamptz", "text"); }},
        {"decode",
         [](Policy& p, auto& k, auto& v) { p.decode_function = function_option(k, v, "text", "timestamptz"); }},
        {"before_create",
         [](Policy& p, auto& k, auto& v) { p.before_create = function_option(k, v, kHookArguments, "boolean"); }},
        {"after_create",
         [](Policy& p, auto& k, auto& v) { p.after_create = function_option(k, v, kHookArguments, "boolean"); }},
        {"before_drop",
         [](Policy& p, auto& k, auto& v) { p.before_drop = function_option(k, v, kHookArguments, "boolean"); }},
        {"after_drop",
         [](Policy& p, auto& k, auto& v) { p.after_drop = function_option(k, v, kHookArguments, "boolean"); }},
    };
    return *table;
}

// {"grace": null}: as if it had never been set.
void forget_option(Policy& policy, const std::string& key) {
    static const auto* const fresh = new Policy;
    const std::pair<const char*, std::string Policy::*> kTexts[] = {
        {"retire_to", &Policy::retire_to},         {"schema", &Policy::partition_schema},
        {"name_prefix", &Policy::name_prefix},     {"subpartition_by", &Policy::subpartition_by},
        {"encode", &Policy::encode_function},      {"decode", &Policy::decode_function},
        {"before_create", &Policy::before_create}, {"after_create", &Policy::after_create},
        {"before_drop", &Policy::before_drop},     {"after_drop", &Policy::after_drop}};
    for (const auto& [name, member] : kTexts)
        if (key == name) (policy.*member).clear();
    if (key == "start") policy.start.reset();
    if (key == "max_ahead") policy.max_ahead.reset();
    if (key == "retire") policy.retire = fresh->retire;
    if (key == "grace") policy.grace = fresh->grace;
    if (key == "max_drop_percent") policy.max_drop_percent = fresh->max_drop_percent;
    if (key == "template") policy.template_id = fresh->template_id;
    if (key == "subpartitions") policy.subpartitions = fresh->subpartitions;
    if (key == "modulus") policy.modulus = fresh->modulus;
    if (key == "on_demand") policy.on_demand = fresh->on_demand;
    if (key == "lists") policy.lists.clear();
}

// {"lists": {"europe": ["de", "fr"], "asia": ["jp"]}}
void read_lists(Policy& policy, const std::string& json) {
    pg::SafePath path;
    auto shape = pg::query("SELECT $1::jsonb -> 'lists', CASE WHEN jsonb_typeof($1::jsonb -> 'lists') = 'object' THEN "
                           "(SELECT bool_and(jsonb_typeof(value) = 'array') FROM jsonb_each($1::jsonb -> 'lists')) END",
                           {json});
    if (!shape.at(0).truth(1))
        bad_value("lists", shape.at(0).text(0),
                  "An object of arrays, such as {\"europe\": [\"de\", \"fr\"], \"asia\": [\"jp\"]}.");
    auto rows = pg::query("SELECT l.key, v.value FROM jsonb_each($1::jsonb -> 'lists') l, "
                          "jsonb_array_elements_text(l.value) WITH ORDINALITY v(value, n) ORDER BY l.key, v.n",
                          {json});
    policy.lists.clear();
    for (const pg::Row& row : rows) policy.lists[row.text(0)].push_back(row.text(1));
}

// Expressions and operator classes are left to CREATE TABLE; a plain name has to be a column.
void check_subpartition_columns(const Policy& policy, const PartitionSet& set) {
    std::string key = policy.subpartition_by.substr(policy.subpartition_by.find('('));
    pg::SafePath path;
    auto rows =
        pg::query("SELECT part FROM regexp_split_to_table(trim(both '()' from trim($1)), '\\s*,\\s*') part "
                  "WHERE part ~* '^([a-z_][a-z0-9_$]*|\"[^\"]+\")$' AND NOT EXISTS (SELECT FROM pg_attribute "
                  "WHERE attrelid = $2 AND attnum > 0 AND NOT attisdropped AND attname = (parse_ident(part))[1])",
                  {key, pg::Parameter::oid(set.id)});
    if (!rows.empty())
        bad_value("subpartition_by", policy.subpartition_by,
                  fmt::format("{} has no column {}.", set.qualified(), rows[0].text(0)));
}

// Without a default partition the server refuses the rows that would ask for one.
void check_on_demand(const Policy& policy, const PartitionSet& set) {
    if (!policy.on_demand) return;
    bool is_list_of_values = set.strategy == Strategy::list && !policy.step;
    if (set.strategy != Strategy::range && !is_list_of_values)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "option \"on_demand\" does not fit \"{}\"", set.qualified())
            .detail("Only ranges and lists of values get partitions on demand.");
    if (set.default_id == 0)
        throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                          "option \"on_demand\" needs a default partition of \"{}\"", set.qualified())
            .hint("CREATE TABLE ... PARTITION OF {} DEFAULT takes the rows until their partition is made.",
                  set.qualified());
}

void check_targets(Policy& policy, const PartitionSet& set) {
    if (policy.retire != Retire::trash && policy.retire != Retire::keep && policy.retire_to.empty())
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "option \"retire_to\" is missing")
            .hint("It names the schema, the tablespace or the directory that retired partitions go to.");
    if (policy.retire == Retire::archive) {
        policy.retire_to = directory_option(policy.retire_to);
        check_may_archive(set);
    }
    if (!policy.partition_schema.empty()) check_schema("schema", policy.partition_schema, set);
    if (policy.retire == Retire::schema) check_schema("retire_to", policy.retire_to, set);
    if (policy.retire == Retire::tablespace) check_tablespace("retire_to", policy.retire_to, set);
    if (policy.subpartition_by.empty() != (policy.subpartitions == 0))
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE,
                          "options \"subpartition_by\" and \"subpartitions\" go together")
            .hint("For example: {{\"subpartition_by\": \"HASH (tenant_id)\", \"subpartitions\": 4}}.");
    if (!policy.subpartition_by.empty())
        pg::value_or_throw(parse_subpartitioning(policy.subpartition_by, policy.subpartitions));
    if (!policy.subpartition_by.empty()) check_subpartition_columns(policy, set);
    check_on_demand(policy, set);
}

}  // namespace

bool apply_options(Policy& policy, const PartitionSet& set, const std::string& json) {
    if (json.empty()) return false;
    bool has_origin = false;
    auto type = pg::query("SELECT pg_catalog.jsonb_typeof($1::pg_catalog.jsonb)", {json});
    if (type.at(0).text(0) != "object")
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "options must be a JSON object")
            .hint("For example: '{{\"grace\": \"3 days\"}}'.");
    for (const pg::Row& row :
         pg::query("SELECT key, value FROM pg_catalog.jsonb_each_text($1::pg_catalog.jsonb)", {json})) {
        const std::string& key = row.text(0);
        if (row.is_null(1) && (key == "lists" || readers().count(key) != 0)) {
            forget_option(policy, key);
            continue;
        }
        if (key == "lists") {
            read_lists(policy, json);
            continue;
        }
        auto reader = readers().find(key);
        if (reader == readers().end()) {
            std::string known = "lists";
            for (const auto& [name, read] : readers()) known += ", " + name;
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "unknown option \"{}\" for \"{}\"", key, set.qualified())
                .hint("Options are {}.", known);
        }
        reader->second(policy, key, row.text(1));
        has_origin = has_origin || key == "origin";
    }
    check_targets(policy, set);
    return has_origin;
}

}  // namespace steward::partition
