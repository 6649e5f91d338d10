// SPDX-License-Identifier: PostgreSQL
#include "schedule/next_run.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test_zone.hpp"

namespace steward::schedule {
namespace {

using base::Instant;
using test::local;
using test::TestZone;
using test::utc_instant;

Expression parse(const std::string& text) {
    auto parsed = parse_schedule(text);
    EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.failure().message);
    return parsed.ok() ? std::move(parsed).value() : Expression{};
}

// The next runs in UTC without seconds where they are 0: '2025-03-09 07:00'.
std::vector<std::string> runs(const std::string& text, const base::Zone& zone, Instant after, std::size_t count) {
    const Expression expression = parse(text);
    std::vector<std::string> result;
    const Instant anchor = after;
    for (auto at = next_run(expression, zone, after, anchor); at && result.size() < count;
         at = next_run(expression, zone, *at, anchor)) {
        std::string shown = base::format_local(base::LocalTime{at->micros});
        if (shown.size() == 19 && shown.substr(16) == ":00") {
            shown.resize(16);
        }
        result.push_back(shown);
    }
    return result;
}

struct Case {
    const char* text;
    const char* zone;
    base::LocalTime after;
    std::vector<std::string> utc;
};

void expect_all(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        const TestZone zone(c.zone);
        EXPECT_EQ(runs(c.text, zone, base::to_instant(c.after, zone), c.utc.size()), c.utc)
            << c.text << " in " << c.zone << " after " << base::format_local(c.after);
    }
}

using Texts = std::vector<std::string>;

TEST(ScheduleNextRun, conformance_list) {
    expect_all({
        {"30 2 * * *", "America/New_York", local(2025, 3, 8, 12), {"2025-03-09 07:00", "2025-03-10 06:30"}},
        {"30 1 * * *",
         "America/New_York",
         local(2025, 11, 1, 12),
         {"2025-11-02 05:30", "2025-11-03 06:30", "2025-11-04 06:30"}},
        {"30 1 * * *", "Europe/London", local(2026, 3, 28, 12), {"2026-03-29 01:00", "2026-03-30 00:30"}},
        {"0 12 * * *", "Pacific/Apia", local(2011, 12, 28, 18), {"2011-12-29 22:00", "2011-12-30 22:00"}},
        {"0 12 $ * *", "UTC", local(2024, 1, 31, 12), {"2024-02-29 12:00", "2024-03-31 12:00"}},
        {"0 0 13 * 5",
         "UTC",
         local(2025, 6, 1),
         {"2025-06-06 00:00", "2025-06-13 00:00", "2025-06-20 00:00", "2025-06-27 00:00"}},
        {"0 0 */2 * 1", "UTC", local(2025, 6, 1), {"2025-06-09 00:00", "2025-06-23 00:00", "2025-07-07 00:00"}},
        {"*/7 * * * *", "UTC", local(2025, 6, 3, 0, 50), {"2025-06-03 00:56", "2025-06-03 01:00", "2025-06-03 01:07"}},
    });
}

TEST(ScheduleNextRun, several_skipped_times_make_one_run) {
    expect_all({
        {"0,15,30,45 2 * * *", "America/New_York", local(2025, 3, 8, 12), {"2025-03-09 07:00", "2025-03-10 06:00"}},
        // 03:00 is there, 02:30 is not: both meet.
        {"0,30 2,3 * * *", "America/New_York", local(2025, 3, 9, 1), {"2025-03-09 07:00", "2025-03-09 07:30"}},
        {"15,45 30 2 * * *", "America/New_York", local(2025, 3, 9, 1), {"2025-03-09 07:00", "2025-03-10 06:30:15"}},
        {"0 0 * * *", "America/Santiago", local(2025, 9, 6, 12), {"2025-09-07 04:00", "2025-09-08 03:00"}},
        {"0 0 * * *", "Asia/Beirut", local(2025, 3, 29, 12), {"2025-03-29 22:00", "2025-03-30 21:00"}},
        {"30 0 * * *", "Africa/Cairo", local(2025, 4, 24, 12), {"2025-04-24 22:00", "2025-04-25 21:30"}},
        {"15 2 * * *", "Australia/Lord_Howe", local(2025, 10, 4, 12), {"2025-10-04 15:30", "2025-10-05 15:15"}},
        {"30 1,2 * * *", "Antarctica/Troll", local(2025, 3, 30, 0), {"2025-03-30 01:00", "2025-03-30 23:30"}},
    });
}

TEST(ScheduleNextRun, what_comes_twice_runs_the_first_time) {
    expect_all({
        {"30 23 * * *", "America/Santiago", local(2025, 4, 5, 12), {"2025-04-06 02:30", "2025-04-07 03:30"}},
        {"45 1 * * *", "Australia/Lord_Howe", local(2025, 4, 5, 12), {"2025-04-05 14:45", "2025-04-06 15:15"}},
        {"30 1,2 * * *",
         "Antarctica/Troll",
         local(2025, 10, 26, 0),
         {"2025-10-25 23:30", "2025-10-26 00:30", "2025-10-27 01:30"}},
    });
    // Asked in the middle of the second pass, too.
    const TestZone zone("America/New_York");
    for (const int minute : {0, 29, 30, 31, 59}) {
        EXPECT_EQ(runs("30 1 * * *", zone, utc_instant(2025, 11, 2, 6, minute), 1), Texts{"2025-11-03 06:30"});
    }
    EXPECT_EQ(runs("30 1 * * *", zone, utc_instant(2025, 11, 2, 5, 29), 1), Texts{"2025-11-02 05:30"});
}

TEST(ScheduleNextRun, wildcards_follow_real_time) {
    expect_all({
        {"30 * * * *",
         "America/New_York",
         local(2025, 11, 2, 0),
         {"2025-11-02 04:30", "2025-11-02 05:30", "2025-11-02 06:30", "2025-11-02 07:30"}},
        {"30 * * * *", "America/New_York", local(2025, 3, 9, 1), {"2025-03-09 06:30", "2025-03-09 07:30"}},
        {"*/30 2 * * *", "America/New_York", local(2025, 3, 9, 0), {"2025-03-10 06:00"}},
        {"*/30 1 * * *",
         "America/New_York",
         local(2025, 11, 2, 0),
         {"2025-11-02 05:00", "2025-11-02 05:30", "2025-11-02 06:00", "2025-11-02 06:30", "2025-11-03 06:00"}},
    });
}

TEST(ScheduleNextRun, an_answer_is_later_than_asked_to_the_microsecond) {
    const TestZone zone("America/New_York");
    const Instant jump = utc_instant(2025, 3, 9, 7);
    EXPECT_EQ(runs("30 2 * * *", zone, Instant{jump.micros - 1}, 1), Texts{"2025-03-09 07:00"});
    EXPECT_EQ(runs("30 2 * * *", zone, jump, 1), Texts{"2025-03-10 06:30"});
    EXPECT_EQ(runs("* * * * *", base::utc(), Instant{-1}, 1), Texts{"1970-01-01 00:00"});
    EXPECT_EQ(runs("* * * * *", base::utc(), Instant{0}, 1), Texts{"1970-01-01 00:01"});
    EXPECT_EQ(runs("* * * * * *", base::utc(), Instant{1}, 1), Texts{"1970-01-01 00:00:01"});
}

TEST(ScheduleNextRun, a_correction_of_the_clock_is_not_made_up_for) {
    const TestZone apia("Pacific/Apia");
    EXPECT_EQ(runs("0 0 30 12 *", apia, utc_instant(2011, 1, 1), 1), Texts{"2012-12-29 10:00"});
    // Kwajalein lived through 30 September 1969 twice, but for an hour.
    const TestZone kwajalein("Pacific/Kwajalein");
    EXPECT_EQ(runs("0 12 * * *", kwajalein, utc_instant(1969, 9, 29, 2), 3),
              (Texts{"1969-09-30 01:00", "1969-10-01 00:00", "1969-10-02 00:00"}));
}

TEST(ScheduleNextRun, pg_cron_bugs_are_not_ours) {
    expect_all({
        {"@yearly", "UTC", local(2025, 6, 1), {"2026-01-01 00:00", "2027-01-01 00:00"}},
        {"@annually", "Europe/Berlin", local(2025, 6, 1), {"2025-12-31 23:00"}},
        // The last day is the calendar's, not "24 hours before the first".
        {"30 0 $ * *", "Europe/Berlin", local(2021, 10, 30, 12), {"2021-10-30 22:30", "2021-11-29 23:30"}},
        {"30 23 $ * *", "Europe/Berlin", local(2024, 3, 30, 12), {"2024-03-31 21:30"}},
        {"30 0 $ * *", "Europe/Berlin", local(2027, 10, 30, 12), {"2027-10-30 22:30"}},
        {"30 23 $ * *", "Europe/Berlin", local(2030, 3, 30, 12), {"2030-03-31 21:30"}},
        {"0 0 * * fri-sun", "UTC", local(2025, 6, 3), {"2025-06-06 00:00", "2025-06-07 00:00", "2025-06-08 00:00"}},
        {"0 0 3 * * *", "UTC", local(2025, 6, 3, 12), {"2025-06-04 03:00"}},
    });
}

TEST(ScheduleNextRun, leap_days_are_found_eight_years_ahead) {
    EXPECT_EQ(runs("0 0 29 2 *", base::utc(), utc_instant(2096, 2, 29), 2),
              (Texts{"2104-02-29 00:00", "2108-02-29 00:00"}));
    EXPECT_EQ(runs("0 0 29 2 *", base::utc(), utc_instant(2096, 2, 28, 23, 59), 1), Texts{"2096-02-29 00:00"});
    // Mondays the 29th of February are 28 years apart.
    EXPECT_EQ(runs("0 0 */28 2 MON#5", base::utc(), utc_instant(2025, 1, 1), 1), Texts{});
    EXPECT_EQ(runs("0 0 */28 2 MON#5", base::utc(), utc_instant(2040, 1, 1), 2), Texts{"2044-02-29 00:00"});
}

TEST(ScheduleNextRun, last_days_weekdays_and_working_days) {
    expect_all({
        {"0 0 L-3 * *", "UTC", local(2025, 1, 31), {"2025-02-25 00:00", "2025-03-28 00:00"}},
        {"0 0 L-30 * *", "UTC", local(2025, 1, 31), {"2025-03-01 00:00", "2025-05-01 00:00"}},
        {"0 0 * * FRI#2", "UTC", local(2025, 6, 14), {"2025-07-11 00:00", "2025-08-08 00:00"}},
        {"0 0 * * 5#5", "UTC", local(2025, 6, 1), {"2025-08-29 00:00", "2025-10-31 00:00"}},
        {"0 0 * * fril", "UTC", local(2025, 6, 1), {"2025-06-27 00:00", "2025-07-25 00:00"}},
        {"0 0 15W * *", "UTC", local(2025, 6, 1), {"2025-06-16 00:00", "2025-07-15 00:00", "2025-08-15 00:00"}},
        {"0 0 15W * *", "UTC", local(2025, 11, 1), {"2025-11-14 00:00"}},
        {"0 0 1W * *", "UTC", local(2025, 2, 1), {"2025-02-03 00:00", "2025-03-03 00:00", "2025-04-01 00:00"}},
        {"0 0 31W * *", "UTC", local(2025, 8, 2), {"2025-08-29 00:00", "2025-10-31 00:00"}},
        {"0 0 LW * *", "UTC", local(2025, 8, 1), {"2025-08-29 00:00", "2025-09-30 00:00"}},
    });
}

TEST(ScheduleNextRun, elapsed_steps_count_from_the_anchor) {
    const TestZone zone("Europe/Berlin");
    const Expression quarter = parse("every 15 seconds");
    const Instant anchor{7'500'000};
    EXPECT_EQ(next_run(quarter, zone, anchor, anchor), Instant{22'500'000});
    EXPECT_EQ(next_run(quarter, zone, Instant{22'499'999}, anchor), Instant{22'500'000});
    EXPECT_EQ(next_run(quarter, zone, Instant{22'500'000}, anchor), Instant{37'500'000});
    // A clock set back must not stop the job.
    EXPECT_EQ(next_run(quarter, zone, Instant{0}, anchor), Instant{7'500'000});
    EXPECT_EQ(next_run(quarter, zone, Instant{-7'500'001}, anchor), Instant{-7'500'000});
    EXPECT_EQ(runs("every 24 hours", zone, base::to_instant(local(2025, 3, 29, 12), zone), 1),
              Texts{"2025-03-30 11:00"});
}

TEST(ScheduleNextRun, steps_of_days_keep_the_local_time) {
    const TestZone zone("Europe/Berlin");
    EXPECT_EQ(runs("every day", zone, base::to_instant(local(2025, 3, 28, 12), zone), 3),
              (Texts{"2025-03-29 11:00", "2025-03-30 10:00", "2025-03-31 10:00"}));
    EXPECT_EQ(runs("every 1 week", zone, base::to_instant(local(2025, 10, 20, 2, 30), zone), 2),
              (Texts{"2025-10-27 01:30", "2025-11-03 01:30"}));
    EXPECT_EQ(runs("every day", zone, base::to_instant(local(2025, 3, 29, 2, 30), zone), 2),
              (Texts{"2025-03-30 01:00", "2025-03-31 00:30"}));
    EXPECT_EQ(runs("every day", TestZone("Pacific/Apia"), utc_instant(2011, 12, 28, 10), 3),
              (Texts{"2011-12-29 10:00", "2011-12-30 10:00", "2011-12-31 10:00"}));
}

TEST(ScheduleNextRun, events_have_no_time) {
    for (const char* text : {"@startup", "@promotion", "@after_crash"}) {
        EXPECT_EQ(next_run(parse(text), base::utc(), Instant{0}, Instant{0}), std::nullopt);
    }
}

TEST(ScheduleNextRun, the_ends_of_time_are_no_trap) {
    const std::int64_t least = INT64_MIN;
    const std::int64_t most = INT64_MAX;
    for (const char* text : {"* * * * *", "0 0 29 2 *", "every 15 seconds", "every 417 weeks", "every day"}) {
        const Expression expression = parse(text);
        const Instant last_year{base::kEndMicros - 300 * base::kMicrosPerDay};
        const auto leap_day = next_run(expression, base::utc(), last_year, last_year);
        EXPECT_TRUE(!leap_day || *leap_day > last_year) << text;
        for (const std::int64_t anchor : {least, std::int64_t{0}, most}) {
            for (const std::int64_t after : {least, base::kMinMicros, base::kEndMicros - 1, base::kEndMicros, most}) {
                const auto at = next_run(expression, base::utc(), Instant{after}, Instant{anchor});
                EXPECT_TRUE(!at ||
                            (at->micros > after && at->micros >= base::kMinMicros && at->micros < base::kEndMicros));
                EXPECT_EQ(at.has_value(), after <= base::kMinMicros) << text << after;
            }
        }
    }
}

}  // namespace
}  // namespace steward::schedule
