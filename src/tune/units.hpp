// SPDX-License-Identifier: PostgreSQL
//
// Values of settings as PostgreSQL writes and reads them: memory in steps of 1024 ("32MB"), time ("15min"), plain numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace steward::tune {

inline constexpr std::int64_t kKB = 1024;
inline constexpr std::int64_t kMB = 1024 * kKB;
inline constexpr std::int64_t kGB = 1024 * kMB;
inline constexpr std::int64_t kTB = 1024 * kGB;

// In the largest unit that needs no fraction: 33554432 -> "32MB".
std::string memory_text(std::int64_t bytes);
std::string time_text(std::int64_t milliseconds);
// To be read, not to be set: 2621440000 -> "2.4 GB".
std::string rough_memory(double bytes);

// "8GB", "512 MB"; a unit is required. 22023 else, naming `what`.
base::Result<std::int64_t> parse_memory(std::string_view what, std::string_view text);
// "200"; 22023 where it is no whole number from `min` to `max`.
base::Result<int> parse_count(std::string_view what, std::string_view text, int min, int max);

// Down to a multiple of a sixteenth of its power of two: 1989MB -> 1984MB. Never more, never falls when `bytes` grows.
std::int64_t rounded_down(std::int64_t bytes);

// A setting as pg_settings has it: a number in the unit of its column.
struct Setting {
    std::string value;
    std::string unit;  // "", "8kB", "MB", "ms", "s", "min", ...
};
// What a file says, as pg_settings would have it: "2GB" in "8kB" -> "262144"; "yes" of a switch -> "on".
Setting setting_of(std::string_view text, const std::string& unit, bool is_switch);
// As SHOW has it, but without what SHOW takes from the session: "16384" of "8kB" -> "128MB"; -1 and 0 stay.
std::string shown(const Setting& setting);

// What a setting amounts to: bytes, milliseconds or the number itself; none of words.
std::optional<double> amount_of(const Setting& setting);
// The same of a text like "32MB" or "15min".
std::optional<double> amount_of(std::string_view text);

// Whether two texts mean the same value: "1GB" and "1024MB", "on" and "true", 'a, b' and 'a,b'.
bool same_value(std::string_view left, std::string_view right);

}  // namespace steward::tune
