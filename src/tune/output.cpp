// SPDX-License-Identifier: PostgreSQL
#include "tune/output.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/json.hpp"
#include "base/text.hpp"
#include "tune/libraries.hpp"

namespace steward::tune {

namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t kWidth = 110;
constexpr std::string_view kFormatWords[] = {"conf", "alter_system", "json", "patroni", "diff"};
constexpr char kListParameter[] = "shared_preload_libraries";

// Of an array as the server writes it: "{off,lz4,on}".
bool has_word(std::string_view words, std::string_view word) {
    for (std::size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        const auto is_edge = [](char c) { return c == ',' || c == '{' || c == '}'; };
        if (at > 0 && end < words.size() && is_edge(words[at - 1]) && is_edge(words[end])) return true;
    }
    return false;
}

// A standby needs as many as its primary, and who needs fewer than there are gains nothing.
bool is_floor(std::string_view parameter) {
    constexpr std::string_view kFloors[] = {"max_wal_senders", "max_replication_slots", "max_worker_processes",
                                            "max_locks_per_transaction", "track_activity_query_size"};
    return std::find(std::begin(kFloors), std::end(kFloors), parameter) != std::end(kFloors);
}

// Words of `text`, each line behind `prefix`.
void add_wrapped(Lines& lines, const std::string& prefix, std::string_view text) {
    std::string line = prefix;
    bool is_empty = true;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (!is_empty && line.size() + 1 + end > kWidth) {
            lines.push_back(line);
            line = prefix;
            is_empty = true;
        }
        if (!is_empty) line += ' ';
        line += text.substr(0, end);
        is_empty = false;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    lines.push_back(line);
}

bool is_plain(const std::string& value) {
    const auto is_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    };
    if (amount_of(value)) return true;
    return !value.empty() && (value[0] < '0' || value[0] > '9') && std::all_of(value.begin(), value.end(), is_word);
}

std::string doubled(std::string_view text, std::string_view special) {
    std::string quoted = "'";
    for (const char c : text) {
        if (special.find(c) != std::string_view::npos) quoted.push_back(c);
        quoted.push_back(c);
    }
    return quoted + "'";
}

// Of postgresql.conf, where a backslash escapes.
std::string conf_value(const std::string& value) { return is_plain(value) ? value : doubled(value, "'\\"); }

bool is_setting(const Advice& advice) { return advice.row.kind == Kind::setting; }

bool differs(const Advice& advice) { return is_setting(advice) && advice.row.severity != Severity::ok; }

void add_heading(Lines& lines, std::string_view group, std::string_view& before) {
    if (group == before) return;
    before = group;
    lines.emplace_back();
    lines.push_back(fmt::format("# ---- {}", group));
}

Lines conf(const std::vector<Advice>& rows) {
    Lines lines;
    std::string_view group;
    for (const Advice& advice : rows) {
        const Row& row = advice.row;
        if (row.kind != Kind::memory) add_heading(lines, row.group, group);
        if (!is_setting(advice)) {
            add_wrapped(lines, "#   ", fmt::format("{} = {}: {}", row.parameter, row.value, row.reason));
            continue;
        }
        add_wrapped(lines, "# ", row.reason);
        lines.push_back(fmt::format("{} = {}{}", row.parameter, conf_value(row.value),
                                    row.needs_restart ? "  # at a restart" : ""));
    }
    return lines;
}

Lines alter_system(const std::vector<Advice>& rows) {
    Lines lines;
    bool has_restart = false;
    for (const Advice& advice : rows) {
        if (!differs(advice)) continue;
        add_wrapped(lines, "-- ", advice.row.reason);
        lines.push_back(fmt::format("ALTER SYSTEM SET {} = {};", advice.row.parameter,
                                    alter_system_value(advice.row.parameter, advice.row.value)));
        has_restart = has_restart || advice.row.needs_restart;
    }
    if (lines.empty()) return {"-- Nothing differs."};
    lines.emplace_back("SELECT pg_reload_conf();");
    if (has_restart) lines.emplace_back("-- Some of it takes a restart; pg_settings.pending_restart tells which.");
    return lines;
}

Lines json(const std::vector<Advice>& rows, const std::string& title) {
    Lines lines = {"{\"title\": " + base::json_string(title) + ",", " \"rows\": ["};
    for (const Advice& advice : rows) {
        const Row& row = advice.row;
        const bool is_last = &advice == &rows.back();
        lines.push_back(fmt::format("  {{\"kind\": {}, \"parameter\": {}, \"value\": {},",
                                    base::json_string(name_of(row.kind)), base::json_string(row.parameter),
                                    base::json_string(row.value)));
        lines.push_back(fmt::format("   \"current\": {}, \"needs_restart\": {}, \"severity\": {},",
                                    advice.current ? base::json_string(*advice.current) : "null",
                                    row.needs_restart ? "true" : "false", base::json_string(name_of(row.severity))));
        lines.push_back(fmt::format("   \"reason\": {}}}{}", base::json_string(row.reason), is_last ? "" : ","));
    }
    lines.emplace_back(" ]}");
    return lines;
}

Lines patroni(const std::vector<Advice>& rows) {
    Lines lines = {"postgresql:", "  parameters:"};
    for (const Advice& advice : rows) {
        if (!is_setting(advice)) continue;
        add_wrapped(lines, "    # ", advice.row.reason);
        lines.push_back(fmt::format("    {}: {}", advice.row.parameter, doubled(advice.row.value, "'")));
    }
    return lines;
}

Lines diff(const std::vector<Advice>& rows) {
    Lines lines;
    for (const Advice& advice : rows) {
        if (!differs(advice)) continue;
        const Row& row = advice.row;
        if (advice.current) lines.push_back(fmt::format("-{} = {}", row.parameter, conf_value(*advice.current)));
        lines.push_back(fmt::format("+{} = {}{}", row.parameter, conf_value(row.value),
                                    row.needs_restart ? "  # at a restart" : ""));
    }
    return lines;
}

}  // namespace

base::Result<Format> parse_format(std::string_view name) {
    for (std::size_t i = 0; i < std::size(kFormatWords); ++i)
        if (kFormatWords[i] == name) return static_cast<Format>(i);
    return base::Failure{base::kInvalidParameter, fmt::format("unknown format: \"{}\"", base::cut_utf8(name, 64)), "",
                         fmt::format("One of {}.", kFormatNames)};
}

std::optional<Advice> advised(Row row, const Known& known) {
    row.needs_restart = known.needs_restart;
    if (known.type == "enum" && !has_word(known.enum_values, row.value)) return std::nullopt;
    const std::string current = shown(known.current);
    const auto wanted = amount_of(row.value);
    const auto had = amount_of(current);
    const auto most = amount_of(Setting{known.max, known.current.unit});
    if (wanted && most && *wanted > *most) row.value = shown({known.max, known.current.unit});
    if (wanted && had && *had > *wanted && is_floor(row.parameter)) row.value = current;

    constexpr double kSame = 0.1;
    const bool is_size = wanted && *wanted > static_cast<double>(kMB) && row.value.back() == 'B';
    const bool is_same =
        same_value(row.value, current) || (is_size && had && std::abs(*had - *wanted) <= kSame * *wanted);
    if (is_same && !known.is_pending) row.severity = Severity::ok;
    return Advice{std::move(row), current};
}

std::string title_of(const Input& input) {
    return fmt::format(
        "PostgreSQL {}, {} memory, {} processors, {} storage, profile {}, {} connections{}, replicas: {}",
        input.build.version, rough_memory(static_cast<double>(input.machine.memory_bytes)), input.machine.cpus,
        name_of(input.machine.disk), name_of(input.workload.profile), plan_memory(input).connections,
        input.workload.is_pooled ? " behind a pool" : "", input.workload.replicas);
}

std::string alter_system_value(const std::string& parameter, const std::string& value) {
    if (parameter != kListParameter) return base::quote_literal(value);
    std::string list;
    for (const std::string& library : parse_libraries(value))
        list += (list.empty() ? "" : ", ") + base::quote_literal(library);
    return list.empty() ? "''" : list;
}

std::vector<std::string> config_lines(Format format, const std::vector<Advice>& rows, const std::string& title) {
    Lines lines;
    switch (format) {
    case Format::json: return json(rows, title);
    case Format::diff: return diff(rows);
    case Format::conf: lines = conf(rows); break;
    case Format::alter_system: lines = alter_system(rows); break;
    case Format::patroni: lines = patroni(rows); break;
    }
    Lines head;
    add_wrapped(head, format == Format::alter_system ? "-- " : "# ", title + ". Written by pg_steward.");
    lines.insert(lines.begin(), head.begin(), head.end());
    return lines;
}

}  // namespace steward::tune
