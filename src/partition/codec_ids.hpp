// SPDX-License-Identifier: PostgreSQL
//
// The time inside identifiers: ticks (milliseconds or seconds) since the identifier's epoch, and the smallest
// identifier of a tick. For the other files of this room only; everybody else calls decode() and encode().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace steward::partition {

inline constexpr std::int64_t kMax48Bits = (std::int64_t{1} << 48) - 1;
inline constexpr std::int64_t kMax32Bits = (std::int64_t{1} << 32) - 1;
inline constexpr int kSnowflakeShift = 22;

struct Tick {
    std::int64_t count = 0;
    bool is_first = true;  // the identifier is the smallest of its tick
};

// Nothing when the text is no such identifier.
std::optional<Tick> read_uuid(std::string_view text);      // milliseconds; any version's bits are taken
std::optional<Tick> read_ulid(std::string_view text);      // milliseconds
std::optional<Tick> read_objectid(std::string_view text);  // seconds

// `tick` lies within 48 bits, for an objectid within 32.
std::string write_uuid(std::int64_t tick);
std::string write_ulid(std::int64_t tick);
std::string write_objectid(std::int64_t tick);

}  // namespace steward::partition
