// SPDX-License-Identifier: PostgreSQL
#include "partition/codec_ids.hpp"

#include <fmt/format.h>

namespace steward::partition {

namespace {

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kUlidTimeDigits = 10;
constexpr std::size_t kUlidDigits = 26;
constexpr std::size_t kUuidTimeDigits = 12;
constexpr std::size_t kUuidDigits = 32;
constexpr std::size_t kObjectidTimeDigits = 8;
constexpr std::size_t kObjectidDigits = 24;

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

int crockford_value(char c) {
    const char upper = (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
    const std::size_t at = kCrockford.find(upper);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

bool is_zero(std::string_view digits) { return digits.find_first_not_of('0') == std::string_view::npos; }

// 32 hexadecimal digits out of 8-4-4-4-12; empty when the text is not written so.
std::string uuid_digits(std::string_view text) {
    std::string digits;
    if (text.size() != 36) {
        return digits;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_hyphen_place = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_hyphen_place != (text[i] == '-') || (!is_hyphen_place && hex_value(text[i]) < 0)) {
            return {};
        }
        if (!is_hyphen_place) {
            digits += text[i];
        }
    }
    return digits;
}

std::int64_t read_hex(std::string_view digits) {
    std::int64_t value = 0;
    for (const char c : digits) {
        value = value * 16 + hex_value(c);
    }
    return value;
}

}  // namespace

std::optional<Tick> read_uuid(std::string_view text) {
    const std::string digits = uuid_digits(text);
    if (digits.size() != kUuidDigits) {
        return std::nullopt;
    }
    const std::string_view rest = std::string_view(digits).substr(kUuidTimeDigits);
    // Tools write the first uuid of a millisecond all zero, or with nothing but the version and variant bits set.
    const bool is_first = is_zero(rest) || rest == "70008000000000000000";
    return Tick{read_hex(std::string_view(digits).substr(0, kUuidTimeDigits)), is_first};
}

std::optional<Tick> read_ulid(std::string_view text) {
    // Ten digits hold 50 bits; a first digit above 7 would need more than the 48 of the format.
    if (text.size() != kUlidDigits || text[0] < '0' || text[0] > '7') {
        return std::nullopt;
    }
    std::int64_t time = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int value = crockford_value(text[i]);
        if (value < 0) {
            return std::nullopt;
        }
        if (i < kUlidTimeDigits) {
            time = time * 32 + value;
        }
    }
    return Tick{time, is_zero(text.substr(kUlidTimeDigits))};
}

std::optional<Tick> read_objectid(std::string_view text) {
    if (text.size() != kObjectidDigits) {
        return std::nullopt;
    }
    for (const char c : text) {
        if (hex_value(c) < 0) {
            return std::nullopt;
        }
    }
    return Tick{read_hex(text.substr(0, kObjectidTimeDigits)), is_zero(text.substr(kObjectidTimeDigits))};
}

// All zero behind the time, although no version 7 uuid looks so: it sorts before each of that millisecond, and it is
// the form that other tools write.
std::string write_uuid(std::int64_t tick) {
    return fmt::format("{:08x}-{:04x}-0000-0000-000000000000", tick >> 16, tick & 0xffff);
}

std::string write_ulid(std::int64_t tick) {
    std::string text(kUlidDigits, '0');
    for (std::size_t i = kUlidTimeDigits; i-- > 0; tick >>= 5) {
        text[i] = kCrockford[static_cast<std::size_t>(tick & 31)];
    }
    return text;
}

std::string write_objectid(std::int64_t tick) { return fmt::format("{:08x}{:016x}", tick, 0); }

}  // namespace steward::partition
