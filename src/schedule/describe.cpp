// SPDX-License-Identifier: PostgreSQL
#include <bit>

#include "base/text.hpp"
#include "schedule/calendar.hpp"
#include "schedule/explain.hpp"
#include "schedule/words.hpp"

namespace steward::schedule {

namespace {

constexpr int kMostTimes = 6;  // so many are listed one by one
constexpr std::uint64_t kEveryMinute = (std::uint64_t{1} << 60) - 1;
constexpr std::uint64_t kEveryHour = (std::uint64_t{1} << 24) - 1;
constexpr std::uint64_t kEveryMonth = 0x1FFE;

std::string times(const Calendar& calendar) {
    std::vector<std::string> items;
    for (int second = 0; second < kSecondsPerDay; ++second) {
        const auto has = [](std::uint64_t set, int n) { return (set >> n & 1) != 0; };
        if (has(calendar.hours, second / 3600) && has(calendar.minutes, second / 60 % 60) &&
            has(calendar.seconds, second % 60)) {
            items.push_back(clock_text(second));
        }
    }
    return "at " + join(items);
}

// "every 5 minutes", "at minute 7", "at minutes 0 to 10"
std::string part(std::uint64_t set, int size, std::string_view unit) {
    if (std::popcount(set) == size) {
        return fmt::format("every {}", unit);
    }
    if (const int step = even_step(set, size); step != 0) {
        return fmt::format("every {} {}s", step, unit);
    }
    return fmt::format("at {}{} {}", unit, std::has_single_bit(set) ? "" : "s", join(numbers(set)));
}

std::string hour_phrase(const Calendar& calendar) {
    if (const int step = even_step(calendar.hours, 24); step != 0) {
        return fmt::format(" in every {}{} hour", step, step == 2 ? "nd" : step == 3 ? "rd" : "th");
    }
    return fmt::format(" in the hour{} {}", std::has_single_bit(calendar.hours) ? "" : "s",
                       join(numbers(calendar.hours)));
}

std::string time_phrase(const Calendar& calendar) {
    const int count = std::popcount(calendar.seconds) * std::popcount(calendar.minutes) * std::popcount(calendar.hours);
    if (count <= kMostTimes) {
        return times(calendar);
    }
    const bool every_hour = calendar.hours == kEveryHour;
    const int hours = even_step(calendar.hours, 24);
    if (calendar.seconds == 1 && calendar.minutes == 1 && (every_hour || hours != 0)) {
        return every_hour ? "every hour" : fmt::format("every {} hours", hours);
    }
    const auto is_at = [](const std::string& phrase) { return phrase.rfind("at ", 0) == 0; };
    std::string text;
    if (calendar.seconds != 1) {
        text = part(calendar.seconds, 60, "second");
    }
    if (calendar.seconds != 1 && calendar.minutes == kEveryMinute) {
        text += is_at(text) ? " of every minute" : "";
    } else {
        const std::string minutes = part(calendar.minutes, 60, "minute");
        text += (text.empty() ? "" : ", ") + minutes + (every_hour && is_at(minutes) ? " of every hour" : "");
    }
    return every_hour ? text : text + hour_phrase(calendar);
}

std::string month_phrase(const Calendar& calendar) {
    return calendar.months == kEveryMonth ? "" : " in " + join(names(calendar.months, &month_name));
}

std::string day_phrase(const Calendar& calendar) {
    const bool any_day = has_every_day(calendar);
    const bool any_weekday = has_every_weekday(calendar);
    const bool is_either = calendar.is_either_day();
    if (is_either ? any_day || any_weekday : any_day && any_weekday) {
        return "";
    }
    const std::string of_month = calendar.months == kEveryMonth ? " of the month" : "";
    if (!any_day && !any_weekday) {
        return fmt::format(" on {}{} {} {}", days_text(calendar), of_month, is_either ? "and on" : "if it is",
                           weekdays_text(calendar));
    }
    return " on " + (any_weekday ? days_text(calendar) + of_month : weekdays_text(calendar));
}

std::string describe_calendar(const Calendar& calendar) {
    std::string time = time_phrase(calendar);
    const std::string day = day_phrase(calendar);
    const bool is_each_day = day.empty() && time.find("every") == std::string::npos;
    return time + (is_each_day ? " every day" : day) + month_phrase(calendar);
}

std::string describe_every(const base::Interval& step) {
    struct Unit {
        std::string_view name;
        std::int64_t micros;
    };
    constexpr Unit kUnits[] = {{"week", 7 * base::kMicrosPerDay},
                               {"day", base::kMicrosPerDay},
                               {"hour", base::kMicrosPerHour},
                               {"minute", base::kMicrosPerMinute},
                               {"second", base::kMicrosPerSecond}};
    const std::int64_t micros = step.days * base::kMicrosPerDay + step.micros;
    for (const Unit& unit : kUnits) {
        if (micros % unit.micros == 0 && (step.days != 0 || unit.micros < base::kMicrosPerDay)) {
            const std::int64_t count = micros / unit.micros;
            return count == 1 ? fmt::format("every {}", unit.name) : fmt::format("every {} {}s", count, unit.name);
        }
    }
    return "every " + base::format_interval(step);
}

std::string describe_event(Event event) {
    switch (event) {
    case Event::startup: return "once at each start of the server";
    case Event::promotion: return "once when a standby is promoted to primary";
    case Event::after_crash: return "once when the server has restarted after a crash";
    }
    return "";
}

}  // namespace

std::string describe(const Expression& expression) {
    std::string text;
    if (const Calendar* calendar = expression.calendar()) {
        text = describe_calendar(*calendar);
    } else if (const Every* every = expression.every()) {
        text = describe_every(every->step);
        text += every->step.days != 0 ? " at the time of day it was scheduled" : " from when it was scheduled";
    } else if (const Event* event = expression.event()) {
        text = describe_event(*event);
    }
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text + ".";
}

}  // namespace steward::schedule
