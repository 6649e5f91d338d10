// SPDX-License-Identifier: PostgreSQL
#include "schedule/explain.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "test_zone.hpp"

namespace steward::schedule {
namespace {

using test::local;
using test::TestZone;

using Texts = std::vector<std::string>;

Expression parse(const std::string& text) {
    auto parsed = parse_schedule(text);
    EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.failure().message);
    return parsed.ok() ? std::move(parsed).value() : Expression{};
}

// "2026-03-29 03:00:00+02 | note"
Texts explained(const char* text, const char* zone_name, base::LocalTime after, int runs) {
    const TestZone zone(zone_name);
    Texts lines;
    for (const ExplainedRun& run : explain(parse(text), zone, runs, base::to_instant(after, zone))) {
        EXPECT_EQ(run.local_time, base::format_instant(run.at, zone));
        lines.push_back(run.local_time + (run.note.empty() ? "" : " | " + run.note));
    }
    return lines;
}

TEST(ScheduleExplain, a_run_says_what_the_clock_does_to_it) {
    EXPECT_EQ(explained("30 2 * * *", "Europe/Berlin", local(2026, 3, 28, 0), 3),
              (Texts{"2026-03-28 02:30:00+01",
                     "2026-03-29 03:00:00+02 | 02:30 falls into the gap of 2026-03-29 02:00-03:00, runs at its end",
                     "2026-03-30 02:30:00+02"}));
    EXPECT_EQ(explained("30 2 * * *", "Europe/Berlin", local(2026, 10, 24, 12), 2),
              (Texts{"2026-10-25 02:30:00+02 | 02:30 comes twice on 2026-10-25, runs in the first pass only",
                     "2026-10-26 02:30:00+01"}));
    EXPECT_EQ(explained("0 3 * * *", "Europe/Berlin", local(2026, 3, 28, 12), 1), Texts{"2026-03-29 03:00:00+02"});
    EXPECT_EQ(explained("0 0 * * *", "America/Santiago", local(2025, 9, 6, 12), 1),
              Texts{"2025-09-07 01:00:00-03 | 00:00 falls into the gap of 2025-09-07 00:00-01:00, runs at its end"});
}

TEST(ScheduleExplain, wildcards_tell_what_is_lost_and_what_comes_again) {
    EXPECT_EQ(
        explained("*/30 * * * *", "Europe/Berlin", local(2026, 3, 29, 1, 0), 2),
        (Texts{"2026-03-29 01:30:00+01", "2026-03-29 03:00:00+02 | nothing in the gap of 2026-03-29 02:00-03:00"}));
    EXPECT_EQ(explained("30 * * * *", "Europe/Berlin", local(2026, 10, 25, 1, 30), 3),
              (Texts{"2026-10-25 02:30:00+02 | 02:30 comes twice on 2026-10-25, this is the first pass",
                     "2026-10-25 02:30:00+01 | 02:30 comes twice on 2026-10-25, this is the second pass",
                     "2026-10-25 03:30:00+01"}));
    EXPECT_EQ(explained("0 12 * * *", "Pacific/Apia", local(2011, 12, 29, 12), 1),
              Texts{"2011-12-31 12:00:00+14 | nothing in the gap of 2011-12-30 00:00-2011-12-31 00:00"});
}

TEST(ScheduleExplain, skipped_months_are_named) {
    EXPECT_EQ(explained("0 0 31 * *", "UTC", local(2026, 1, 31), 2),
              (Texts{"2026-03-31 00:00:00+00 | February 2026 has no such day",
                     "2026-05-31 00:00:00+00 | April 2026 has no such day"}));
    EXPECT_EQ(
        explained("0 0 29 2 *", "UTC", local(2096, 3, 1), 1),
        Texts{"2104-02-29 00:00:00+00 | February 2097, February 2098, February 2099 and 4 more have no such day"});
    EXPECT_EQ(explained("0 0 $ * *", "UTC", local(2026, 1, 31), 1), Texts{"2026-02-28 00:00:00+00"});
}

TEST(ScheduleExplain, steps_of_days_tell_of_the_clock_too) {
    EXPECT_EQ(explained("every day", "Europe/Berlin", local(2026, 3, 28, 2, 30), 2),
              (Texts{"2026-03-29 03:00:00+02 | falls into the gap of 2026-03-29 02:00-03:00, runs at its end",
                     "2026-03-30 02:30:00+02"}));
    EXPECT_EQ(explained("every week", "Europe/Berlin", local(2026, 10, 18, 2, 30), 1),
              Texts{"2026-10-25 02:30:00+02 | 02:30 comes twice on 2026-10-25, runs in the first pass only"});
    EXPECT_EQ(explained("every 24 hours", "Europe/Berlin", local(2026, 3, 28, 2, 30), 1),
              Texts{"2026-03-29 03:30:00+02"});
}

TEST(ScheduleExplain, events_and_what_has_no_run_have_no_lines) {
    EXPECT_EQ(explained("@startup", "UTC", local(2026, 1, 1), 5), Texts{});
    EXPECT_EQ(explained("0 0 */28 2 MON#5", "UTC", local(2026, 1, 1), 5), Texts{});
    EXPECT_EQ(explained("* * * * *", "UTC", local(2026, 1, 1), 0), Texts{});
    EXPECT_EQ(explained("* * * * *", "UTC", local(2026, 1, 1), -1), Texts{});
}

TEST(ScheduleExplain, an_anchor_at_the_ends_of_time_is_no_trap) {
    const base::Instant now = test::utc_instant(2026, 1, 1);
    for (const std::int64_t anchor : {INT64_MIN, INT64_MAX}) {
        EXPECT_EQ(explain(parse("every day"), TestZone("Europe/Berlin"), 2, now, base::Instant{anchor}).size(), 2U);
    }
}

TEST(ScheduleExplain, a_schedule_reads_as_a_sentence) {
    const std::pair<const char*, const char*> sentences[] = {
        {"30 2 * * *", "At 02:30 every day."},
        {"30 2 * * 1-5", "At 02:30 on Monday to Friday."},
        {"0 9,12,18 * * *", "At 09:00, 12:00 and 18:00 every day."},
        {"15 30 2 * * *", "At 02:30:15 every day."},
        {"* * * * *", "Every minute."},
        {"*/5 * * * *", "Every 5 minutes."},
        {"*/5 9-17 * * 1-5", "Every 5 minutes in the hours 9 to 17 on Monday to Friday."},
        {"*/5 */12 * * *", "Every 5 minutes in every 12th hour."},
        {"*/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour."},
        {"5 * * * *", "At minute 5 of every hour."},
        {"0 */2 * * *", "Every 2 hours."},
        {"@hourly", "Every hour."},
        {"@weekly", "At 00:00 on Sunday."},
        {"@yearly", "At 00:00 on day 1 in January."},
        {"0 0 1 nov-feb *", "At 00:00 on day 1 in January, February, November and December."},
        {"* * * * * *", "Every second."},
        {"*/10 * * * * *", "Every 10 seconds."},
        {"30 * * * * *", "At second 30 of every minute."},
        {"*/10 5 * * * *", "Every 10 seconds, at minute 5 of every hour."},
        {"0 0 13 * 5", "At 00:00 on day 13 of the month and on Friday."},
        {"0 0 */2 * 1", "At 00:00 on odd days of the month if it is Monday."},
        {"0 0 * * fri-sun", "At 00:00 on Friday to Sunday."},
        {"0 0 1-31 * 1", "At 00:00 every day."},
        {"0 0 1,$ * *", "At 00:00 on day 1 and the last day of the month."},
        {"0 0 L-1,L-3 * *", "At 00:00 on the last day but one and the day 3 days before the last of the month."},
        {"0 0 15W,LW * *", "At 00:00 on the working day nearest to day 15 and the last working day of the month."},
        {"0 0 * * FRI#2,FRIL", "At 00:00 on the second Friday and the last Friday of the month."},
        {"every 15 seconds", "Every 15 seconds from when it was scheduled."},
        {"every 90 minutes", "Every 90 minutes from when it was scheduled."},
        {"every 48 hours", "Every 48 hours from when it was scheduled."},
        {"every day", "Every day at the time of day it was scheduled."},
        {"every 14 days", "Every 2 weeks at the time of day it was scheduled."},
        {"@startup", "Once at each start of the server."},
        {"@promotion", "Once when a standby is promoted to primary."},
        {"@after_crash", "Once when the server has restarted after a crash."},
    };
    for (const auto& [text, sentence] : sentences) {
        EXPECT_EQ(describe(parse(text)), sentence) << text;
    }
}

TEST(ScheduleExplain, what_surprises_is_remarked_on) {
    EXPECT_EQ(remarks(parse("30 2 * * *")), Texts{});
    EXPECT_EQ(remarks(parse("@startup")), Texts{});
    EXPECT_EQ(remarks(parse("every day")), Texts{});
    EXPECT_EQ(remarks(parse("0 0 13 * 1")),
              Texts{"Day of month and day of week are ORed: it runs on day 13, and also on every Monday; for both at "
                    "once let one of the fields begin with *."});
    EXPECT_EQ(remarks(parse("0 0 13 * FRI#2")),
              Texts{"Day of month and day of week are ORed: it runs on day 13, and also on the second Friday of the "
                    "month; for both at once let one of the fields begin with *."});
    EXPECT_EQ(remarks(parse("0 0 */2 * 1")),
              Texts{"As one of the fields begins with *, day of month and day of week must "
                    "both match: odd days, and Monday."});
    EXPECT_EQ(remarks(parse("0 0 31 * *")),
              Texts{"Months without a day 31 are skipped; $ is the last day of each month."});
    EXPECT_EQ(remarks(parse("0 0 * * FRI#5")), Texts{"Months without such a day are skipped."});
    EXPECT_EQ(remarks(parse("0 0 29 2 *")), Texts{"Years without a 29 February are skipped."});
    EXPECT_EQ(remarks(parse("0 0 3 * * *")), Texts{"The first of its six fields is the second."});
    EXPECT_EQ(remarks(parse("*/7 * * * *")), Texts{"Steps begin anew each hour: minute 56 is followed by minute 0, 4 "
                                                   "minutes later; for even steps write \"every 7 minutes\"."});
    EXPECT_EQ(remarks(parse("0 */5 * * *")), Texts{"Steps begin anew each day: hour 20 is followed by hour 0, 4 hours "
                                                   "later; for even steps write \"every 5 hours\"."});
    EXPECT_EQ(remarks(parse("every 24 hours")), Texts{"Hours are counted as they pass: its time of day moves when the "
                                                      "clocks change; steps of days keep it."});
}

}  // namespace
}  // namespace steward::schedule
