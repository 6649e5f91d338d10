// SPDX-License-Identifier: PostgreSQL
#include "tune/libraries.hpp"

#include <algorithm>

namespace steward::tune {

namespace {

void add(std::vector<std::string>& libraries, std::string_view name) {
    if (std::find(libraries.begin(), libraries.end(), name) == libraries.end()) libraries.emplace_back(name);
}

}  // namespace

std::vector<std::string> parse_libraries(std::string_view list) {
    std::vector<std::string> libraries;
    std::string name;
    const auto end = [&] {
        const std::size_t last = name.find_last_not_of(" \t\n");
        if (last != std::string::npos) add(libraries, name.substr(0, last + 1));
        name.clear();
    };
    bool is_quoted = false;
    for (const char c : list) {
        if (c == '"')
            is_quoted = !is_quoted;
        else if (c == ',' && !is_quoted)
            end();
        else if (!name.empty() || is_quoted || (c != ' ' && c != '\t' && c != '\n'))
            name.push_back(c);
    }
    end();
    return libraries;
}

std::string library_list(const std::vector<std::string>& libraries) {
    std::string list;
    for (const std::string& library : libraries) {
        const bool is_plain = library.find_first_of(", ") == std::string::npos;
        list += (list.empty() ? "" : ", ") + (is_plain ? library : "\"" + library + "\"");
    }
    return list;
}

std::vector<std::string> merged_libraries(const std::vector<std::string>& before,
                                          const std::vector<std::string>& installed) {
    std::vector<std::string> libraries = before;
    for (const std::string_view companion : kCompanions)
        if (std::find(installed.begin(), installed.end(), companion) != installed.end()) add(libraries, companion);
    add(libraries, "pg_steward");
    return libraries;
}

}  // namespace steward::tune
