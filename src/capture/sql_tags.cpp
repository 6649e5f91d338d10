// SPDX-License-Identifier: PostgreSQL
#include "capture/sql_tags.hpp"

#include "base/ascii.hpp"
#include "capture/statement_text.hpp"

namespace steward::capture {

namespace {

constexpr std::string_view kOpen = "/*";
constexpr std::string_view kClose = "*/";

void skip_space(std::string_view& text) noexcept {
    while (!text.empty() && base::is_space(text.front())) text.remove_prefix(1);
}

std::string_view comment_behind(std::string_view text) noexcept {
    if (text.size() < 4 || text.substr(text.size() - 2) != kClose) return {};
    text.remove_suffix(2);
    std::size_t open = text.rfind(kOpen);
    return open == std::string_view::npos ? std::string_view() : text.substr(open + 2);
}

std::string_view comment_before(std::string_view text) noexcept {
    if (text.substr(0, 2) != kOpen) return {};
    std::size_t close = text.find(kClose, 2);
    return close == std::string_view::npos ? std::string_view() : text.substr(2, close - 2);
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

void put_json_character(char c, TextBuffer& to) noexcept {
    constexpr char kDigits[] = "0123456789abcdef";
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
        to.put('\\');
        to.put(c);
    } else if (byte < 0x20) {
        to.put("\\u00");
        to.put(kDigits[byte >> 4]);
        to.put(kDigits[byte & 15]);
    } else {
        to.put(c);
    }
}

// What is encoded as in a URL, quoted. False: it is a NUL, which no text may hold.
bool put_decoded(std::string_view text, TextBuffer& to) noexcept {
    to.put('"');
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            c = static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else if (c == '\\' && i + 1 < text.size()) {
            c = text[++i];
        }
        if (c == '\0') return false;
        put_json_character(c, to);
    }
    to.put('"');
    return true;
}

struct Tag {
    std::string_view name;
    std::string_view value;
};

// Takes name='value' from the front.
bool take_tag(std::string_view& text, Tag& tag) noexcept {
    skip_space(text);
    std::size_t length = text.find('=');
    if (length == 0 || length == std::string_view::npos || text.substr(0, length).find_first_of("',\" ") < length)
        return false;
    tag.name = text.substr(0, length);
    text.remove_prefix(length + 1);
    if (text.empty() || text.front() != '\'') return false;
    std::size_t end = 1;
    while (end < text.size() && text[end] != '\'') end += text[end] == '\\' ? 2 : 1;
    if (end >= text.size()) return false;
    tag.value = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    skip_space(text);
    return true;
}

bool write_comment(std::string_view text, TextBuffer& to) noexcept {
    std::size_t begin = to.length();
    to.put('{');
    bool is_first = true;
    for (Tag tag; take_tag(text, tag);) {
        std::size_t before = to.length();
        if (!is_first) to.put(", ");
        bool is_text = put_decoded(tag.name, to);
        to.put(": ");
        if (!is_text || !put_decoded(tag.value, to)) break;
        // There has to be room for the end too.
        to.put('}');
        bool fits = !to.is_full();
        to.cut(fits ? to.length() - 1 : before);
        is_first = is_first && !fits;
        if (text.empty() && !is_first) {
            to.put('}');
            return true;
        }
        if (text.empty()) break;
        if (text.front() != ',') break;
        text.remove_prefix(1);
    }
    to.cut(begin);
    return false;
}

}  // namespace

bool write_tags(std::string_view statement, TextBuffer& to) noexcept {
    std::string_view text = trimmed(statement);
    return write_comment(comment_behind(text), to) || write_comment(comment_before(text), to);
}

}  // namespace steward::capture
