// SPDX-License-Identifier: PostgreSQL
#include "schedule/pg_cron.hpp"

#include <gtest/gtest.h>

#include "test_zone.hpp"

namespace steward::schedule {
namespace {

using test::local;
using test::TestZone;

base::Result<CronReading> read(const char* text, const char* zone_name = "UTC", bool matches_both_days = false) {
    const TestZone zone(zone_name);
    return read_pg_cron(text, matches_both_days, zone, base::to_instant(local(2026, 1, 15, 0), zone));
}

// The schedule, and the notes behind it.
std::string shown(const char* text, const char* zone_name = "UTC") {
    auto reading = read(text, zone_name);
    if (!reading) return reading.failure().message;
    std::string all = reading->schedule;
    for (const std::string& note : reading->notes) all += " | " + note;
    return all;
}

TEST(SchedulePgCron, what_means_the_same_stays_as_it_is) {
    for (const char* text : {"30 2 * * *", "*/7 1-5 $ jan-mar mon,7", "10 seconds", "@hourly", "@daily", "0 0 * * 5-7"})
        EXPECT_EQ(shown(text), text);
    EXPECT_EQ(shown("  0\t0 * *  1 "), "0 0 * * 1");
}

TEST(SchedulePgCron, what_means_something_else_is_noted) {
    EXPECT_NE(shown("@reboot").find("@startup | runs at each start"), std::string::npos);
    EXPECT_NE(shown("@yearly").find("@yearly | runs on 1 January"), std::string::npos);
    EXPECT_NE(shown("0 0 3 * * *").find("0 0 3 * * | pg_cron reads five fields and leaves out \"*\""),
              std::string::npos);
    EXPECT_NE(shown("0 0 3 * * 5 6 x").find("leaves out \"5 6 x\""), std::string::npos);
    EXPECT_NE(shown("0 0 * * MON#1").find("MON#1 is one weekday"), std::string::npos);
    EXPECT_NE(shown("0 0 * * fri-sun").find("fri-sun goes round the end"), std::string::npos);
    EXPECT_NE(shown("0 0 * nov-feb *").find("nov-feb goes round the end"), std::string::npos);
    EXPECT_NE(shown("30 2 * * *", "Europe/Berlin").find("once where the clocks change"), std::string::npos);
    EXPECT_EQ(shown("30 * * * *", "Europe/Berlin"), "30 * * * *");
    EXPECT_EQ(shown("30 2 * * *", "Asia/Tokyo"), "30 2 * * *");
}

TEST(SchedulePgCron, what_is_no_schedule_here_says_why) {
    for (const char* text : {"50-10 * * * *", "*5 * * * *", "5;10 * * * *", "0 0 30 2 *", "", "* * * *", "@never"})
        EXPECT_EQ(shown(text).rfind("invalid schedule", 0), 0U) << text;
}

TEST(SchedulePgCron, a_setting_that_makes_both_days_match_is_not_lost) {
    EXPECT_TRUE(read("0 0 13 * 5").ok());
    EXPECT_FALSE(read("0 0 13 * 5", "UTC", true).ok());
    EXPECT_TRUE(read("0 0 13 * *", "UTC", true).ok());
    EXPECT_TRUE(read("0 0 */2 * 5", "UTC", true).ok());
}

}  // namespace
}  // namespace steward::schedule
