// SPDX-License-Identifier: PostgreSQL
#include "schedule/words.hpp"

#include <bit>

#include "base/text.hpp"

namespace steward::schedule {

namespace {

constexpr std::uint32_t kAllDays = 0xFFFF'FFFE;
constexpr std::uint32_t kAllWeekdays = 0x7F;

}  // namespace

std::string join(const std::vector<std::string>& items) {
    std::string text;
    for (std::size_t i = 0; i < items.size(); ++i) {
        text += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
    }
    return text;
}

std::string_view month_name(int month) {
    static constexpr std::string_view kNames[] = {"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};
    return kNames[month - 1];
}

std::string_view weekday_name(int weekday) {
    static constexpr std::string_view kNames[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                  "Thursday", "Friday", "Saturday"};
    return kNames[weekday % 7];
}

namespace {

template <class Show>
std::vector<std::string> list(std::uint64_t set, Show show) {
    constexpr int kShortRange = 3;
    std::vector<std::string> items;
    while (set != 0) {
        const int first = std::countr_zero(set);
        const int length = std::countr_one(set >> first);
        if (length >= kShortRange) {
            items.push_back(fmt::format("{} to {}", show(first), show(first + length - 1)));
            set = first + length >= 64 ? 0 : set >> (first + length) << (first + length);
        } else {
            items.push_back(fmt::format("{}", show(first)));
            set &= set - 1;
        }
    }
    return items;
}

}  // namespace

std::vector<std::string> numbers(std::uint64_t set) {
    return list(set, [](int n) { return n; });
}

std::vector<std::string> names(std::uint64_t set, std::string_view (*name)(int)) { return list(set, name); }

int any_step(std::uint64_t set, int first, int size) {
    if (std::popcount(set) < 2 || std::countr_zero(set) != first) {
        return 0;
    }
    const int step = std::countr_zero(set & (set - 1)) - first;
    std::uint64_t expected = 0;
    for (int n = first; n < first + size; n += step) {
        expected |= std::uint64_t{1} << n;
    }
    return set == expected ? step : 0;
}

int even_step(std::uint64_t set, int size) {
    const int step = any_step(set, 0, size);
    return step > 1 && size % step == 0 ? step : 0;
}

std::string clock_text(int second_of_day) {
    const int second = second_of_day % 60;
    const std::string text = fmt::format("{:02}:{:02}", second_of_day / 3600, second_of_day / 60 % 60);
    return second == 0 ? text : text + fmt::format(":{:02}", second);
}

bool has_every_day(const Calendar& calendar) { return calendar.days == kAllDays; }
bool has_every_weekday(const Calendar& calendar) { return calendar.weekdays == kAllWeekdays; }

std::string days_text(const Calendar& calendar) {
    std::vector<std::string> items;
    if (const int step = any_step(calendar.days, 1, 31); step == 2) {
        items.emplace_back("odd days");
    } else if (calendar.days != 0) {
        items.push_back((std::has_single_bit(calendar.days) ? "day " : "days ") + join(numbers(calendar.days)));
    }
    for (std::uint32_t rest = calendar.workdays_near & ~1U; rest != 0; rest &= rest - 1) {
        items.push_back(fmt::format("the working day nearest to day {}", std::countr_zero(rest)));
    }
    if ((calendar.workdays_near & 1) != 0) {
        items.emplace_back("the last working day");
    }
    for (std::uint32_t rest = calendar.days_before_last; rest != 0; rest &= rest - 1) {
        const int before = std::countr_zero(rest);
        items.push_back(before == 0   ? "the last day"
                        : before == 1 ? "the last day but one"
                                      : fmt::format("the day {} days before the last", before));
    }
    return join(items);
}

std::string weekdays_text(const Calendar& calendar) {
    static constexpr std::string_view kNth[] = {"last", "first", "second", "third", "fourth", "fifth"};
    std::vector<std::string> items;
    if (calendar.weekdays != 0) {
        // The week ends on Sunday here, as in "Friday to Sunday".
        const std::uint32_t from_monday = (calendar.weekdays & ~1U) | (calendar.weekdays & 1U) << 7;
        items = names(from_monday, &weekday_name);
    }
    std::vector<std::string> nth_items;
    for (int day = 1; day <= 7; ++day) {
        const int weekday = day == 7 ? kSunday : day;
        const std::uint8_t nth = calendar.nth_weekdays[static_cast<std::size_t>(weekday)];
        for (int n = 1; n <= 6; ++n) {
            if ((nth >> n % 6 & 1) != 0) {
                nth_items.push_back(fmt::format("the {} {}", kNth[n % 6], weekday_name(weekday)));
            }
        }
    }
    if (!nth_items.empty()) {
        nth_items.back() += " of the month";
        items.insert(items.end(), nth_items.begin(), nth_items.end());
    }
    return join(items);
}

}  // namespace steward::schedule
