// SPDX-License-Identifier: PostgreSQL
#include "maintain/log_name.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "base/ascii.hpp"

namespace steward::maintain {

namespace {

// A name that is read from left to right; `ends` are all positions that a pattern's beginning may have come to.
using Ends = std::vector<std::size_t>;

constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
constexpr std::size_t kShort = 3;

using base::is_digit;

struct Number {
    char escape;
    std::size_t digits;
    int min;
    int max;
    bool is_padded_by_space;
};

constexpr Number kNumbers[] = {
    {'C', 2, 0, 99, false}, {'y', 2, 0, 99, false}, {'m', 2, 1, 12, false}, {'d', 2, 1, 31, false},
    {'e', 2, 1, 31, true},  {'H', 2, 0, 23, false}, {'k', 2, 0, 23, true},  {'I', 2, 1, 12, false},
    {'l', 2, 1, 12, true},  {'M', 2, 0, 59, false}, {'S', 2, 0, 60, false}, {'j', 3, 1, 366, false},
    {'u', 1, 1, 7, false},  {'w', 1, 0, 6, false},  {'U', 2, 0, 53, false}, {'W', 2, 0, 53, false},
    {'V', 2, 1, 53, false}, {'g', 2, 0, 99, false},
};

// What an escape stands for that is made of others.
std::string_view expansion(char escape) {
    switch (escape) {
    case 'F': return "%Y-%m-%d";
    case 'T': return "%H:%M:%S";
    case 'R': return "%H:%M";
    case 'r': return "%I:%M:%S %p";
    case 'h': return "%b";
    default: return "";
    }
}

class NameReader {
public:
    explicit NameReader(std::string_view name) : name_(name) {}

    Ends read(std::string_view pattern, Ends ends) const {
        for (std::size_t at = 0; at < pattern.size() && !ends.empty(); ++at) {
            if (pattern[at] != '%') {
                ends = literal(pattern.substr(at, 1), ends);
                continue;
            }
            if (++at == pattern.size()) return {};
            // The server ignores these two, as its locale is C.
            if (pattern[at] == 'E' || pattern[at] == 'O') {
                if (++at == pattern.size()) return {};
            }
            ends = escape(pattern[at], ends);
        }
        return ends;
    }

private:
    Ends escape(char what, const Ends& ends) const {
        if (const std::string_view others = expansion(what); !others.empty()) return read(others, ends);
        for (const Number& number : kNumbers)
            if (number.escape == what) return one_number(number, ends);
        switch (what) {
        case '%': return literal("%", ends);
        case 'Y':
        case 'G': return run(ends, 4, 6, is_digit);
        case 's': return run(ends, 1, 12, is_digit);
        case 'a': return one_of(kDays, kShort, ends);
        case 'A': return one_of(kDays, std::string_view::npos, ends);
        case 'b': return one_of(kMonths, kShort, ends);
        case 'B': return one_of(kMonths, std::string_view::npos, ends);
        case 'p': return one_of(std::array<std::string_view, 2>{"AM", "PM"}, 2, ends);
        case 'Z':
            return run(ends, 1, 10, [](char c) { return base::is_letter(c) || is_digit(c) || c == '+' || c == '-'; });
        case 'z': return offset(ends);
        default: return {};
        }
    }

    Ends literal(std::string_view text, const Ends& ends) const {
        Ends next;
        for (std::size_t end : ends)
            if (name_.substr(end, text.size()) == text) next.push_back(end + text.size());
        return next;
    }

    template <class Texts>
    Ends one_of(const Texts& texts, std::size_t length, const Ends& ends) const {
        Ends next;
        for (std::string_view text : texts) {
            const Ends found = literal(text.substr(0, length), ends);
            next.insert(next.end(), found.begin(), found.end());
        }
        return unique(std::move(next));
    }

    Ends one_number(const Number& number, const Ends& ends) const {
        Ends next;
        for (std::size_t end : ends) {
            if (end + number.digits > name_.size()) continue;
            int value = 0;
            bool is_number = true;
            for (std::size_t i = 0; i < number.digits; ++i) {
                const char c = name_[end + i];
                if (number.is_padded_by_space && i == 0 && c == ' ') continue;
                is_number = is_number && is_digit(c) &&
                            !(number.is_padded_by_space && i == 0 && c == '0' && number.escape != 'k');
                value = value * 10 + (c - '0');
            }
            if (is_number && value >= number.min && value <= number.max) next.push_back(end + number.digits);
        }
        return next;
    }

    Ends offset(const Ends& ends) const {
        Ends next;
        for (std::size_t end : ends)
            if (end < name_.size() && (name_[end] == '+' || name_[end] == '-')) next.push_back(end + 1);
        return run(next, 4, 4, is_digit);
    }

    template <class Is>
    Ends run(const Ends& ends, std::size_t min, std::size_t max, Is&& is) const {
        Ends next;
        for (std::size_t end : ends)
            for (std::size_t length = 1; length <= max && end + length <= name_.size() && is(name_[end + length - 1]);
                 ++length)
                if (length >= min) next.push_back(end + length);
        return unique(std::move(next));
    }

    static Ends unique(Ends ends) {
        std::sort(ends.begin(), ends.end());
        ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
        return ends;
    }

    std::string_view name_;
};

bool matches(std::string_view pattern, std::string_view name) {
    const Ends ends = NameReader(name).read(pattern, {0});
    return std::find(ends.begin(), ends.end(), name.size()) != ends.end();
}

constexpr std::string_view kLog = ".log";

}  // namespace

bool could_be_log(std::string_view pattern, std::string_view name) {
    if (pattern.empty() || name.empty()) return false;
    if (matches(pattern, name)) return true;
    const bool ends_with_log = pattern.size() > kLog.size() && pattern.substr(pattern.size() - kLog.size()) == kLog;
    const std::string stem(ends_with_log ? pattern.substr(0, pattern.size() - kLog.size()) : pattern);
    return matches(stem + ".csv", name) || matches(stem + ".json", name);
}

}  // namespace steward::maintain
