// SPDX-License-Identifier: PostgreSQL
#include "schedule/token.hpp"

#include <algorithm>

namespace steward::schedule {

namespace {

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kWeekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

std::optional<int> find_name(std::string_view word, const std::string_view* names, int count) {
    for (int i = 0; i < count; ++i) {
        if (same_word(word, names[i])) {
            return i;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> read_number(std::string_view digits) {
    constexpr std::int64_t kLimit = 1'000'000'000;
    std::int64_t number = 0;
    for (const char c : digits) {
        number = number * 10 + (c - '0');
        if (number >= kLimit) {
            return std::nullopt;
        }
    }
    return number;
}

std::optional<int> find_weekday(std::string_view word) { return find_name(word, kWeekdays, 7); }
std::optional<int> find_month(std::string_view word) {
    const auto index = find_name(word, kMonths, 12);
    return index ? std::optional<int>(*index + 1) : std::nullopt;
}

}  // namespace steward::schedule
