// SPDX-License-Identifier: PostgreSQL
#include "schedule/expression.hpp"

#include <gtest/gtest.h>

#include <string>

namespace steward::schedule {
namespace {

Calendar calendar(const std::string& text) {
    const auto parsed = parse_schedule(text);
    EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.failure().message);
    EXPECT_TRUE(!parsed.ok() || parsed->calendar() != nullptr);
    return parsed.ok() && parsed->calendar() != nullptr ? *parsed->calendar() : Calendar{};
}

std::uint64_t set(std::initializer_list<int> values) {
    std::uint64_t bits = 0;
    for (const int value : values) {
        bits |= std::uint64_t{1} << value;
    }
    return bits;
}

TEST(ScheduleExpression, fields_are_lists_ranges_and_steps) {
    const Calendar c = calendar("5,10-20/5,58-59 9-17/4 1,L,15W jan,jun-aug MON,thu-fri");
    EXPECT_EQ(c.minutes, set({5, 10, 15, 20, 58, 59}));
    EXPECT_EQ(c.hours, set({9, 13, 17}));
    EXPECT_EQ(c.days, set({1}));
    EXPECT_EQ(c.days_before_last, 1U);
    EXPECT_EQ(c.workdays_near, set({15}));
    EXPECT_EQ(c.months, set({1, 6, 7, 8}));
    EXPECT_EQ(c.weekdays, set({1, 4, 5}));
    EXPECT_FALSE(c.has_seconds || c.is_wildcard());
    EXPECT_TRUE(c.is_either_day());
    EXPECT_EQ(c.seconds, 1U);
    EXPECT_EQ(calendar("*/20 * * * *").minutes, set({0, 20, 40}));
    EXPECT_EQ(calendar("*/60 * * * *").minutes, set({0}));
    EXPECT_EQ(calendar("10,30 0 0 * * *").seconds, set({10, 30}));
    EXPECT_TRUE(calendar("10 0 0 * * *").has_seconds);
}

TEST(ScheduleExpression, both_0_and_7_are_sunday) {
    for (const char* text : {"0 0 * * 0", "0 0 * * 7", "0 0 * * sun", "0 0 * * 0,7", "0 0 * * 7-0", "0 0 * * 7-7"}) {
        EXPECT_EQ(calendar(text).weekdays, set({0})) << text;
    }
    EXPECT_EQ(calendar("0 0 * * 0-7").weekdays, 127U);
    EXPECT_EQ(calendar("0 0 * * 5-7").weekdays, set({5, 6, 0}));
    EXPECT_EQ(calendar("0 0 * * sun-sat").weekdays, 127U);
    EXPECT_EQ(calendar("0 0 * * 7#2").nth_weekdays[0], set({2}));
}

TEST(ScheduleExpression, names_and_weekdays_go_round) {
    EXPECT_EQ(calendar("0 0 * * fri-sun").weekdays, set({5, 6, 0}));
    EXPECT_EQ(calendar("0 0 * * Fri-tue/2").weekdays, set({5, 0, 2}));
    EXPECT_EQ(calendar("0 0 * * 5-1").weekdays, set({5, 6, 0, 1}));
    EXPECT_EQ(calendar("0 0 * * 7-3").weekdays, set({0, 1, 2, 3}));
    EXPECT_EQ(calendar("0 0 1 nov-feb *").months, set({11, 12, 1, 2}));
    EXPECT_EQ(calendar("0 0 1 NOV-Mar/2 *").months, set({11, 1, 3}));
}

TEST(ScheduleExpression, last_and_nth_days) {
    EXPECT_EQ(calendar("0 0 $ * *").days_before_last, set({0}));
    EXPECT_EQ(calendar("0 0 L * *"), calendar("0 0 l * *"));
    EXPECT_EQ(calendar("0 0 L-3,L-30 * *").days_before_last, set({3, 30}));
    EXPECT_EQ(calendar("0 0 LW * *").workdays_near, 1U);
    EXPECT_EQ(calendar("0 0 * * FRI#2,fri#4").nth_weekdays[5], set({2, 4}));
    EXPECT_EQ(calendar("0 0 * * FRIL").nth_weekdays[5], set({0}));
    EXPECT_EQ(calendar("0 0 * * 5L"), calendar("0 0 * * fril"));
}

TEST(ScheduleExpression, stars_are_what_a_field_begins_with) {
    EXPECT_TRUE(calendar("*/5 3 * * *").is_wildcard());
    EXPECT_TRUE(calendar("5 */2 * * *").is_wildcard());
    EXPECT_FALSE(calendar("0-59 0-23 * * *").is_wildcard());
    EXPECT_FALSE(calendar("* 30 2 * * *").is_wildcard());
    EXPECT_FALSE(calendar("0 0 */2 * 1").is_either_day());
    EXPECT_FALSE(calendar("0 0 1 * */2").is_either_day());
    EXPECT_TRUE(calendar("0 0 1-31/2 * 1").is_either_day());
}

TEST(ScheduleExpression, words_stand_for_fields) {
    EXPECT_EQ(calendar("@hourly"), calendar("0 * * * *"));
    EXPECT_EQ(calendar("@daily"), calendar("0 0 * * *"));
    EXPECT_EQ(calendar("@midnight"), calendar("0 0 * * *"));
    EXPECT_EQ(calendar("@weekly"), calendar("0 0 * * 0"));
    EXPECT_EQ(calendar("@monthly"), calendar("0 0 1 * *"));
    EXPECT_EQ(calendar("@yearly"), calendar("0 0 1 1 *"));
    EXPECT_EQ(calendar(" @Annually\n"), calendar("0 0 1 1 *"));
}

TEST(ScheduleExpression, events_of_the_server) {
    EXPECT_EQ(*parse_schedule("@startup")->event(), Event::startup);
    EXPECT_EQ(*parse_schedule("@promotion")->event(), Event::promotion);
    EXPECT_EQ(*parse_schedule("@AFTER_CRASH")->event(), Event::after_crash);
}

TEST(ScheduleExpression, intervals_have_a_number_and_a_unit) {
    const auto step = [](const char* text) {
        const auto parsed = parse_schedule(text);
        EXPECT_TRUE(parsed.ok() && parsed->every() != nullptr) << text;
        return parsed.ok() && parsed->every() != nullptr ? base::format_interval(parsed->every()->step) : "";
    };
    for (const char* text :
         {"every 15 seconds", "every 15s", "EVERY 15 sec", "15 seconds", "15s", " every  15 secs "}) {
        EXPECT_EQ(step(text), "00:00:15") << text;
    }
    EXPECT_EQ(step("every 5 minutes"), "00:05:00");
    EXPECT_EQ(step("every minute"), "00:01:00");
    EXPECT_EQ(step("every 2 hours"), "02:00:00");
    EXPECT_EQ(step("every 36 hours"), "36:00:00");
    EXPECT_EQ(step("every day"), "1 day");
    EXPECT_EQ(step("every 2 weeks"), "14 days");
    EXPECT_EQ(step("every 2922 days"), "2922 days");
}

TEST(ScheduleExpression, the_text_is_kept_as_written) {
    EXPECT_EQ(parse_schedule("  0 0  * * FRI \t")->text, "0 0  * * FRI");
    EXPECT_EQ(parse_schedule("\n@Daily ")->text, "@Daily");
}

struct Refusal {
    const char* text;
    int position;
    const char* fact;
    const char* hint;  // a part of it
};

void expect_refused(const Refusal& refusal) {
    const auto parsed = parse_schedule(refusal.text);
    ASSERT_FALSE(parsed.ok()) << refusal.text;
    const base::Failure& failure = parsed.failure();
    EXPECT_EQ(failure.sqlstate, "22023");
    EXPECT_EQ(failure.message, std::string("invalid schedule \"") + refusal.text + "\": " + refusal.fact +
                                   " (position " + std::to_string(refusal.position) + ")");
    EXPECT_NE(failure.hint.find(refusal.hint), std::string::npos) << refusal.text << ": " << failure.hint;
}

TEST(ScheduleExpression, nonsense_in_a_field_is_refused_with_its_position) {
    const Refusal refusals[] = {
        {"50-10 * * * *", 1, "the range 50-10 of minute runs backwards", "Write 50-59,0-10."},
        {"0 22-6 * * *", 3, "the range 22-6 of hour runs backwards", "Write 22-23,0-6."},
        {"0 0 1 11-2 *", 7, "the range 11-2 of month runs backwards", "Write 11-12,1-2."},
        {"5;10 * * * *", 2, "unexpected \";\" in minute", "commas"},
        {"*5 * * * *", 2, "unexpected \"5\" in minute", "*/5"},
        {"*/0 * * * *", 3, "a step of 0 in minute goes nowhere", "1"},
        {"*/ * * * *", 3, "the step of minute is missing", "number"},
        {"*/90 * * * *", 3, "the step 90 of minute is larger than its range of 60 values", "\"every 90 minutes\""},
        {"1-5/6 * * * *", 5, "the step 6 of minute is larger than its range of 5 values", "Write 1"},
        {"5/10 * * * *", 1, "a step in minute needs a range", "Write 5-59/10."},
        {"60 * * * *", 1, "minute 60 is not within 0 to 59", ""},
        {"0 24 * * *", 3, "hour 24 is not within 0 to 23", "Midnight is hour 0."},
        {"0 0 0 * *", 5, "day of month 0 is not within 1 to 31", ""},
        {"0 0 32 * *", 5, "day of month 32 is not within 1 to 31", ""},
        {"0 0 1 13 *", 7, "month 13 is not within 1 to 12", ""},
        {"0 0 * * 8", 9, "day of week 8 is not within 0 to 7", ""},
        {"99999999999999999999999999 * * * *", 1, "minute 99999999999999999999 is not within 0 to 59", ""},
        {"*/99999999999 * * * *", 3, "the step 99999999999 of minute is larger than its range of 60 values", ""},
        {"-5 * * * *", 1, "unexpected \"-\" in minute", ""},
        {"5- * * * *", 3, "a value of minute is missing", ""},
        {"5, * * * *", 3, "a value of minute is missing", "comma"},
        {",5 * * * *", 1, "unexpected \",\" in minute", ""},
        {"? * * * *", 1, "unexpected \"?\" in minute", "Write * instead."},
        {"1-5-7 * * * *", 4, "unexpected \"-\" in minute", ""},
        {"x * * * *", 1, "unexpected \"x\" in minute", "numbers"},
        {"0 0 MON#1 * *", 5, "unexpected \"MON\" in day of month", "last field"},
        {"0 0 * MON *", 7, "unexpected \"MON\" in month", "last field"},
        {"0 0 * * JAN", 9, "unexpected \"JAN\" in day of week", "last field but one"},
        {"0 0 * * monday", 9, "unexpected \"monday\" in day of week", "three letters"},
        {"0 0 * june *", 7, "unexpected \"june\" in month", "three letters"},
        {"0 0 * * L", 9, "unexpected \"L\" in day of week", "FRIL"},
        {"0 0 * * FRI#6", 13, "no month has a day of week #6", "1 to 5"},
        {"0 0 * * FRI#0", 13, "no month has a day of week #0", "1 to 5"},
        {"0 0 * * FRI#", 13, "a value of day of week is missing", ""},
        {"0 0 * * MON-FRI#2", 16, "unexpected \"#\" in day of week", ""},
        {"0 0 L-31 * *", 5, "no month has a day 31 before its last", "L-30"},
        {"0 0 $-1 * *", 6, "unexpected \"-\" in day of month", ""},
        {"0 0 15WW * *", 8, "unexpected \"W\" in day of month", ""},
        {"0 0 32W * *", 5, "day of month 32 is not within 1 to 31", ""},
        {"0 0 * * 1W", 10, "unexpected \"W\" in day of week", ""},
        {"5L * * * *", 2, "unexpected \"L\" in minute", ""},
    };
    for (const Refusal& refusal : refusals) {
        expect_refused(refusal);
    }
}

TEST(ScheduleExpression, the_number_of_fields_is_five_or_six) {
    const Refusal refusals[] = {
        {"", 1, "it is empty", "five fields"},
        {"  ", 1, "it is empty", "five fields"},
        {"5", 2, "it has 1 field, not 5 or 6", "five fields"},
        {"* * * *", 8, "it has 4 fields, not 5 or 6", "five fields"},
        {"* * * * * * *", 13, "unexpected \"*\" behind its fields", "six with the second"},
        {"0 3 * * * UTC", 11, "unexpected \"UTC\" in day of week", ""},
        {"@daily x", 8, "unexpected \"x\" behind @daily", ""},
        {"@reboot", 1, "@reboot does not say what is meant", "@startup"},
        {"@reboot", 1, "@reboot does not say what is meant", "@promotion"},
        {"@reboot", 1, "@reboot does not say what is meant", "@after_crash"},
        {"@fortnightly", 1, "@fortnightly is not known", "@weekly"},
        {"* * * * \xC3\xA4", 9, "there is a character that no schedule has", ""},
        {"* *\x01* * *", 4, "there is a character that no schedule has", ""},
    };
    for (const Refusal& refusal : refusals) {
        expect_refused(refusal);
    }
    EXPECT_FALSE(parse_schedule(std::string_view("* * *\0* *", 9)).ok());
    const auto longest = parse_schedule(std::string(kMaxTextBytes - 9, '0') + " * * * * ");
    EXPECT_FALSE(parse_schedule(std::string(kMaxTextBytes + 1, ' ')).ok());
    EXPECT_TRUE(longest.ok());
}

TEST(ScheduleExpression, intervals_that_make_no_sense_are_refused) {
    const Refusal refusals[] = {
        {"every 0 seconds", 7, "a step of 0 goes nowhere", ""},
        {"0 seconds", 1, "a step of 0 goes nowhere", ""},
        {"every", 6, "the number is missing", "unit"},
        {"every 5", 8, "the unit is missing", "seconds"},
        {"every -5 minutes", 7, "the number is missing", "whole number"},
        {"every 1.5 hours", 8, "the unit is missing", "whole number"},
        {"every 5 fortnights", 9, "the unit fortnights is not known", "weeks"},
        {"every 3 months", 9, "the unit months is not known", "*/3"},
        {"every 1 hour 30 minutes", 14, "unexpected \"30 minutes\" behind the unit", "every 90 minutes"},
        {"every 99999999999999999999 days", 7, "99999999999999999999 days is too long a step", "2922 days"},
        {"every 418 weeks", 7, "418 weeks is too long a step", "2922 days"},
    };
    for (const Refusal& refusal : refusals) {
        expect_refused(refusal);
    }
}

TEST(ScheduleExpression, what_can_never_fire_is_refused) {
    const char* kFact = "it can never run, no month has such a day";
    for (const char* text : {"0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 L-29 2 *", "0 0 30W 2 *", "0 0 */31 * MON#2"}) {
        expect_refused({text, 5, kFact, "$"});
    }
    expect_refused({"0 0 0 30 2 *", 7, kFact, "$"});
    for (const char* text : {"0 0 29 2 *", "0 0 30 2 1", "0 0 L-28 2 *", "0 0 */28 2 MON#5"}) {
        EXPECT_TRUE(parse_schedule(text).ok()) << text;
    }
}

}  // namespace
}  // namespace steward::schedule
