// SPDX-License-Identifier: PostgreSQL
#include "schedule/calendar.hpp"

#include <bit>

#include "base/time.hpp"

namespace steward::schedule {

namespace {

constexpr int kSaturday = 6;
constexpr int kSecondsPerHour = 3600;
constexpr int kSecondsPerMinute = 60;

constexpr std::uint32_t bit(int n) { return std::uint32_t{1} << n; }

std::uint32_t workdays_near(std::uint32_t wanted, int days, int first_weekday) {
    const auto weekday = [&](int day) { return (first_weekday + day - 1) % kDaysPerWeek; };
    std::uint32_t result = 0;
    for (std::uint32_t rest = wanted; rest != 0; rest &= rest - 1) {
        int day = std::countr_zero(rest);
        if (day > days) {
            continue;
        }
        const bool is_last = day == 0;
        day = is_last ? days : day;
        if (weekday(day) == kSaturday) {
            day += day == 1 ? 2 : -1;
        } else if (weekday(day) == kSunday) {
            day += is_last || day == days ? -2 : 1;
        }
        result |= bit(day);
    }
    return result;
}

std::uint32_t weekdays_of_month(const Calendar& calendar, std::uint32_t valid, int first_weekday) {
    constexpr std::uint32_t kEverySeventh = bit(1) | bit(8) | bit(15) | bit(22) | bit(29);
    std::uint32_t result = 0;
    for (int weekday = 0; weekday < kDaysPerWeek; ++weekday) {
        const int first = (weekday - first_weekday + kDaysPerWeek) % kDaysPerWeek;  // of those days, less 1
        const std::uint32_t all = (kEverySeventh << first) & valid;
        if ((calendar.weekdays & bit(weekday)) != 0) {
            result |= all;
        }
        const std::uint32_t nth = calendar.nth_weekdays[static_cast<std::size_t>(weekday)];
        if ((nth & 1) != 0) {
            result |= std::bit_floor(all);
        }
        for (std::uint32_t rest = nth & ~1U; rest != 0; rest &= rest - 1) {
            const int day = 1 + first + kDaysPerWeek * (std::countr_zero(rest) - 1);
            result |= day < 32 ? all & bit(day) : 0;
        }
    }
    return result;
}

// The first time of day at or after `second` of the day.
std::optional<int> time_of_day(const Calendar& calendar, int second) {
    const int hour = second / kSecondsPerHour;
    const int minute = second / kSecondsPerMinute % 60;
    const std::uint32_t hours = calendar.hours & (~std::uint32_t{0} << hour);
    if (hours == 0) {
        return std::nullopt;
    }
    const int first_minute = std::countr_zero(calendar.minutes);
    const int first_second = std::countr_zero(calendar.seconds);
    if ((hours & bit(hour)) != 0) {
        std::uint64_t minutes = calendar.minutes & (~std::uint64_t{0} << minute);
        if ((minutes & (std::uint64_t{1} << minute)) != 0) {
            const std::uint64_t seconds = calendar.seconds & (~std::uint64_t{0} << second % 60);
            if (seconds != 0) {
                return second - second % 60 + std::countr_zero(seconds);
            }
            minutes &= minutes - 1;
        }
        if (minutes != 0) {
            return hour * kSecondsPerHour + std::countr_zero(minutes) * kSecondsPerMinute + first_second;
        }
    }
    const std::uint32_t later = hours & ~bit(hour);
    if (later == 0) {
        return std::nullopt;
    }
    return std::countr_zero(later) * kSecondsPerHour + first_minute * kSecondsPerMinute + first_second;
}

std::int64_t floor_days(std::int64_t local) { return local / kSecondsPerDay - (local % kSecondsPerDay < 0 ? 1 : 0); }

// The first matching day at or after `day`, at most `last`.
std::optional<std::int64_t> matching_day(const Calendar& calendar, std::int64_t day, std::int64_t last) {
    const base::Civil civil = base::civil_from(base::LocalTime{day * base::kMicrosPerDay});
    std::int32_t year = civil.year;
    int month = civil.month;
    std::int64_t first = day - (civil.day - 1);
    std::uint32_t wanted = ~std::uint32_t{0} << civil.day;
    while (first <= last) {
        const int days = base::days_in_month(year, month);
        if ((calendar.months & bit(month)) != 0) {
            const std::uint32_t matching = days_of_month(calendar, days, weekday_of_day(first)) & wanted;
            if (matching != 0) {
                const std::int64_t found = first + std::countr_zero(matching) - 1;
                return found <= last ? std::optional<std::int64_t>(found) : std::nullopt;
            }
        }
        wanted = ~std::uint32_t{0};
        first += days;
        year += month == 12 ? 1 : 0;
        month = month == 12 ? 1 : month + 1;
    }
    return std::nullopt;
}

}  // namespace

int weekday_of_day(std::int64_t day) {
    const std::int64_t rest = (day + 4) % kDaysPerWeek;  // 1970-01-01 was a Thursday
    return static_cast<int>(rest < 0 ? rest + kDaysPerWeek : rest);
}

std::uint32_t days_of_month(const Calendar& calendar, int days, int first_weekday) {
    const std::uint32_t valid = static_cast<std::uint32_t>((std::uint64_t{2} << days) - 2);
    std::uint32_t by_day = calendar.days & valid;
    for (std::uint32_t rest = calendar.days_before_last; rest != 0; rest &= rest - 1) {
        const int day = days - std::countr_zero(rest);
        by_day |= day >= 1 ? bit(day) : 0;
    }
    by_day |= workdays_near(calendar.workdays_near, days, first_weekday);
    const std::uint32_t by_weekday = weekdays_of_month(calendar, valid, first_weekday);
    return calendar.is_either_day() ? by_day | by_weekday : by_day & by_weekday;
}

// In 400 years each month begins on each weekday, February with 28 and with 29 days: these cases are all there are.
bool has_any_day(const Calendar& calendar) {
    for (int month = 1; month <= 12; ++month) {
        if ((calendar.months & bit(month)) == 0) {
            continue;
        }
        for (int weekday = 0; weekday < kDaysPerWeek; ++weekday) {
            for (const std::int32_t year : {2023, 2024}) {
                if (days_of_month(calendar, base::days_in_month(year, month), weekday) != 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

std::optional<std::int64_t> first_match(const Calendar& calendar, std::int64_t first, std::int64_t last) {
    const std::int64_t today = floor_days(first);
    const std::int64_t last_day = floor_days(last);
    auto day = matching_day(calendar, today, last_day);
    std::optional<int> second;
    if (day == today) {
        second = time_of_day(calendar, static_cast<int>(first - today * kSecondsPerDay));
        if (!second) {
            day = matching_day(calendar, today + 1, last_day);
        }
    }
    if (!day) {
        return std::nullopt;
    }
    if (!second) {
        second = time_of_day(calendar, 0);
    }
    if (!second) {
        return std::nullopt;
    }
    const std::int64_t found = *day * kSecondsPerDay + *second;
    return found <= last ? std::optional<std::int64_t>(found) : std::nullopt;
}

}  // namespace steward::schedule
