// SPDX-License-Identifier: PostgreSQL
//
// The one place where fmt enters, and the few text helpers every room needs. All text is in the server's encoding;
// what cuts text does so at UTF-8 character borders, which is also right for single-byte encodings.
#pragma once

#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace steward::base {

// The type of a format string: checked by the compiler where fmt can (from version 8 on), else when it is used.
#if FMT_VERSION >= 80000
template <class... Args>
using FormatString = fmt::format_string<Args...>;
#else
template <class...>
using FormatString = fmt::string_view;
#endif

// NAMEDATALEN - 1: the longest identifier in bytes.
inline constexpr std::size_t kMaxIdentifierBytes = 63;

// The longest prefix of `text` that has at most `bytes` bytes and does not cut a UTF-8 character.
std::string_view cut_utf8(std::string_view text, std::size_t bytes);

// For what is NULL in a table where it is empty in C++.
std::optional<std::string> unless_empty(std::string_view text);

// 64-bit FNV-1a: stable over machines and versions, for names, never for security.
std::uint64_t stable_hash(std::string_view text);

// `name` as an SQL identifier: quoted unless it is [a-z_][a-z0-9_]* and no key word PostgreSQL reserves.
std::string quote_identifier(std::string_view name);

// `text` as an SQL string literal; with a backslash inside it becomes E'...', safe whatever standard_conforming_strings is.
std::string quote_literal(std::string_view text);

// "schema.name", both quoted where needed.
std::string qualified_name(std::string_view schema, std::string_view name);

}  // namespace steward::base
