// SPDX-License-Identifier: PostgreSQL
#include "base/text.hpp"

#include <algorithm>
#include <iterator>

#include "base/keywords.hpp"

namespace steward::base {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

bool is_plain_identifier(std::string_view name) {
    const auto is_start = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    const auto is_part = [&](char c) { return is_start(c) || (c >= '0' && c <= '9'); };
    return !name.empty() && is_start(name.front()) && std::all_of(name.begin(), name.end(), is_part) &&
           !std::binary_search(std::begin(kQuotedKeywords), std::end(kQuotedKeywords), name);
}

}  // namespace

std::string_view cut_utf8(std::string_view text, std::size_t bytes) {
    constexpr std::size_t kMaxContinuations = 3;
    if (text.size() <= bytes) {
        return text;
    }
    std::size_t end = bytes;
    while (end > 0 && bytes - end < kMaxContinuations && is_continuation(text[end])) {
        --end;
    }
    // More continuation bytes in a row than UTF-8 has: a single-byte encoding, where every border is a character's.
    if (is_continuation(text[end])) {
        end = bytes;
    }
    return text.substr(0, end);
}

std::optional<std::string> unless_empty(std::string_view text) {
    if (text.empty()) return std::nullopt;
    return std::string(text);
}

std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3U;
    }
    return hash;
}

std::string quote_identifier(std::string_view name) {
    if (is_plain_identifier(name)) {
        return std::string(name);
    }
    std::string quoted = "\"";
    for (const char c : name) {
        if (c == '"') {
            quoted.push_back(c);
        }
        quoted.push_back(c);
    }
    quoted.push_back('"');
    return quoted;
}

std::string quote_literal(std::string_view text) {
    std::string quoted = text.find('\\') == std::string_view::npos ? "'" : "E'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') {
            quoted.push_back(c);
        }
        quoted.push_back(c);
    }
    quoted.push_back('\'');
    return quoted;
}

std::string qualified_name(std::string_view schema, std::string_view name) {
    return quote_identifier(schema) + "." + quote_identifier(name);
}

}  // namespace steward::base
