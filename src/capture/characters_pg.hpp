// SPDX-License-Identifier: PostgreSQL
//
// Texts cut where a character of the database's encoding ends.
#pragma once

#include <algorithm>
#include <climits>
#include <cstddef>

#include "pg/postgres.hpp"

namespace steward::capture {

// The longest part of so many bytes that does not end within a character.
inline std::size_t clipped(const char* text, std::size_t length, std::size_t limit) noexcept {
    if (length <= limit) return length;
    return static_cast<std::size_t>(
        pg_mbcliplen(text, static_cast<int>(std::min<std::size_t>(length, INT_MAX)), static_cast<int>(limit)));
}

// Of a text that may end within a character: what is before.
inline std::size_t whole_characters(const char* text, std::size_t length) noexcept {
    return static_cast<std::size_t>(pg_mbcliplen(text, static_cast<int>(length), static_cast<int>(length)));
}

}  // namespace steward::capture
