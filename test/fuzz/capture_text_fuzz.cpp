// SPDX-License-Identifier: PostgreSQL
//
// Any text: scanning it ends, writes no byte too many, and leaves nothing of a quoted constant behind.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "capture/statement_text.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace steward::capture;
    if (size < 2) return 0;
    ScanRules rules{.has_backslashes = (data[0] & 1) != 0};
    std::size_t room = std::size_t{data[1]} * 16;
    std::string_view text = trimmed({reinterpret_cast<const char*>(data + 2), size - 2});

    std::string cut(room, '\0');
    Normalized made = normalize(text, rules, cut.data(), room);
    require(made.length <= room);

    // A constant of one byte grows by the digits of its number.
    std::string whole(text.size() * 12 + 64, '\0');
    Normalized full = normalize(text, rules, whole.data(), whole.size());
    require(!full.is_cut);
    require(made.is_cut || made.length == full.length);
    require(std::string_view(whole).substr(0, made.length) == std::string_view(cut).substr(0, made.length));

    require(fingerprint(text, rules) != 0);
    require(fingerprint(text, rules) == fingerprint(std::string(text) + " ", rules) ||
            text.find_first_of("'\"$/-\\") != text.npos);
    return 0;
}
