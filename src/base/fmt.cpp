// SPDX-License-Identifier: PostgreSQL
//
// The one place where {fmt} is compiled. Debian ships it as headers and a shared library; this library wants the
// former without a run-time dependency, and no other file wants to compile it again: header-only it costs three
// seconds a file. The build keeps all inline functions of this file, so that the others find what they call.

#define FMT_HEADER_ONLY
#include <fmt/format.h>

#include <string>

namespace steward::base {

// Instantiates what formatting text, numbers and floats goes through, into a string and into what is there.
std::string fmt_warm_up() {
    char text[8];
    fmt::format_to_n(text, sizeof(text), "{}", 1);
    return fmt::format("{} {:.3f} {:>8} {:x}", "text", 1.5, 1LL, 1U);
}

}  // namespace steward::base
