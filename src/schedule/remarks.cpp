// SPDX-License-Identifier: PostgreSQL
#include <bit>

#include "base/text.hpp"
#include "schedule/calendar.hpp"
#include "schedule/explain.hpp"
#include "schedule/words.hpp"

namespace steward::schedule {

namespace {

void remark_on_days(const Calendar& calendar, std::vector<std::string>& remarks) {
    if (has_every_day(calendar) || has_every_weekday(calendar)) {
        return;
    }
    const std::string days = days_text(calendar);
    const std::string weekdays =
        (calendar.is_either_day() && calendar.weekdays != 0 ? "every " : "") + weekdays_text(calendar);
    remarks.push_back(
        calendar.is_either_day()
            ? fmt::format("Day of month and day of week are ORed: it runs on {}, and also on {}; for both at once "
                          "let one of the fields begin with *.",
                          days, weekdays)
            : fmt::format("As one of the fields begins with *, day of month and day of week must both match: {}, and "
                          "{}.",
                          days, weekdays));
}

// Some month that is meant has no day, in some year or in all.
bool skips_months(const Calendar& calendar) {
    for (int month = 1; month <= 12; ++month) {
        if ((calendar.months >> month & 1) == 0) continue;
        for (int weekday = 0; weekday < 7; ++weekday) {
            if (days_of_month(calendar, base::days_in_month(2023, month), weekday) == 0) return true;
        }
    }
    return false;
}

void remark_on_months(const Calendar& calendar, std::vector<std::string>& remarks) {
    if (!skips_months(calendar)) {
        return;
    }
    constexpr std::uint32_t kFebruary = 1U << 2;
    if (calendar.months == kFebruary && calendar.days == 1U << 29 && has_every_weekday(calendar)) {
        remarks.emplace_back("Years without a 29 February are skipped.");
        return;
    }
    const bool is_by_number = calendar.days != 0 && std::countr_zero(calendar.days) > 28 && has_every_weekday(calendar);
    remarks.push_back(is_by_number
                          ? fmt::format("Months without a day {} are skipped; $ is the last day of each month.",
                                        std::countr_zero(calendar.days))
                          : "Months without such a day are skipped.");
}

// */7 in minutes: 56 is followed by 0.
void remark_on_step(std::uint64_t set, int size, std::string_view unit, std::string_view larger,
                    std::vector<std::string>& remarks) {
    const int step = any_step(set, 0, size);
    if (step > 1 && size % step != 0) {
        const int last = (size - 1) / step * step;
        remarks.push_back(fmt::format("Steps begin anew each {}: {} {} is followed by {} 0, {} {}s later; for even "
                                      "steps write \"every {} {}s\".",
                                      larger, unit, last, unit, size - last, unit, step, unit));
    }
}

}  // namespace

std::vector<std::string> remarks(const Expression& expression) {
    std::vector<std::string> remarks;
    if (const Every* every = expression.every()) {
        if (every->step.micros != 0 && every->step.micros % base::kMicrosPerDay == 0) {
            remarks.emplace_back(
                "Hours are counted as they pass: its time of day moves when the clocks change; steps of "
                "days keep it.");
        }
    }
    const Calendar* calendar = expression.calendar();
    if (calendar == nullptr) {
        return remarks;
    }
    if (calendar->has_seconds) {
        remarks.emplace_back("The first of its six fields is the second.");
    }
    remark_on_step(calendar->seconds, 60, "second", "minute", remarks);
    remark_on_step(calendar->minutes, 60, "minute", "hour", remarks);
    remark_on_step(calendar->hours, 24, "hour", "day", remarks);
    remark_on_days(*calendar, remarks);
    remark_on_months(*calendar, remarks);
    return remarks;
}

}  // namespace steward::schedule
