// SPDX-License-Identifier: PostgreSQL
//
// The text of a statement without its constants, as $1, $2, ...: what is shown of a query, and no secret is left in it. The
// text is scanned as the server's lexer would, in any of the server's encodings; a text that it would refuse gives something.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace steward::capture {

struct ScanRules {
    bool has_backslashes = false;  // in plain strings: standard_conforming_strings = off
};

struct Normalized {
    std::size_t length;
    bool is_cut;
};

// Without white space and semicolons around it.
std::string_view trimmed(std::string_view text) noexcept;

// Writes at most `room` bytes; what does not fit is cut off, perhaps within a character. Constants of a list of nothing but
// constants behind IN or ARRAY become one.
Normalized normalize(std::string_view text, ScanRules rules, char* to, std::size_t room) noexcept;

// The same for texts that differ in constants, white space, comments and the case of what is not quoted; never 0.
std::uint64_t fingerprint(std::string_view text, ScanRules rules) noexcept;

}  // namespace steward::capture
