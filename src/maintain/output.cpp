// SPDX-License-Identifier: PostgreSQL
#include "maintain/output.hpp"

#include <algorithm>
#include <cstdint>

namespace steward::maintain {

namespace {

bool is_continuation(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xC0) == 0x80;
}

// Bytes of the UTF-8 character at `at`; 0 when there is none. As the server has it: no surrogates, nothing longer than needed.
std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto first = static_cast<std::uint8_t>(text[at]);
    if (first < 0xC2 || first > 0xF4 || !is_continuation(text, at + 1)) return 0;
    if (first < 0xE0) return 2;
    const auto second = static_cast<std::uint8_t>(text[at + 1]);
    if (!is_continuation(text, at + 2)) return 0;
    if (first < 0xF0) return (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ? 0 : 3;
    if (!is_continuation(text, at + 3) || (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
        return 0;
    return 4;
}

bool is_plain(char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\t'; }

}  // namespace

bool has_line(std::string_view output, std::string_view line) {
    constexpr std::string_view kSpace = " \t\r";
    while (!output.empty()) {
        const std::size_t end = std::min(output.find('\n'), output.size());
        std::string_view one = output.substr(0, end);
        one.remove_prefix(std::min(one.find_first_not_of(kSpace), one.size()));
        one.remove_suffix(one.size() - std::min(one.find_last_not_of(kSpace) + 1, one.size()));
        if (one == line) return true;
        output.remove_prefix(std::min(end + 1, output.size()));
    }
    return false;
}

std::string printable_tail(std::string_view output, std::size_t bytes, bool is_utf8) {
    std::string text;
    std::size_t line = 0;
    for (std::size_t at = 0; at < output.size();) {
        const char c = output[at];
        const std::size_t length = is_utf8 && static_cast<std::uint8_t>(c) >= 0x80 ? utf8_length(output, at) : 0;
        if (c == '\r') {
            if (at + 1 < output.size() && output[at + 1] != '\n' && output[at + 1] != '\r') text.resize(line);
        } else if (length > 0) {
            text.append(output, at, length);
        } else {
            text += is_plain(c) ? c : '?';
        }
        if (c == '\n') line = text.size();
        at += length > 0 ? length : 1;
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    if (text.size() <= bytes) return text;
    std::size_t from = text.size() - bytes;
    const std::size_t next_line = text.find('\n', from - 1);
    if (next_line != std::string::npos && next_line + 1 < text.size()) return text.substr(next_line + 1);
    while (is_utf8 && is_continuation(text, from)) ++from;
    return text.substr(from);
}

}  // namespace steward::maintain
