// SPDX-License-Identifier: PostgreSQL
#include "partition/period.hpp"

#include "base/text.hpp"

namespace steward::partition {

namespace {

constexpr std::int32_t kLastFourDigitYear = 9999;

// Years before 1 and beyond 9999 cannot be written without separators: 12025 01 and 1202 501 would read alike.
std::string year_text(std::int32_t year) {
    return year < 1 ? fmt::format("bc{:04}", 1 - year) : fmt::format("{:04}", year);
}

std::string clock_text(PeriodStyle style, const base::Civil& at) {
    std::string text = fmt::format("{:02}", at.hour);
    if (style != PeriodStyle::hour) {
        text += fmt::format("{:02}", at.minute);
    }
    if (style == PeriodStyle::second) {
        text += fmt::format("{:02}", at.second);
        if (at.microsecond != 0) {
            text += fmt::format("_{:06}", at.microsecond);
        }
    }
    return text;
}

std::string letters_text(PeriodStyle style, const base::Civil& at, const std::string& year) {
    switch (style) {
    case PeriodStyle::year: return "y" + year;
    case PeriodStyle::month: return fmt::format("y{}m{:02}", year, at.month);
    case PeriodStyle::day: return fmt::format("y{}m{:02}d{:02}", year, at.month, at.day);
    default: return fmt::format("y{}m{:02}d{:02}h{}", year, at.month, at.day, clock_text(style, at));
    }
}

}  // namespace

std::string write_period(PeriodStyle style, PeriodSeparator separator, const base::Civil& at) {
    const bool is_letters = separator == PeriodSeparator::letters;
    if (style == PeriodStyle::week) {
        const base::IsoWeek week = base::iso_week(base::local_from(at));
        const char* between = separator == PeriodSeparator::underscore ? "_"
                              : separator == PeriodSeparator::dash     ? "-"
                                                                       : "";
        return fmt::format("{}{}{}w{:02}", is_letters ? "y" : "", year_text(week.year), between, week.week);
    }
    const std::string year = year_text(at.year);
    if (style == PeriodStyle::quarter) {
        const char* between = separator == PeriodSeparator::underscore ? "_"
                              : separator == PeriodSeparator::dash     ? "-"
                                                                       : "";
        return fmt::format("{}{}{}q{}", is_letters ? "y" : "", year, between, (at.month + 2) / 3);
    }
    if (is_letters) {
        return letters_text(style, at, year);
    }
    const bool is_plain_year = at.year >= 1 && at.year <= kLastFourDigitYear;
    const bool is_dense = is_plain_year && (separator == PeriodSeparator::none || separator == PeriodSeparator::joined);
    const char* between = is_dense ? "" : separator == PeriodSeparator::dash ? "-" : "_";
    const char* before_clock = separator == PeriodSeparator::dash                 ? "-"
                               : is_dense && separator == PeriodSeparator::joined ? ""
                                                                                  : "_";
    std::string text = year;
    if (style != PeriodStyle::year) {
        text += fmt::format("{}{:02}", between, at.month);
    }
    if (style >= PeriodStyle::day) {
        text += fmt::format("{}{:02}", between, at.day);
    }
    if (style > PeriodStyle::day) {
        text += before_clock + clock_text(style, at);
    }
    return text;
}

std::string write_number(std::string_view decimal) {
    std::string text;
    for (const char c : decimal) {
        text += c == '-' ? 'm' : c == '.' ? '_' : c;
    }
    return text;
}

std::string hash_text(std::string_view text) {
    constexpr int kDigits = 13;
    std::uint64_t hash = base::stable_hash(text);
    std::string digits(kDigits, '0');
    for (int i = kDigits; i-- > 0; hash >>= 5) {
        digits[static_cast<std::size_t>(i)] = "0123456789abcdefghijklmnopqrstuv"[hash & 31];
    }
    return digits;
}

bool has_whole_numbers(CodecKind kind) {
    return kind == CodecKind::epoch_s || kind == CodecKind::epoch_ms || kind == CodecKind::epoch_us ||
           kind == CodecKind::epoch_ns || kind == CodecKind::snowflake;
}

}  // namespace steward::partition
