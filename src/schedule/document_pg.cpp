// SPDX-License-Identifier: PostgreSQL
#include "schedule/document_pg.hpp"

#include <set>

#include "base/array.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"
#include "schedule/roles_pg.hpp"

namespace steward::schedule {

namespace {

constexpr char kDocument[] =
    R"doc({"jobs": [{"name": "nightly", "schedule": "30 2 * * *", "command": "CALL tidy_up()"}]}; steward.jobs_export() writes one.)doc";
constexpr char kEntryKeys[] = "name, schedule, run_at, timezone, role, command, options";

using Values = std::map<std::string, OptionValue>;

[[noreturn]] void unknown_key(const std::string& key, const std::string& where, const char* known) {
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "unknown key \"{}\" in {}", key, where)
        .hint("Keys are {}.", known);
}

[[noreturn]] void wrong_value(const std::string& key, const std::string& where, const char* allowed) {
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value for key \"{}\" in {}", key, where)
        .hint("{}", allowed);
}

// JSON's null is as good as nothing.
const OptionValue* find(const Values& values, const char* key) {
    auto found = values.find(key);
    return found == values.end() || found->second.type == "null" ? nullptr : &found->second;
}

std::optional<std::string> text_of(const Values& values, const char* key, const std::string& where) {
    const OptionValue* value = find(values, key);
    if (value == nullptr) return std::nullopt;
    if (value->type != "string") wrong_value(key, where, "A string.");
    return value->text;
}

std::string command_of(const Values& values, const std::string& where) {
    const OptionValue* value = find(values, "command");
    if (value == nullptr) throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "{} has no key \"command\"", where);
    if (!value->is_plain) wrong_value("command", where, "A string, or an array of strings, which are its lines.");
    if (value->type == "string") return value->text;
    std::string command;
    for (const std::string& line : value->items) command += (&line == &value->items.front() ? "" : "\n") + line;
    return command;
}

Wish read_wish(const Values& values, const std::string& where, const std::string& default_zone) {
    for (const auto& [key, value] : values)
        if (fmt::format(", {}, ", kEntryKeys).find(", " + key + ", ") == std::string::npos)
            unknown_key(key, where, kEntryKeys);
    Wish wish;
    wish.schedule = text_of(values, "schedule", where);
    wish.timezone = text_of(values, "timezone", where).value_or(default_zone);
    wish.command = command_of(values, where);
    if (auto role = text_of(values, "role", where)) wish.role = role_named(*role, where);
    if (auto at = text_of(values, "run_at", where)) {
        if (wish.schedule)
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "{} has both a schedule and run_at", where);
        wish.run_at = read_instant_text(*at, *wish.timezone);
        if (!wish.run_at) wrong_value("run_at", where, "An instant, such as \"2030-01-31 08:00+01\".");
    }
    if (const OptionValue* options = find(values, "options")) {
        if (options->type != "object") wrong_value("options", where, "An object, such as {\"retries\": 3}.");
        wish.options = options->text;
    }
    return wish;
}

std::vector<Document::Entry> read_jobs(const std::string& json) {
    std::vector<pg::Row> elements;
    {
        pg::SafePath path;
        elements = pg::query("SELECT value::text FROM jsonb_array_elements($1::jsonb)", {json});
    }
    const std::string default_zone = pg::database_zone_name();
    std::vector<Document::Entry> jobs;
    std::set<std::string> names;
    for (const pg::Row& element : elements) {
        pg::check_interrupts();
        std::string where = fmt::format("job {} of the document", jobs.size() + 1);
        Values values = read_object(element.text(0), where, kDocument);
        auto name = text_of(values, "name", where);
        if (!name) throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "{} has no key \"name\"", where);
        if (!names.insert(*name).second)
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "job \"{}\" is in the document twice", *name);
        jobs.push_back({*name, read_wish(values, fmt::format("job \"{}\"", *name), default_zone)});
    }
    return jobs;
}

void read_groups(Document& document, const std::string& json) {
    document.has_groups = true;
    for (const auto& [group, value] : read_object(json, "\"groups\"", R"({"groups": {"etl": 2}}.)")) {
        std::string where = "groups";
        if (group.empty() || group.size() > base::kMaxIdentifierBytes)
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid group name \"{}\"", group)
                .hint("A name of 1 to {} bytes.", base::kMaxIdentifierBytes);
        std::optional<std::int64_t> limit;
        if (value.type != "null") {
            bool is_whole = value.type == "number" && value.text.size() <= 9 &&
                            value.text.find_first_not_of("-0123456789") == std::string::npos;
            if (!is_whole) wrong_value(group, where, "A whole number, or null: how many of the group may run at once.");
            limit = std::stoll(value.text);
        }
        check_group_limit(group, limit);
        document.groups.emplace(group, limit);
    }
}

std::string command_json(const std::string& command) {
    std::vector<std::string> lines{""};
    for (char c : command) {
        if (c == '\n')
            lines.emplace_back();
        else
            lines.back() += c;
    }
    return lines.size() == 1 ? base::json_string(command) : base::json_strings(lines);
}

}  // namespace

Document read_document(const std::string& json) {
    Document document;
    Values values = read_object(json, "a document of jobs", kDocument);
    for (const auto& [key, value] : values)
        if (key != "jobs" && key != "groups") unknown_key(key, "the document", "jobs, groups");
    auto jobs = values.find("jobs");
    if (jobs == values.end())
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "the document has no key \"jobs\"")
            .hint("For example: {}", kDocument);
    if (jobs->second.type != "array") wrong_value("jobs", "the document", "An array of jobs.");
    document.jobs = read_jobs(jobs->second.text);
    if (auto groups = values.find("groups"); groups != values.end()) read_groups(document, groups->second.text);
    return document;
}

std::string policy_json(const Option& option, const pg::Cell& value) {
    if (!value) return "null";
    std::string_view type = option.type;
    if (type == "integer" || type == "boolean") return *value;
    if (type == "text[]" || type == "date[]") return base::json_strings(base::array_items(*value));
    return base::json_string(*value);
}

std::string job_entry(const Job& job) {
    std::string entry = "{\"name\": " + base::json_string(job.name);
    const auto add = [&](const char* key, const std::string& value) {
        entry += fmt::format(", \"{}\": {}", key, value);
    };
    if (job.schedule) add("schedule", base::json_string(*job.schedule));
    if (job.run_at) add("run_at", base::json_string(*job.run_at));
    add("timezone", base::json_string(job.timezone));
    add("role", base::json_string(job.role_name));
    add("command", command_json(job.command));
    std::string policies;
    static const Policies* const defaults = new Policies(default_policies());
    for (std::size_t i = 0; i < options().size(); ++i) {
        if (job.policies[i] == (*defaults)[i]) continue;
        policies += fmt::format("{}\"{}\": {}", policies.empty() ? "" : ", ", options()[i].key,
                                policy_json(options()[i], job.policies[i]));
    }
    if (!policies.empty()) add("options", "{" + policies + "}");
    return entry + "}";
}

}  // namespace steward::schedule
