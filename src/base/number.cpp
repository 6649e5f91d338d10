// SPDX-License-Identifier: PostgreSQL
#include "base/number.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/text.hpp"

namespace steward::base {

namespace {

__extension__ typedef unsigned __int128 Uint128;

constexpr Int128 kMax = static_cast<Int128>(~Uint128{0} >> 1);
constexpr Int128 kMin = -kMax - 1;

Uint128 magnitude(Int128 value) {
    return value < 0 ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value);
}

bool fits_64(Int128 value) { return value == static_cast<std::int64_t>(value); }

struct DecimalText {
    bool negative = false;
    std::string_view whole;     // digits before the point, without leading zeros
    std::string_view fraction;  // digits behind it, without trailing zeros
};

std::optional<DecimalText> split_decimal(std::string_view text) {
    DecimalText parts;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        parts.negative = text.front() == '-';
        text.remove_prefix(1);
    }
    const std::size_t point = std::min(text.find('.'), text.size());
    parts.whole = text.substr(0, point);
    parts.fraction = point < text.size() ? text.substr(point + 1) : std::string_view{};
    if (parts.whole.empty() && parts.fraction.empty()) {
        return std::nullopt;
    }
    if (!std::all_of(parts.whole.begin(), parts.whole.end(), is_digit) ||
        !std::all_of(parts.fraction.begin(), parts.fraction.end(), is_digit)) {
        return std::nullopt;
    }
    while (!parts.whole.empty() && parts.whole.front() == '0') {
        parts.whole.remove_prefix(1);
    }
    while (!parts.fraction.empty() && parts.fraction.back() == '0') {
        parts.fraction.remove_suffix(1);
    }
    return parts;
}

// Hostile text may be long: what an error repeats is cut.
std::string shown(std::string_view text) {
    constexpr std::size_t kShownBytes = 64;
    if (text.size() <= kShownBytes) {
        return std::string(text);
    }
    return std::string(cut_utf8(text, kShownBytes)) + "...";
}

}  // namespace

std::optional<Int128> checked_add(Int128 a, Int128 b) {
    Int128 sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) {
        return std::nullopt;
    }
    return sum;
}

std::optional<Int128> checked_sub(Int128 a, Int128 b) {
    Int128 difference = 0;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return std::nullopt;
    }
    return difference;
}

// Not __builtin_mul_overflow: for 128 bits clang makes it a call that libgcc does not have.
std::optional<Int128> checked_mul(Int128 a, Int128 b) {
    if (fits_64(a) && fits_64(b)) {
        return a * b;
    }
    if (a == 0 || b == 0) {
        return Int128{0};
    }
    const bool negative = (a < 0) != (b < 0);
    const Uint128 limit = magnitude(negative ? kMin : kMax);
    if (magnitude(a) > limit / magnitude(b)) {
        return std::nullopt;
    }
    const Uint128 product = magnitude(a) * magnitude(b);
    return static_cast<Int128>(negative ? Uint128{0} - product : product);
}

Int128 floor_div(Int128 dividend, Int128 divisor) {
    const Int128 quotient = dividend / divisor;
    return dividend % divisor < 0 ? quotient - 1 : quotient;
}

int decimal_scale(std::string_view text) {
    const auto parts = split_decimal(text);
    return parts ? static_cast<int>(parts->fraction.size()) : 0;
}

Result<Int128> parse_decimal(std::string_view text, int scale) {
    const auto parts = split_decimal(text);
    if (!parts) {
        return Failure{kInvalidTextRepresentation, fmt::format("\"{}\" is not a plain decimal number", shown(text)), "",
                       "Write digits with at most one point, such as 1000 or 0.25."};
    }
    if (parts->fraction.size() > static_cast<std::size_t>(std::max(scale, 0))) {
        return Failure{kNumericOutOfRange,
                       fmt::format("number \"{}\" has more than {} digits behind the point", shown(text), scale), "",
                       ""};
    }
    if (parts->whole.empty() && parts->fraction.empty()) {
        return Int128{0};
    }
    const std::size_t zeros = static_cast<std::size_t>(scale) - parts->fraction.size();
    if (parts->whole.size() + static_cast<std::size_t>(scale) > kMaxDecimalDigits) {
        return Failure{kNumericOutOfRange, fmt::format("number \"{}\" is out of range", shown(text)),
                       fmt::format("At most {} digits fit, {} of them behind the point.", kMaxDecimalDigits, scale),
                       ""};
    }
    Int128 coefficient = 0;
    for (const std::string_view digits : {parts->whole, parts->fraction}) {
        for (const char c : digits) {
            coefficient = coefficient * 10 + (c - '0');
        }
    }
    for (std::size_t i = 0; i < zeros; ++i) {
        coefficient *= 10;
    }
    return parts->negative ? -coefficient : coefficient;
}

std::string format_decimal(Int128 coefficient, int scale) {
    std::string reversed;
    Uint128 rest = magnitude(coefficient);
    for (int position = 0; rest != 0 || position <= scale; ++position) {
        const char digit = static_cast<char>('0' + static_cast<int>(rest % 10));
        rest /= 10;
        if (position < scale && digit == '0' && reversed.empty()) {
            continue;
        }
        if (position == scale && !reversed.empty()) {
            reversed.push_back('.');
        }
        reversed.push_back(digit);
    }
    if (coefficient < 0) {
        reversed.push_back('-');
    }
    return std::string(reversed.rbegin(), reversed.rend());
}

}  // namespace steward::base
