// SPDX-License-Identifier: PostgreSQL
//
// What strftime() makes of a pattern is a name that could be a log's; any bytes are read as pattern and name. The first four
// bytes are the time, the pattern ends at a NUL.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "maintain/log_name.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// Escapes that the C library writes as the server does.
bool is_common(std::string_view pattern) {
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        if (pattern[at] == '\0') return false;
        if (pattern[at] != '%') continue;
        if (++at == pattern.size() || std::strchr("CymdeHkIlMSjuwUWVgFTRrhYGsaAbBpzZ%", pattern[at]) == nullptr)
            return false;
    }
    return !pattern.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using steward::maintain::could_be_log;
    if (size < 4 || size > 300) return 0;
    std::uint32_t seconds = 0;
    std::memcpy(&seconds, data, 4);
    const std::string_view rest(reinterpret_cast<const char*>(data) + 4, size - 4);
    const std::size_t end = rest.find('\0');
    const std::string pattern(rest.substr(0, end));
    const std::string name(end == std::string_view::npos ? std::string_view() : rest.substr(end + 1));
    could_be_log(pattern, name);
    // Not before the epoch in any zone.
    if (!is_common(pattern) || seconds < 100000) return 0;

    const auto at = static_cast<std::time_t>(seconds);
    std::tm civil{};
    gmtime_r(&at, &civil);
    char formatted[4096];
    const std::size_t length = std::strftime(formatted, sizeof(formatted), pattern.c_str(), &civil);
    if (length == 0) return 0;
    const std::string made(formatted, length);
    require(could_be_log(pattern, made));
    require(could_be_log(pattern + ".log", made + ".csv"));
    require(could_be_log(pattern + "_", made + "_.json"));
    require(!could_be_log(pattern + "x", made + "y"));
    return 0;
}
