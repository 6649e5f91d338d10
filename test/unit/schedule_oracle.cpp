// SPDX-License-Identifier: PostgreSQL
//
// The next run as a walk finds it, instant by instant and day by day, against next_run().
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "schedule/calendar.hpp"
#include "schedule/next_run.hpp"
#include "schedule_oracle.hpp"
#include "test_zone.hpp"

namespace steward::schedule {
namespace {

using base::Instant;
using test::Date;
using test::RandomSchedule;
using test::ScheduleDice;
using test::TestZone;

constexpr std::int64_t kLargestShift = 3 * 3600;

Date date_of(std::int64_t local_day) {
    const std::time_t seconds = local_day * 86400;
    std::tm tm{};
    gmtime_r(&seconds, &tm);
    return Date{tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_wday};
}

// A stretch of a zone's time with a change in it, as the C library shows it.
struct Window {
    const char* zone;
    std::int64_t begin = 0;
    std::int64_t step = 60;
    std::vector<std::int64_t> local;

    Window(const char* name, std::int64_t from, std::int64_t to, std::int64_t grid)
        : zone(name), begin(from), step(grid) {
        const TestZone clock(name);
        for (std::int64_t at = from; at <= to; at += grid) {
            local.push_back(at + clock.offset_seconds(Instant{at * base::kMicrosPerSecond}));
        }
    }
};

class Walk {
public:
    Walk(const RandomSchedule& schedule, const Window& window) : schedule_(schedule), window_(window) {}

    std::vector<std::int64_t> runs() {
        std::vector<std::int64_t> result;
        std::int64_t repeats_until = std::numeric_limits<std::int64_t>::min();
        for (std::size_t i = 1; i < window_.local.size(); ++i) {
            const std::int64_t expected = window_.local[i - 1] + window_.step;
            const std::int64_t shown = window_.local[i];
            bool is_run = matches(shown);
            if (schedule_.is_fixed && shown > expected && shown - expected <= kLargestShift) {
                for (std::int64_t skipped = expected; skipped < shown; skipped += window_.step) {
                    is_run = is_run || matches(skipped);
                }
            }
            if (schedule_.is_fixed && shown < expected && expected - shown <= kLargestShift) {
                repeats_until = expected;
            }
            if (schedule_.is_fixed && shown < repeats_until) {
                is_run = false;
            }
            if (is_run) {
                result.push_back(window_.begin + static_cast<std::int64_t>(i) * window_.step);
            }
        }
        return result;
    }

private:
    bool matches(std::int64_t local) {
        const std::int64_t day = local >= 0 ? local / 86400 : (local + 1) / 86400 - 1;
        return schedule_.matches_clock(static_cast<int>(local - day * 86400)) && matches_day(day);
    }
    bool matches_day(std::int64_t day) {
        const auto known = days_.find(day);
        if (known != days_.end()) return known->second;
        return days_.emplace(day, schedule_.matches(date_of(day))).first->second;
    }

    const RandomSchedule& schedule_;
    const Window& window_;
    std::map<std::int64_t, bool> days_;
};

struct Change {
    const char* zone;
    int year, month, day, hour, minute;  // UTC
};

constexpr Change kChanges[] = {
    {"America/New_York", 2025, 3, 9, 7, 0},
    {"America/New_York", 2025, 11, 2, 6, 0},
    {"Europe/Berlin", 2026, 3, 29, 1, 0},
    {"Europe/Berlin", 2026, 10, 25, 1, 0},
    {"Europe/London", 2024, 3, 31, 1, 0},
    {"Australia/Lord_Howe", 2025, 10, 4, 15, 30},
    {"Australia/Lord_Howe", 2025, 4, 5, 15, 0},
    {"Antarctica/Troll", 2025, 3, 30, 1, 0},
    {"Antarctica/Troll", 2025, 10, 26, 1, 0},
    {"America/Santiago", 2025, 9, 7, 4, 0},
    {"America/Santiago", 2025, 4, 6, 3, 0},
    {"Asia/Beirut", 2025, 3, 29, 22, 0},
    {"Asia/Beirut", 2025, 10, 25, 21, 0},
    {"Africa/Cairo", 2025, 4, 24, 22, 0},
    {"Africa/Cairo", 2025, 10, 30, 21, 0},
    {"Pacific/Apia", 2011, 12, 30, 10, 0},
    {"Pacific/Kwajalein", 1969, 9, 30, 13, 0},
    {"Pacific/Kwajalein", 1993, 8, 21, 12, 0},
    {"America/St_Johns", 2006, 10, 29, 2, 31},
    {"America/St_Johns", 1988, 4, 3, 3, 31},
    {"Asia/Pyongyang", 2018, 5, 4, 15, 0},
    {"America/Caracas", 2007, 12, 9, 7, 0},
    {"Africa/Casablanca", 2025, 2, 23, 2, 0},
    {"Asia/Kolkata", 2025, 1, 1, 0, 0},
    {"America/Recife", 2000, 10, 12, 0, 0},
    {"Antarctica/Casey", 2020, 10, 3, 16, 1},
    {"UTC", 2024, 2, 29, 0, 0},
    {"UTC", 1969, 12, 31, 23, 0},
};

std::int64_t seconds_of(const Change& change) {
    return test::utc_instant(change.year, change.month, change.day, change.hour, change.minute).micros /
           base::kMicrosPerSecond;
}

// `around`: seconds to both sides of a change
void compare(std::uint64_t seed, bool has_seconds, std::int64_t around, int schedules, int questions) {
    ScheduleDice dice(seed);
    int answered = 0;
    for (const Change& change : kChanges) {
        const std::int64_t center = seconds_of(change);
        const Window window(change.zone, center - around, center + around, has_seconds ? 1 : 60);
        const TestZone zone(change.zone);
        for (int n = 0; n < schedules; ++n) {
            const RandomSchedule schedule = dice.schedule(has_seconds);
            const auto expression = parse_schedule(schedule.text);
            if (!expression.ok()) {
                ASSERT_NE(expression.failure().message.find("never"), std::string::npos)
                    << expression.failure().message;
                continue;
            }
            const std::vector<std::int64_t> runs = Walk(schedule, window).runs();
            for (int q = 0; q < questions; ++q) {
                const std::int64_t spread = q % 2 == 0 ? around - 60 : std::min<std::int64_t>(around - 60, 4 * 3600);
                std::int64_t after = dice.roll64(center - spread, center + spread);
                if (!runs.empty() && q % 3 == 0)
                    after = runs[static_cast<std::size_t>(dice.roll(0, static_cast<int>(runs.size()) - 1))];
                const std::int64_t micros = after * base::kMicrosPerSecond + (q % 4 == 0   ? -1
                                                                              : q % 5 == 0 ? 500'000
                                                                                           : 0);
                const auto found = next_run(*expression, zone, Instant{micros}, Instant{0});
                const auto expected = std::find_if(
                    runs.begin(), runs.end(), [&](std::int64_t run) { return run * base::kMicrosPerSecond > micros; });
                if (expected == runs.end()) {
                    const Instant end{(center + around) * base::kMicrosPerSecond};
                    ASSERT_TRUE(!found || *found > end) << schedule.text << " in " << change.zone << " after "
                                                        << base::format_instant(Instant{micros}, zone) << " finds "
                                                        << base::format_instant(*found, zone);
                    continue;
                }
                ++answered;
                const Instant right{*expected * base::kMicrosPerSecond};
                ASSERT_TRUE(found && *found == right) << schedule.text << " in " << change.zone << " after "
                                                      << base::format_instant(Instant{micros}, zone) << " finds "
                                                      << (found ? base::format_instant(*found, zone) : "nothing")
                                                      << ", not " << base::format_instant(right, zone);
            }
        }
    }
    EXPECT_GT(answered, 1000);
}

TEST(ScheduleOracle, walking_minute_by_minute_finds_the_same_runs) { compare(1, false, 6 * 86400, 30, 12); }

TEST(ScheduleOracle, walking_second_by_second_finds_the_same_runs) { compare(2, true, 13'000, 25, 12); }

TEST(ScheduleOracle, walking_day_by_day_finds_the_same_day_years_ahead) {
    ScheduleDice dice(3);
    int none = 0;
    for (int n = 0; n < 2000; ++n) {
        const RandomSchedule schedule = dice.schedule(n % 2 == 0);
        const auto expression = parse_schedule(schedule.text);
        const std::int64_t start = dice.roll64(-30'000, 50'000);
        // At noon, or where every day matches: both the rest of this day and the days behind it are looked at.
        const std::int64_t after = start * 86400 + 12 * 3600;
        std::optional<std::int64_t> expected;
        Date date = date_of(start);
        for (std::int64_t day = start; day <= start + kHorizonDays && !expected; ++day, date = date.next()) {
            if (!schedule.matches(date)) continue;
            for (int second = 0; second < 86400 && !expected; second += schedule.has_seconds ? 1 : 60) {
                if (schedule.matches_clock(second) && day * 86400 + second > after) expected = day * 86400 + second;
            }
        }
        if (expected && *expected - after > kHorizonDays * 86400) expected.reset();
        none += expected ? 0 : 1;
        if (!expression.ok()) {
            ASSERT_FALSE(expected) << schedule.text << ": " << expression.failure().message;
            continue;
        }
        const auto found = next_run(*expression, base::utc(), Instant{after * base::kMicrosPerSecond}, Instant{0});
        ASSERT_EQ(found.has_value(), expected.has_value()) << schedule.text;
        ASSERT_TRUE(!found || found->micros == *expected * base::kMicrosPerSecond) << schedule.text;
    }
    EXPECT_GT(none, 0);
}

TEST(ScheduleOracle, steps_of_days_rise_and_keep_the_clock) {
    ScheduleDice dice(4);
    for (const Change& change : kChanges) {
        const TestZone zone(change.zone);
        for (int n = 0; n < 30; ++n) {
            const int days = dice.roll(1, 20);
            const auto expression = parse_schedule("every " + std::to_string(days) + " days");
            const Instant anchor{(seconds_of(change) - dice.roll64(0, 40 * 86400)) * base::kMicrosPerSecond};
            const base::LocalTime origin = base::to_local(anchor, zone);
            Instant at{(seconds_of(change) + dice.roll64(-30 * 86400, 30 * 86400)) * base::kMicrosPerSecond};
            for (int i = 0; i < 5; ++i) {
                const Instant after = at;
                at = next_run(*expression, zone, after, anchor).value();
                ASSERT_GT(at, after);
                const auto is_due = [&](Instant instant) {
                    const std::int64_t past = base::to_local(instant, zone).micros - origin.micros;
                    return past % (days * base::kMicrosPerDay) == 0;
                };
                const bool behind_gap =
                    find_shift(zone, at.micros / base::kMicrosPerSecond - 1, at.micros / base::kMicrosPerSecond)
                        .has_value();
                ASSERT_TRUE(is_due(at) || behind_gap) << base::format_instant(at, zone);
            }
        }
    }
}

}  // namespace
}  // namespace steward::schedule
