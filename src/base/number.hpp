// SPDX-License-Identifier: PostgreSQL
//
// 128-bit integers for positions on a partition axis, and their exact decimal text. A decimal is an integer coefficient
// with a scale: 12.50 at scale 2 is 1250. Everything that can overflow says so; nothing wraps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace steward::base {

__extension__ typedef __int128 Int128;

inline constexpr int kMaxDecimalDigits = 38;

std::optional<Int128> checked_add(Int128 a, Int128 b);
std::optional<Int128> checked_sub(Int128 a, Int128 b);
std::optional<Int128> checked_mul(Int128 a, Int128 b);

// Quotient rounded towards minus infinity; divisor > 0.
Int128 floor_div(Int128 dividend, Int128 divisor);

// How many digits stand behind the point of a plain decimal text ("-12.50" has 2); trailing zeros do not count.
int decimal_scale(std::string_view text);

// "-12.5" at scale 2 -> -1250. Fails with 22P02 on text that is not a plain decimal, 22003 when it does not fit or has
// more significant digits behind the point than `scale`.
Result<Int128> parse_decimal(std::string_view text, int scale);

// -1250 at scale 2 -> "-12.5" (no trailing zeros, no exponent).
std::string format_decimal(Int128 coefficient, int scale);

}  // namespace steward::base
