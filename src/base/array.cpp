// SPDX-License-Identifier: PostgreSQL
#include "base/array.hpp"

#include <stdexcept>

namespace steward::base {

namespace {

bool is_null_word(std::string_view text) {
    constexpr std::string_view kNull = "null";
    if (text.size() != kNull.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((text[i] | 0x20) != kNull[i]) return false;
    return true;
}

bool needs_quotes(std::string_view item) {
    return item.empty() || is_null_word(item) || item.find_first_of("\"\\{}, \t\n\r\v\f") != std::string_view::npos;
}

}  // namespace

std::string array_literal(const std::vector<std::string>& items) {
    std::string literal;
    for (const std::string& item : items) {
        if (!literal.empty()) literal += ',';
        if (!needs_quotes(item)) {
            literal += item;
            continue;
        }
        literal += '"';
        for (char c : item) {
            if (c == '"' || c == '\\') literal += '\\';
            literal += c;
        }
        literal += '"';
    }
    return "{" + literal + "}";
}

std::vector<std::string> array_items(std::string_view literal) {
    const auto wrong = [] { return std::runtime_error("not an array of texts"); };
    if (literal.size() < 2 || literal.front() != '{' || literal.back() != '}') throw wrong();
    literal = literal.substr(1, literal.size() - 2);
    std::vector<std::string> items;
    if (literal.empty()) return items;
    for (std::size_t at = 0;; ++at) {
        std::string item;
        if (at < literal.size() && literal[at] == '"') {
            for (++at; at < literal.size() && literal[at] != '"'; ++at) {
                if (literal[at] == '\\' && ++at == literal.size()) throw wrong();
                item += literal[at];
            }
            if (at++ >= literal.size()) throw wrong();
        } else {
            while (at < literal.size() && literal[at] != ',') item += literal[at++];
            if (needs_quotes(item)) throw wrong();
        }
        items.push_back(std::move(item));
        if (at == literal.size()) return items;
        if (literal[at] != ',') throw wrong();
    }
}

}  // namespace steward::base
