// SPDX-License-Identifier: PostgreSQL
//
// Classes of characters, whatever the locale.
#pragma once

namespace steward::base {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace steward::base
