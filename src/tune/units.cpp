// SPDX-License-Identifier: PostgreSQL
#include "tune/units.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "tune/libraries.hpp"

namespace steward::tune {

namespace {

struct Unit {
    std::string_view name;
    double factor;  // bytes or milliseconds
    bool is_memory;
};

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

constexpr Unit kUnits[] = {
    {"TB", static_cast<double>(kTB), true},
    {"GB", static_cast<double>(kGB), true},
    {"MB", static_cast<double>(kMB), true},
    {"kB", static_cast<double>(kKB), true},
    {"B", 1, true},
    {"d", static_cast<double>(kDay), false},
    {"h", static_cast<double>(kHour), false},
    {"min", static_cast<double>(kMinute), false},
    {"s", static_cast<double>(kSecond), false},
    {"ms", 1, false},
    {"us", 0.001, false},
};

std::string in_units(std::int64_t amount, bool is_memory) {
    if (amount <= 0) return fmt::format("{}", amount);
    for (const Unit& unit : kUnits) {
        if (unit.is_memory != is_memory || unit.factor < 1) continue;
        const auto factor = static_cast<std::int64_t>(unit.factor);
        if (amount % factor == 0) return fmt::format("{}{}", amount / factor, unit.name);
    }
    return fmt::format("{}", amount);
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string cut(std::string_view text) {
    constexpr std::size_t kShownBytes = 64;
    return text.size() <= kShownBytes ? std::string(text) : std::string(base::cut_utf8(text, kShownBytes)) + "...";
}

// The number at the start of a text, and what follows it.
std::optional<double> leading_number(std::string_view text, std::string_view* rest) {
    constexpr std::size_t kLongest = 40;
    const std::size_t end = std::min(text.find_first_not_of("0123456789.+-"), text.size());
    if (end == 0 || end > kLongest) return std::nullopt;
    const std::string digits(text.substr(0, end));
    std::size_t used = 0;
    try {
        const double number = std::stod(digits, &used);
        if (used != digits.size() || !std::isfinite(number)) return std::nullopt;
        *rest = trimmed(text.substr(end));
        return number;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

const Unit* unit_named(std::string_view name) {
    for (const Unit& unit : kUnits)
        if (unit.name == name) return &unit;
    return nullptr;
}

// Of pg_settings, where blocks are a unit too: "8kB", "16MB".
std::optional<Unit> setting_unit(std::string_view text) {
    std::string_view name;
    if (const Unit* plain = unit_named(text)) return *plain;
    const auto number = leading_number(text, &name);
    const Unit* unit = number ? unit_named(name) : nullptr;
    if (unit == nullptr) return std::nullopt;
    return Unit{name, *number * unit->factor, unit->is_memory};
}

std::string_view switch_of(std::string_view text) {
    for (const std::string_view word : {"on", "true", "yes", "1"})
        if (text == word) return "on";
    for (const std::string_view word : {"off", "false", "no", "0"})
        if (text == word) return "off";
    return text;
}

}  // namespace

std::string memory_text(std::int64_t bytes) { return in_units(bytes, true); }

std::string time_text(std::int64_t milliseconds) { return in_units(milliseconds, false); }

std::string rough_memory(double bytes) {
    for (const Unit& unit : kUnits) {
        if (!unit.is_memory || std::abs(bytes) < unit.factor) continue;
        const double amount = bytes / unit.factor;
        const bool is_whole = amount == std::floor(amount) || std::abs(amount) >= 100;
        return is_whole ? fmt::format("{:.0f} {}", amount, unit.name) : fmt::format("{:.1f} {}", amount, unit.name);
    }
    return "0";
}

base::Result<std::int64_t> parse_memory(std::string_view what, std::string_view text) {
    std::string_view name;
    const auto number = leading_number(trimmed(text), &name);
    const Unit* unit = number ? unit_named(name) : nullptr;
    if (unit == nullptr || !unit->is_memory)
        return base::Failure{base::kInvalidParameter, fmt::format("invalid value for {}: \"{}\"", what, cut(text)), "",
                             "A size with one of the units B, kB, MB, GB and TB, such as 8GB."};
    const double bytes = *number * unit->factor;
    constexpr double kMost = 9e18;
    if (bytes < 1 || bytes > kMost)
        return base::Failure{base::kInvalidParameter, fmt::format("{} is out of range: \"{}\"", what, cut(text)), "",
                             "A size that a machine can have."};
    return static_cast<std::int64_t>(bytes);
}

base::Result<int> parse_count(std::string_view what, std::string_view text, int min, int max) {
    const std::string_view digits = trimmed(text);
    const bool is_whole =
        !digits.empty() && digits.size() <= 9 && digits.find_first_not_of("0123456789") == std::string_view::npos;
    const int number = is_whole ? std::stoi(std::string(digits)) : -1;
    if (!is_whole || number < min || number > max)
        return base::Failure{base::kInvalidParameter, fmt::format("invalid value for {}: \"{}\"", what, cut(text)), "",
                             fmt::format("A whole number from {} to {}.", min, max)};
    return number;
}

std::int64_t rounded_down(std::int64_t bytes) {
    std::int64_t step = 1;
    while (step <= bytes / 32) step *= 2;
    return bytes / step * step;
}

std::optional<double> amount_of(const Setting& setting) {
    std::string_view rest;
    const auto number = leading_number(trimmed(setting.value), &rest);
    if (!number || !rest.empty()) return std::nullopt;
    if (setting.unit.empty() || *number < 0) return number;
    const auto unit = setting_unit(setting.unit);
    if (!unit) return std::nullopt;
    return *number * unit->factor;
}

Setting setting_of(std::string_view text, const std::string& unit, bool is_switch) {
    if (is_switch) {
        std::string word(text);
        for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        return {std::string(switch_of(word)), unit};
    }
    std::string_view rest;
    const auto steps = setting_unit(unit);
    const auto number = leading_number(trimmed(text), &rest);
    const auto amount = amount_of(text);
    if (!steps || !number || rest.empty() || !amount) return {std::string(text), unit};
    return {fmt::format("{}", *amount / steps->factor), unit};
}

std::optional<double> amount_of(std::string_view text) {
    std::string_view name;
    const auto number = leading_number(trimmed(text), &name);
    if (!number || name.empty()) return number;
    const Unit* unit = unit_named(name);
    if (unit == nullptr) return std::nullopt;
    return *number * unit->factor;
}

std::string shown(const Setting& setting) {
    const auto unit = setting_unit(setting.unit);
    const auto amount = amount_of(setting);
    if (setting.unit.empty() || !unit || !amount || *amount <= 0) return setting.value;
    // What has a fraction of the smallest unit stays as it is.
    if (*amount != std::floor(*amount) || *amount > static_cast<double>(std::numeric_limits<std::int64_t>::max()) / 2)
        return setting.value + std::string(unit->name);
    return in_units(static_cast<std::int64_t>(*amount), unit->is_memory);
}

bool same_value(std::string_view left, std::string_view right) {
    const auto first = amount_of(left);
    const auto second = amount_of(right);
    if (first && second) return *first == *second;
    return switch_of(left) == switch_of(right) || parse_libraries(left) == parse_libraries(right);
}

}  // namespace steward::tune
