// SPDX-License-Identifier: PostgreSQL
#include "schedule/options_pg.hpp"

#include <algorithm>

#include "base/array.hpp"
#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"
#include "schedule/job.hpp"

namespace steward::schedule {

namespace {

[[noreturn]] void bad_value(const Option& option, const OptionValue& value, const std::string& allowed) {
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value for option \"{}\": {}", option.key,
                      value.type == "string" ? "\"" + value.text + "\"" : value.text)
        .hint("{}", allowed);
}

// ---- One rule a kind of value ----------------------------------------------------------------------------------------

pg::Cell read_word(const Option& option, const OptionValue& value, const std::string&) {
    std::string words = fmt::format(", {}, ", option.words);
    if (value.type != "string" || value.text.find(',') != std::string::npos ||
        words.find(", " + value.text + ", ") == std::string::npos)
        bad_value(option, value, fmt::format("One of {}.", option.words));
    return value.text;
}

pg::Cell read_count(const Option& option, const OptionValue& value, const std::string&) {
    std::string digits = value.text;
    if (!digits.empty() && digits[0] == '-') digits.erase(0, 1);
    bool is_whole =
        !digits.empty() && digits.size() <= 9 && digits.find_first_not_of("0123456789") == std::string::npos;
    std::int64_t number = is_whole ? std::stoll(value.text) : 0;
    if (!is_whole || number < option.min || number > option.max)
        bad_value(option, value, fmt::format("A whole number from {} to {}.", option.min, option.max));
    return fmt::format("{}", number);
}

pg::Cell read_truth(const Option& option, const OptionValue& value, const std::string&) {
    if (value.type != "boolean") bad_value(option, value, "true or false.");
    return value.text;
}

// Months count 30 days here, as where the server compares intervals.
std::int64_t rough_micros(const base::Interval& interval) {
    std::int64_t days = interval.months * INT64_C(30) + interval.days;
    if (days > 1'000'000 || days < -1'000'000) return days < 0 ? INT64_MIN : INT64_MAX;
    return days * base::kMicrosPerDay + interval.micros;
}

std::string shown(std::int64_t micros) {
    if (micros % base::kMicrosPerDay == 0 && micros != 0) return fmt::format("{} days", micros / base::kMicrosPerDay);
    if (micros % base::kMicrosPerSecond == 0) return fmt::format("{} s", micros / base::kMicrosPerSecond);
    return fmt::format("{} ms", micros / 1000);
}

pg::Cell read_interval(const Option& option, const OptionValue& value, const std::string&) {
    std::string allowed = fmt::format("An interval with its unit, such as \"30 seconds\", from {} to {}.",
                                      shown(option.min), shown(option.max));
    bool has_unit = value.text.find_first_not_of("0123456789.-+ ") != std::string::npos;
    if (value.type != "string" || !has_unit) bad_value(option, value, allowed);
    base::Interval interval;
    try {
        pg::SafePath path;
        interval = pg::parse_interval(value.text);
    } catch (const pg::PgError&) {
        bad_value(option, value, allowed);
    }
    std::int64_t micros = rough_micros(interval);
    if (micros < option.min || micros > option.max) bad_value(option, value, allowed);
    return base::format_interval(interval);
}

pg::Cell read_name(const Option& option, const OptionValue& value, const std::string&) {
    if (value.type != "string" || value.text.empty() || value.text.size() > base::kMaxIdentifierBytes)
        bad_value(option, value, fmt::format("A name of 1 to {} bytes.", base::kMaxIdentifierBytes));
    return value.text;
}

// Whether there are such jobs is looked at when all is stored.
pg::Cell read_jobs(const Option& option, const OptionValue& value, const std::string&) {
    bool are_names = value.is_plain && value.items.size() <= kMaxEdges &&
                     std::none_of(value.items.begin(), value.items.end(), [](auto& name) { return name.empty(); });
    if (!are_names)
        bad_value(option, value, fmt::format("The name of a job, or an array of up to {} names.", kMaxEdges));
    std::vector<std::string> names;
    for (const std::string& name : value.items)
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    if (names.empty()) return std::nullopt;
    return base::array_literal(names);
}

bool is_sqlstate(const std::string& text) {
    return (text.size() == 2 || text.size() == 5) &&
           text.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
}

pg::Cell read_sqlstates(const Option& option, const OptionValue& value, const std::string&) {
    bool are_states = value.is_plain && value.items.size() <= kMaxRetryStates &&
                      std::all_of(value.items.begin(), value.items.end(), is_sqlstate);
    if (!are_states)
        bad_value(option, value,
                  "An array of SQLSTATEs (\"40001\") and of their classes (\"40\"), in capital letters and digits.");
    if (value.items.empty()) return std::nullopt;
    return base::array_literal(value.items);
}

pg::Cell read_instant(const Option& option, const OptionValue& value, const std::string& zone) {
    pg::Cell at = value.type == "string" ? read_instant_text(value.text, zone) : std::nullopt;
    if (!at)
        bad_value(option, value,
                  "An instant, such as \"2030-01-31 08:00\", in the job's time zone where it has no offset.");
    return at;
}

bool is_date(const std::string& text) {
    constexpr std::string_view kShape = "0000-00-00";
    if (text.size() != kShape.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((kShape[i] == '-') != (text[i] == '-') || (text[i] != '-' && (text[i] < '0' || text[i] > '9')))
            return false;
    int year = std::stoi(text.substr(0, 4)), month = std::stoi(text.substr(5, 2)), day = std::stoi(text.substr(8, 2));
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= base::days_in_month(year, month);
}

pg::Cell read_dates(const Option& option, const OptionValue& value, const std::string&) {
    bool are_dates = value.is_plain && value.items.size() <= kMaxExcludedDates &&
                     std::all_of(value.items.begin(), value.items.end(), is_date);
    if (!are_dates)
        bad_value(option, value,
                  fmt::format("An array of up to {} dates as \"2030-12-24\", of the calendar of the job's time zone.",
                              kMaxExcludedDates));
    std::vector<std::string> dates = value.items;
    std::sort(dates.begin(), dates.end());
    dates.erase(std::unique(dates.begin(), dates.end()), dates.end());
    if (dates.empty()) return std::nullopt;
    std::string literal;
    for (const std::string& date : dates) literal += (literal.empty() ? "" : ",") + date;
    return "{" + literal + "}";
}

// ---- The JSON object -------------------------------------------------------------------------------------------------

std::size_t index_of(const std::string& key) {
    const std::vector<Option>& all = options();
    auto found = std::find_if(all.begin(), all.end(), [&](const Option& option) { return key == option.key; });
    return static_cast<std::size_t>(found - all.begin());
}

[[noreturn]] void unknown_option(const std::string& key) {
    std::string known;
    for (const Option& option : options()) known += (known.empty() ? "" : ", ") + std::string(option.key);
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "unknown option \"{}\"", key).hint("Options are {}.", known);
}

// Each may be right by itself and still make no sense beside the others.
void check_together(const Policies& policies) {
    auto is = [&](const char* key, const char* value) { return policy_of(policies, key) == pg::Cell(value); };
    if (is("overlap", "parallel") == is("max_parallel", "1"))
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE,
                          "overlap \"parallel\" and a max_parallel of 2 or more go together")
            .hint("For example: {{\"overlap\": \"parallel\", \"max_parallel\": 4}}.");
    if (is("atomic", "true") && is("on_error", "continue"))
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "an atomic job cannot continue after an error")
            .hint("Leave out one of atomic and on_error.");
    const pg::Cell& from = policy_of(policies, "valid_from");
    const pg::Cell& until = policy_of(policies, "valid_until");
    if (!from || !until) return;
    pg::SafePath path;
    if (pg::query("SELECT $1::timestamptz < $2::timestamptz", {*from, *until}).at(0).truth(0)) return;
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "valid_until must be later than valid_from")
        .detail("The job would be valid from {} until {}.", *from, *until);
}

}  // namespace

std::map<std::string, OptionValue> read_object(const std::string& json, const std::string& what, const char* example) {
    pg::SafePath path;
    auto kind = pg::query("SELECT jsonb_typeof($1::jsonb)", {json});
    if (kind.at(0).text(0) != "object")
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "{} must be a JSON object, not {}", what, kind[0].text(0))
            .hint("For example: {}", example);
    std::map<std::string, OptionValue> values;
    for (const pg::Row& row :
         pg::query("SELECT key, jsonb_typeof(value), value #>> '{}' FROM jsonb_each($1::jsonb)", {json})) {
        OptionValue& value = values[row.text(0)];
        value.type = row.text(1);
        value.text = row.text(2);
        value.is_plain = value.type == "array" || value.type == "string";
        if (value.type == "string") value.items.push_back(value.text);
    }
    for (const pg::Row& row : pg::query("SELECT o.key, jsonb_typeof(i.value), i.value #>> '{}' FROM "
                                        "jsonb_each($1::jsonb) o CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN "
                                        "jsonb_typeof(o.value) = 'array' THEN o.value ELSE '[]' END) WITH ORDINALITY "
                                        "i(value, n) ORDER BY o.key, i.n",
                                        {json})) {
        OptionValue& value = values[row.text(0)];
        value.items.push_back(row.text(2));
        value.is_plain = value.is_plain && row.text(1) == "string";
    }
    return values;
}

pg::Cell read_instant_text(const std::string& text, const std::string& zone) {
    std::string at;
    try {
        pg::SafePath path;
        auto rows = pg::query("SELECT (CASE WHEN $1 ~ ':.*([+-][0-9:]+|[Zz])$' THEN $1::timestamptz "
                              "ELSE timezone($2, $1::timestamp) END)::text",
                              {text, zone});
        at = rows.at(0).text(0);
    } catch (const pg::PgError&) {
        return std::nullopt;  // the caller raises an error of its own
    }
    if (at == "infinity" || at == "-infinity") return std::nullopt;
    return at;
}

const std::vector<Option>& options() {
    static const auto* const table = new std::vector<Option>{
        {"overlap", "overlap", "text", "skip", read_word, 0, 0, "skip, queue, replace, parallel"},
        {"max_parallel", "max_parallel", "integer", "1", read_count, 1, kMaxParallel},
        {"missed", "missed", "text", "once", read_word, 0, 0, "skip, once, all"},
        {"missed_within", "missed_within", "interval", nullptr, read_interval, base::kMicrosPerSecond, kMaxKeepMicros},
        {"timeout", "timeout", "interval", nullptr, read_interval, kMinTimeoutMicros, kMaxTimeoutMicros},
        {"lock_timeout", "lock_timeout", "interval", nullptr, read_interval, kMinTimeoutMicros, kMaxTimeoutMicros},
        {"retries", "retries", "integer", "0", read_count, 0, kMaxRetries},
        {"retry_delay", "retry_delay", "interval", "00:00:30", read_interval, 0, kMaxRetryDelayMicros},
        {"retry_on", "retry_on", "text[]", nullptr, read_sqlstates},
        {"priority", "priority", "integer", "0", read_count, kMinPriority, kMaxPriority},
        {"group", "group_name", "text", nullptr, read_name},
        {"after", "after", "text[]", nullptr, read_jobs},
        {"on_success", "on_success", "text[]", nullptr, read_jobs},
        {"on_failure", "on_failure", "text[]", nullptr, read_jobs},
        {"run_on", "run_on", "text", "primary", read_word, 0, 0, "primary, standby, any"},
        {"valid_from", "valid_from", "timestamptz", nullptr, read_instant},
        {"valid_until", "valid_until", "timestamptz", nullptr, read_instant},
        {"exclude_dates", "exclude_dates", "date[]", nullptr, read_dates},
        {"atomic", "atomic", "boolean", "false", read_truth},
        {"on_error", "on_error", "text", "stop", read_word, 0, 0, "stop, continue"},
        {"keep_runs", "keep_runs", "integer", "1000", read_count, 1, kMaxKeepRuns},
        {"keep_for", "keep_for", "interval", "30 days", read_interval, base::kMicrosPerSecond, kMaxKeepMicros},
    };
    return *table;
}

Policies default_policies() {
    Policies policies;
    for (const Option& option : options())
        policies.push_back(option.fallback == nullptr ? std::nullopt : pg::Cell(option.fallback));
    return policies;
}

const pg::Cell& policy_of(const Policies& policies, const char* key) { return policies.at(index_of(key)); }

void apply_options(Policies& policies, const std::string& json, const std::string& zone) {
    static const Policies* const defaults = new Policies(default_policies());
    for (const auto& [key, value] : read_object(json, "options", R"('{"retries": 3}'.)")) {
        std::size_t index = index_of(key);
        if (index == options().size()) unknown_option(key);
        const Option& option = options()[index];
        policies[index] = value.type == "null" ? (*defaults)[index] : option.read(option, value, zone);
    }
    check_together(policies);
}

}  // namespace steward::schedule
