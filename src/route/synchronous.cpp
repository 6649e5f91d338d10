// SPDX-License-Identifier: PostgreSQL
#include "route/synchronous.hpp"

#include <algorithm>
#include <charconv>

#include "base/ascii.hpp"

namespace steward::route {

namespace {

// Words, names in quotes, and single marks.
std::vector<std::string> tokens_of(std::string_view text, std::vector<bool>& is_quoted) {
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        std::string token;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            ++i;
            continue;
        }
        const bool quoted = c == '"';
        if (quoted) {
            for (++i; i < text.size(); ++i) {
                if (text[i] != '"') {
                    token += text[i];
                } else if (i + 1 < text.size() && text[i + 1] == '"') {
                    token += text[i++];
                } else {
                    ++i;
                    break;
                }
            }
        } else if (std::string_view("(),").find(c) != std::string_view::npos) {
            token = c;
            ++i;
        } else {
            for (; i < text.size() && std::string_view(" \t\r\n(),\"").find(text[i]) == std::string_view::npos; ++i)
                token += text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
        }
        tokens.push_back(token);
        is_quoted.push_back(quoted);
    }
    return tokens;
}

bool is_named(const std::string& name, const std::string& standby) {
    return std::equal(name.begin(), name.end(), standby.begin(), standby.end(),
                      [](char a, char b) { return base::lower(a) == base::lower(b); });
}

}  // namespace

bool Synchronous::is_any() const { return std::find(names.begin(), names.end(), "*") != names.end(); }

std::size_t Synchronous::count(const std::vector<std::string>& standbys) const {
    if (is_any()) return standbys.size();
    return static_cast<std::size_t>(std::count_if(standbys.begin(), standbys.end(), [&](const std::string& standby) {
        return std::any_of(names.begin(), names.end(),
                           [&](const std::string& name) { return is_named(name, standby); });
    }));
}

std::vector<std::string> Synchronous::missing(const std::vector<std::string>& standbys) const {
    std::vector<std::string> gone;
    for (const std::string& name : names)
        if (name != "*" && std::none_of(standbys.begin(), standbys.end(),
                                        [&](const std::string& standby) { return is_named(name, standby); }))
            gone.push_back(name);
    return gone;
}

Synchronous read_synchronous(std::string_view setting) {
    std::vector<bool> is_quoted;
    const std::vector<std::string> tokens = tokens_of(setting, is_quoted);
    Synchronous wanted;
    std::size_t first = 0;
    std::size_t paren = 0;
    while (paren < tokens.size() && (is_quoted[paren] || tokens[paren] != "(")) ++paren;
    if (paren > 0 && paren < tokens.size()) {
        first = paren + 1;
        const std::string& number = tokens[paren - 1];
        std::from_chars(number.data(), number.data() + number.size(), wanted.needed);
    }
    for (std::size_t i = first; i < tokens.size(); ++i)
        if (is_quoted[i] || (tokens[i] != "," && tokens[i] != ")")) wanted.names.push_back(tokens[i]);
    if (wanted.names.empty()) return {};
    wanted.needed = std::max<std::size_t>(wanted.needed, 1);
    return wanted;
}

}  // namespace steward::route
