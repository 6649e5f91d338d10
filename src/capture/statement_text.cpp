// SPDX-License-Identifier: PostgreSQL
#include "capture/statement_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/ascii.hpp"
#include "capture/counters.hpp"
#include "capture/text_buffer.hpp"

namespace steward::capture {

namespace {

enum class Token { end, space, constant, parameter, word, symbol };

using base::is_digit;
using base::is_space;
using base::lower;
using base::same_word;

bool begins_word(char c) noexcept {
    return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool is_in_word(char c) noexcept { return begins_word(c) || is_digit(c) || c == '$'; }

class Scanner {
public:
    Scanner(std::string_view text, ScanRules rules) noexcept : rest_(text), rules_(rules) {}

    Token next() noexcept {
        if (rest_.empty()) return Token::end;
        std::size_t length = 1;
        Token token = classify(length);
        piece_ = rest_.substr(0, length);
        rest_.remove_prefix(piece_.size());
        return token;
    }
    std::string_view piece() const noexcept { return piece_; }

private:
    char at(std::size_t i) const noexcept { return i < rest_.size() ? rest_[i] : '\0'; }

    Token classify(std::size_t& length) const noexcept {
        char first = rest_[0];
        if (is_space(first)) {
            while (length < rest_.size() && is_space(rest_[length])) ++length;
            return Token::space;
        }
        if (first == '-' && at(1) == '-') {
            length = std::min(rest_.find_first_of("\r\n"), rest_.size());
            return Token::space;
        }
        if (first == '/' && at(1) == '*') {
            length = comment();
            return Token::space;
        }
        if (first == '\'') {
            length = string(0, rules_.has_backslashes);
            return Token::constant;
        }
        if (first == '"') {
            length = quoted();
            return Token::word;
        }
        if (first == '$') return dollar(length);
        if (is_digit(first) || (first == '.' && is_digit(at(1)))) {
            length = number();
            return Token::constant;
        }
        return begins_word(first) ? word(length) : Token::symbol;
    }

    std::size_t comment() const noexcept {
        int depth = 1;
        std::size_t i = 2;
        while (i < rest_.size() && depth > 0) {
            if (rest_[i] == '/' && at(i + 1) == '*') {
                ++depth;
                i += 2;
            } else if (rest_[i] == '*' && at(i + 1) == '/') {
                --depth;
                i += 2;
            } else {
                ++i;
            }
        }
        return i;
    }

    // From the quote at `i` on; a doubled one is within.
    std::size_t string(std::size_t i, bool has_backslashes) const noexcept {
        for (++i; i < rest_.size(); ++i) {
            if (has_backslashes && rest_[i] == '\\') {
                ++i;
            } else if (rest_[i] == '\'') {
                if (at(i + 1) != '\'') return i + 1;
                ++i;
            }
        }
        return rest_.size();
    }

    std::size_t quoted() const noexcept {
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] != '"') continue;
            if (at(i + 1) != '"') return i + 1;
            ++i;
        }
        return rest_.size();
    }

    Token dollar(std::size_t& length) const noexcept {
        if (is_digit(at(1))) {
            while (length < rest_.size() && is_digit(rest_[length])) ++length;
            return Token::parameter;
        }
        std::size_t tag = 1;
        if (begins_word(at(1)))
            while (tag < rest_.size() && is_in_word(rest_[tag]) && rest_[tag] != '$') ++tag;
        if (at(tag) != '$') return Token::symbol;
        std::size_t end = rest_.find(rest_.substr(0, tag + 1), tag + 1);
        length = end == std::string_view::npos ? rest_.size() : end + tag + 1;
        return Token::constant;
    }

    std::size_t number() const noexcept {
        std::size_t i = 0;
        while (i < rest_.size()) {
            char c = lower(rest_[i]);
            bool is_sign = (c == '+' || c == '-') && i > 0 && lower(rest_[i - 1]) == 'e' && is_digit(at(i + 1));
            if (!is_sign && !is_digit(c) && c != '.' && c != '_' && (c < 'a' || c > 'z')) break;
            if (c == '.' && at(i + 1) == '.') break;  // 1..10
            ++i;
        }
        return i;
    }

    Token word(std::size_t& length) const noexcept {
        while (length < rest_.size() && is_in_word(rest_[length])) ++length;
        char kind = lower(rest_[0]);
        if (length == 1 && at(1) == '\'' && (kind == 'e' || kind == 'b' || kind == 'x' || kind == 'n')) {
            length = string(1, kind == 'e' || (kind == 'n' && rules_.has_backslashes));
            return Token::constant;
        }
        if (length == 1 && kind == 'u' && at(1) == '&' && at(2) == '\'') {
            length = string(2, false);
            return Token::constant;
        }
        return Token::word;
    }

    std::string_view rest_;
    std::string_view piece_;
    ScanRules rules_;
};

// Whether a list of nothing but constants goes on: all of it counts as its first one.
class ListWatch {
public:
    // True for what is left out.
    bool leaves_out(Token token, std::string_view piece) noexcept {
        if (token == Token::space) return state_ == State::comma;
        bool is_opening = token == Token::symbol && (piece == "(" || piece == "[");
        bool is_value = token == Token::constant || token == Token::parameter;
        bool is_sign = token == Token::symbol && (piece == "-" || piece == "+");
        switch (state_) {
        case State::outside:
            if (is_opening && is_list_word_) state_ = State::first;
            break;
        case State::first:
            if (is_value)
                state_ = State::value;
            else if (!is_sign)
                state_ = is_opening && is_list_word_ ? State::first : State::outside;
            break;
        case State::value:
        case State::comma:
            if (token == Token::symbol && piece == ",") {
                state_ = State::comma;
                return true;
            }
            if (state_ == State::comma && (is_value || is_sign)) {
                if (is_value) state_ = State::value;
                return true;
            }
            state_ = State::outside;
            break;
        }
        is_list_word_ = token == Token::word && (same_word(piece, "in") || same_word(piece, "array"));
        return false;
    }

private:
    enum class State { outside, first, value, comma };
    State state_ = State::outside;
    bool is_list_word_ = false;
};

void put_parameter(std::uint64_t number, TextBuffer& to) noexcept {
    char digits[24] = {'$'};
    auto end = std::to_chars(digits + 1, std::end(digits), number);
    to.put({digits, static_cast<std::size_t>(end.ptr - digits)});
}

// The constants are numbered from there on.
std::uint64_t highest_parameter(std::string_view text, ScanRules rules) noexcept {
    std::uint64_t highest = 0;
    if (text.find('$') == std::string_view::npos) return highest;
    Scanner scanner(text, rules);
    for (Token token; (token = scanner.next()) != Token::end;) {
        if (token != Token::parameter) continue;
        std::uint32_t number = 0;
        std::string_view digits = scanner.piece().substr(1);
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
        highest = std::max<std::uint64_t>(highest, number);
    }
    return highest;
}

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (is_space(text.front()) || text.front() == ';')) text.remove_prefix(1);
    while (!text.empty() && (is_space(text.back()) || text.back() == ';')) text.remove_suffix(1);
    return text;
}

Normalized normalize(std::string_view text, ScanRules rules, char* to, std::size_t room) noexcept {
    TextBuffer output(to, room);
    std::uint64_t number = highest_parameter(text, rules);
    Scanner scanner(text, rules);
    ListWatch list;
    bool is_leaving_out = false;
    bool has_left_out = false;
    for (Token token; !output.is_full() && (token = scanner.next()) != Token::end;) {
        if (list.leaves_out(token, scanner.piece())) {
            has_left_out = has_left_out || token == Token::constant || token == Token::parameter;
            is_leaving_out = true;
            continue;
        }
        if (is_leaving_out && token != Token::space) {
            if (has_left_out) output.put(" /*, ... */");
            // The list did not end with a value: the comma that was held back.
            if (scanner.piece() != ")" && scanner.piece() != "]") output.put(", ");
            is_leaving_out = has_left_out = false;
        }
        if (token == Token::constant)
            put_parameter(++number, output);
        else
            output.put(scanner.piece());
    }
    return {output.length(), output.is_full()};
}

std::uint64_t fingerprint(std::string_view text, ScanRules rules) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    auto add = [&hash](char c) { hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL; };
    Scanner scanner(text, rules);
    ListWatch list;
    for (Token token; (token = scanner.next()) != Token::end;) {
        std::string_view piece = scanner.piece();
        if (list.leaves_out(token, piece) || token == Token::space || piece == ";") continue;
        add('\0');
        if (token == Token::constant)
            add('?');
        else if (token == Token::word && piece[0] != '"')
            for (char c : piece) add(lower(c));
        else
            for (char c : piece) add(c);
    }
    hash = mix(hash);
    return hash == 0 ? 1 : hash;
}

}  // namespace steward::capture
