// SPDX-License-Identifier: PostgreSQL
#include "base/time.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/number.hpp"
#include "base/text.hpp"

namespace steward::base {

namespace {

constexpr std::int64_t kDaysPerEra = 146'097;  // 400 Gregorian years
constexpr int kMonthsPerYear = 12;

// Both ends divide by a positive constant; plain `/` would round times before 1970 the wrong way.
constexpr std::int64_t floor_div64(std::int64_t dividend, std::int64_t divisor) {
    return dividend / divisor - (dividend % divisor < 0 ? 1 : 0);
}

class UtcZone final : public Zone {
public:
    std::int32_t offset_seconds(Instant) const noexcept override { return 0; }
    std::string_view name() const noexcept override { return "UTC"; }
};

Instant at_offset(LocalTime at, std::int32_t offset) { return Instant{at.micros - offset * kMicrosPerSecond}; }

// The first instant in (low, high] at which the wall clock shows `at` or later; it shows less at low, not at high.
// Offsets change on whole seconds only: bisection finds the second, the offset in force before it the rest.
Instant first_not_before(LocalTime at, Instant low, Instant high, const Zone& zone) {
    std::int64_t low_second = floor_div64(low.micros, kMicrosPerSecond);
    std::int64_t high_second = floor_div64(high.micros, kMicrosPerSecond) + 1;
    while (high_second - low_second > 1) {
        const std::int64_t middle = low_second + (high_second - low_second) / 2;
        const Instant instant{middle * kMicrosPerSecond};
        (to_local(instant, zone) < at ? low_second : high_second) = middle;
    }
    const Instant shown = at_offset(at, zone.offset_seconds(Instant{low_second * kMicrosPerSecond}));
    return std::min(shown, Instant{high_second * kMicrosPerSecond});
}

std::string format_clock(const Civil& civil) {
    std::string text = fmt::format("{:02}:{:02}:{:02}", civil.hour, civil.minute, civil.second);
    if (civil.microsecond != 0) {
        text += fmt::format(".{:06}", civil.microsecond);
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text;
}

std::string format_day(const Civil& civil) {
    const int year = civil.year > 0 ? civil.year : 1 - civil.year;
    return fmt::format("{:04}-{:02}-{:02}", year, civil.month, civil.day);
}

std::string_view era_suffix(const Civil& civil) { return civil.year > 0 ? "" : " BC"; }

std::string format_offset(std::int32_t offset) {
    const std::int32_t seconds = std::abs(offset);
    std::string text = fmt::format("{}{:02}", offset < 0 ? '-' : '+', seconds / 3600);
    if (seconds % 3600 != 0) {
        text += fmt::format(":{:02}", seconds / 60 % 60);
    }
    if (seconds % 60 != 0) {
        text += fmt::format(":{:02}", seconds % 60);
    }
    return text;
}

}  // namespace

// Never destroyed: a library inside the server has no static destructors.
const Zone& utc() {
    static const UtcZone* const zone = new UtcZone;
    return *zone;
}

// Days and civil dates after Howard Hinnant's algorithms: years begin in March, so that the leap day comes last.
std::int64_t days_from_civil(std::int32_t year, int month, int day) {
    const std::int64_t march_year = std::int64_t{year} - (month <= 2 ? 1 : 0);
    const std::int64_t era = floor_div64(march_year, 400);
    const std::int64_t year_of_era = march_year - era * 400;
    const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * kDaysPerEra + day_of_era - 719'468;
}

Civil civil_from(LocalTime at) {
    const std::int64_t days = floor_div64(at.micros, kMicrosPerDay);
    std::int64_t rest = at.micros - days * kMicrosPerDay;
    const std::int64_t shifted = days + 719'468;
    const std::int64_t era = floor_div64(shifted, kDaysPerEra);
    const std::int64_t day_of_era = shifted - era * kDaysPerEra;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t march_month = (5 * day_of_year + 2) / 153;

    Civil civil;
    civil.day = static_cast<int>(day_of_year - (153 * march_month + 2) / 5 + 1);
    civil.month = static_cast<int>(march_month < 10 ? march_month + 3 : march_month - 9);
    civil.year = static_cast<std::int32_t>(year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0));
    civil.hour = static_cast<int>(rest / kMicrosPerHour);
    rest %= kMicrosPerHour;
    civil.minute = static_cast<int>(rest / kMicrosPerMinute);
    rest %= kMicrosPerMinute;
    civil.second = static_cast<int>(rest / kMicrosPerSecond);
    civil.microsecond = static_cast<int>(rest % kMicrosPerSecond);
    return civil;
}

LocalTime local_from(const Civil& civil) {
    return LocalTime{days_from_civil(civil.year, civil.month, civil.day) * kMicrosPerDay + civil.hour * kMicrosPerHour +
                     civil.minute * kMicrosPerMinute + civil.second * kMicrosPerSecond + civil.microsecond};
}

int days_in_month(std::int32_t year, int month) {
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && is_leap ? 29 : kDays[month - 1];
}

int iso_weekday(LocalTime at) {
    const std::int64_t since_thursday = floor_div64(at.micros, kMicrosPerDay) + 3;  // 1970-01-01 was a Thursday
    return static_cast<int>(since_thursday - floor_div64(since_thursday, 7) * 7) + 1;
}

// A week belongs to the year of its Thursday.
IsoWeek iso_week(LocalTime at) {
    const std::int64_t thursday = floor_div64(at.micros, kMicrosPerDay) + 4 - iso_weekday(at);
    const std::int32_t year = civil_from(LocalTime{thursday * kMicrosPerDay}).year;
    return IsoWeek{year, static_cast<int>((thursday - days_from_civil(year, 1, 1)) / 7) + 1};
}

LocalTime to_local(Instant at, const Zone& zone) {
    return LocalTime{at.micros + zone.offset_seconds(at) * kMicrosPerSecond};
}

// The first instant at which the wall clock shows `at` or later: this one rule covers ordinary times, gaps and
// overlaps, and makes the result rise with `at`. No offset reaches a day, so the answer lies within one day of `at`
// read as UTC.
Instant to_instant(LocalTime at, const Zone& zone) {
    const Instant low{at.micros - kMicrosPerDay};
    const std::int32_t offset_before = zone.offset_seconds(low);
    const Instant before = at_offset(at, offset_before);
    if (zone.offset_seconds(before) == offset_before) return before;
    const Instant high{at.micros + kMicrosPerDay};
    const std::int32_t offset_after = zone.offset_seconds(high);
    const Instant after = at_offset(at, offset_after);
    if (zone.offset_seconds(after) == offset_after) return after;
    return first_not_before(at, low, high, zone);
}

bool is_second_pass(Instant at, const Zone& zone) { return to_instant(to_local(at, zone), zone) < at; }

std::optional<LocalTime> add(LocalTime origin, const Interval& step, std::int64_t n) {
    // Far behind both ends of the range, near enough for what is computed below.
    constexpr Int128 kYearLimit = 1'000'000;
    constexpr Int128 kDayLimit = 400 * kYearLimit;
    const auto is_out_of_range = [](Int128 micros) { return micros < kMinMicros || micros >= kEndMicros; };
    const Int128 months = static_cast<Int128>(step.months) * n;
    const Int128 days = static_cast<Int128>(step.days) * n;
    Int128 micros = origin.micros;
    if (is_out_of_range(micros) || days < -kDayLimit || days > kDayLimit) {
        return std::nullopt;
    }
    if (months != 0) {
        Civil civil = civil_from(origin);
        const Int128 month = static_cast<Int128>(civil.year) * kMonthsPerYear + (civil.month - 1) + months;
        const Int128 year = floor_div(month, kMonthsPerYear);
        if (year < -kYearLimit || year > kYearLimit) {
            return std::nullopt;
        }
        civil.year = static_cast<std::int32_t>(year);
        civil.month = static_cast<int>(month - year * kMonthsPerYear) + 1;
        civil.day = std::min(civil.day, days_in_month(civil.year, civil.month));
        micros = static_cast<Int128>(days_from_civil(civil.year, civil.month, civil.day)) * kMicrosPerDay +
                 (micros - floor_div(micros, kMicrosPerDay) * kMicrosPerDay);
    }
    micros += days * kMicrosPerDay + static_cast<Int128>(step.micros) * n;
    if (is_out_of_range(micros)) {
        return std::nullopt;
    }
    return LocalTime{static_cast<std::int64_t>(micros)};
}

std::string format_instant(Instant at, const Zone& zone) {
    const std::int32_t offset = zone.offset_seconds(at);
    const Civil civil = civil_from(LocalTime{at.micros + offset * kMicrosPerSecond});
    return fmt::format("{} {}{}{}", format_day(civil), format_clock(civil), format_offset(offset), era_suffix(civil));
}

std::string format_local(LocalTime at) {
    const Civil civil = civil_from(at);
    return fmt::format("{} {}{}", format_day(civil), format_clock(civil), era_suffix(civil));
}

std::string format_date(LocalTime at) {
    const Civil civil = civil_from(at);
    return fmt::format("{}{}", format_day(civil), era_suffix(civil));
}

// A field behind a negative one gets its plus sign, as in '-1 mons +2 days'.
std::string format_interval(const Interval& interval) {
    std::string text;
    bool after_negative = false;
    const auto append = [&](std::int32_t value, std::string_view unit) {
        if (value != 0) {
            text += fmt::format("{}{}{} {}{}", text.empty() ? "" : " ", after_negative && value > 0 ? "+" : "", value,
                                unit, value == 1 ? "" : "s");
            after_negative = value < 0;
        }
    };
    append(interval.months / kMonthsPerYear, "year");
    append(interval.months % kMonthsPerYear, "mon");
    append(interval.days, "day");
    if (interval.micros == 0 && !text.empty()) {
        return text;
    }
    const bool negative = interval.micros < 0;
    const std::uint64_t magnitude = negative ? std::uint64_t{0} - static_cast<std::uint64_t>(interval.micros)
                                             : static_cast<std::uint64_t>(interval.micros);
    Civil clock = civil_from(LocalTime{static_cast<std::int64_t>(magnitude % kMicrosPerHour)});
    text += fmt::format("{}{}", text.empty() ? "" : " ", negative ? "-" : after_negative ? "+" : "");
    // Hours do not roll over into days.
    return text + fmt::format("{:02}", magnitude / kMicrosPerHour) + format_clock(clock).substr(2);
}

}  // namespace steward::base
