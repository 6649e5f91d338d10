// SPDX-License-Identifier: PostgreSQL
#include "schedule/missed.hpp"
#include "schedule_world.hpp"

namespace steward::schedule {
namespace {

std::int64_t day(int year, int month, int day_of_month) { return base::days_from_civil(year, month, day_of_month); }

TEST(Due, StaysWithinItsValidity) {
    Definition job = make_job(1, "0 2 * * *");
    job.valid_from = test::utc_instant(2025, 7, 1, 2);
    job.valid_until = test::utc_instant(2025, 7, 3, 2);
    EXPECT_EQ(next_due(job, kStart), test::utc_instant(2025, 7, 1, 2));
    EXPECT_EQ(next_due(job, test::utc_instant(2025, 7, 1, 2)), test::utc_instant(2025, 7, 2, 2));
    EXPECT_EQ(next_due(job, test::utc_instant(2025, 7, 2, 2)), std::nullopt);
}

TEST(Due, LeavesExcludedDaysOut) {
    Definition job = make_job(1, "0 2 * * *");
    job.excluded_days = {day(2025, 6, 4), day(2025, 6, 5), day(2025, 6, 7)};
    EXPECT_EQ(next_due(job, kStart), test::utc_instant(2025, 6, 6, 2));
    EXPECT_EQ(next_due(job, test::utc_instant(2025, 6, 6, 2)), test::utc_instant(2025, 6, 8, 2));
}

TEST(Due, ExcludedDaysAreThoseOfItsZone) {
    const test::TestZone zone("Asia/Tokyo");
    Definition job = make_job(1, "0 3 * * *");
    job.zone = &zone;
    job.excluded_days = {day(2025, 6, 5)};
    // 03:00 in Tokyo is 18:00 of the day before in Greenwich.
    EXPECT_EQ(next_due(job, kStart), test::utc_instant(2025, 6, 5, 18));
}

TEST(Due, ExcludedDayWhoseMidnightComesTwiceEnds) {
    // Havana goes back from 01:00 to 00:00 on 2025-11-02.
    const test::TestZone zone("America/Havana");
    Definition job = make_job(1, "*/15 * * * *");
    job.zone = &zone;
    job.excluded_days = {day(2025, 11, 2)};
    EXPECT_EQ(next_due(job, test::utc_instant(2025, 11, 2, 3, 50)), test::utc_instant(2025, 11, 3, 5));
    job.excluded_days = {day(2025, 11, 1)};
    EXPECT_EQ(next_due(job, test::utc_instant(2025, 11, 1, 12)), test::utc_instant(2025, 11, 2, 4));
}

TEST(Due, NothingIsLeftWhenAllDaysAreExcluded) {
    Definition job = make_job(1, "0 0 29 2 *");
    job.excluded_days = {day(2028, 2, 29), day(2032, 2, 29), day(2036, 2, 29)};
    EXPECT_EQ(next_due(job, kStart), std::nullopt);
    Definition often = make_job(1, "* * * * * *");
    for (int i = 0; i < static_cast<int>(kMaxExcludedDates); ++i)
        often.excluded_days.push_back(day(2025, 6, 4) + 2 * i);
    often.valid_until = test::utc_instant(2025, 6, 5);
    EXPECT_EQ(next_due(often, kStart), std::nullopt);
}

TEST(Due, OneOffIsDueOnce) {
    Definition job = make_job(1);
    EXPECT_EQ(next_due(job, kStart), std::nullopt);
    job.run_at = kStart;
    EXPECT_EQ(next_due(job, kStart - 1), kStart);
    EXPECT_EQ(next_due(job, kStart), std::nullopt);
}

TEST(Due, LastOneIsThatOfWalkingThroughAll) {
    for (const char* text : {"*/7 * * * *", "3,50 1-4 * * 2", "every 11 minutes", "0 5 1 * *", "*/20 * 3 * * *"}) {
        const Definition job = make_job(1, text);
        for (const std::int64_t stretch : {kMinute, kHour + 7, 9 * kHour, 3 * kDay + 1, 40 * kDay}) {
            std::optional<base::Instant> walked;
            int count = 0;
            for (auto due = next_due(job, kStart); due && *due <= kStart + stretch; due = next_due(job, *due)) {
                walked = due;
                ++count;
            }
            EXPECT_EQ(last_due(job, kStart, kStart + stretch), walked) << text;
            EXPECT_EQ(count_due(job, kStart, kStart + stretch, 50), std::min(count, 50)) << text;
        }
    }
}

TEST(Retried, TransientFailuresUnlessListed) {
    Retry retry;
    EXPECT_FALSE(is_retried(retry, Outcome::failed, "40001", 1));
    retry.limit = 2;
    for (const char* sqlstate :
         {"40001", "40P01", "08006", "53300", "55P03", "55006", "57P01", "57P02", "57P03", "58030"})
        EXPECT_TRUE(is_retried(retry, Outcome::failed, sqlstate, 2)) << sqlstate;
    for (const char* sqlstate : {"42601", "23505", "57014", "55000", "22012", "XX000", "P0001", ""})
        EXPECT_FALSE(is_retried(retry, Outcome::failed, sqlstate, 1)) << sqlstate;
    EXPECT_FALSE(is_retried(retry, Outcome::failed, "40001", 3));
    EXPECT_FALSE(is_retried(retry, Outcome::succeeded, "", 1));
    EXPECT_FALSE(is_retried(retry, Outcome::cancelled, "57014", 1));
    EXPECT_TRUE(is_retried(retry, Outcome::interrupted, "", 1));
    EXPECT_TRUE(is_retried(retry, Outcome::terminated, "57P01", 1));
    EXPECT_FALSE(is_retried(retry, Outcome::timed_out, "57014", 1));
    retry.on = {"23505", "57"};
    EXPECT_TRUE(is_retried(retry, Outcome::failed, "23505", 1));
    EXPECT_TRUE(is_retried(retry, Outcome::timed_out, "57014", 1));
    EXPECT_FALSE(is_retried(retry, Outcome::failed, "40001", 1));
    EXPECT_FALSE(is_retried(retry, Outcome::cancelled, "57014", 1));
    retry.on = {"57014"};
    EXPECT_TRUE(is_retried(retry, Outcome::timed_out, "57014", 1));
}

TEST(Retried, DelayDoublesUpToADayAndIsSpread) {
    Retry retry;
    EXPECT_EQ(backoff_micros(retry, 1, 0), 30 * kSecond);
    EXPECT_EQ(backoff_micros(retry, 3, 0), 120 * kSecond);
    EXPECT_EQ(backoff_micros(retry, 1, 0.5), 33 * kSecond);
    EXPECT_EQ(backoff_micros(retry, 100, 0), kDay);
    retry.delay_micros = 2 * kDay;
    EXPECT_EQ(backoff_micros(retry, 5, 0), 2 * kDay);
    retry.delay_micros = 0;
    EXPECT_EQ(backoff_micros(retry, 5, 0.9), 0);
}

TEST(Names, AreReadAsTheyAreWritten) {
    for (const auto overlap : {Overlap::skip, Overlap::queue, Overlap::replace, Overlap::parallel})
        EXPECT_EQ(overlap_of(name_of(overlap)), overlap);
    for (const auto missed : {Missed::skip, Missed::once, Missed::all}) EXPECT_EQ(missed_of(name_of(missed)), missed);
    for (const auto run_on : {RunOn::primary, RunOn::standby, RunOn::any})
        EXPECT_EQ(run_on_of(name_of(run_on)), run_on);
    for (const auto outcome : {Outcome::succeeded, Outcome::timed_out, Outcome::interrupted})
        EXPECT_EQ(outcome_of(name_of(outcome)), outcome);
    EXPECT_STREQ(name_of(Kind::event), "event");
    EXPECT_STREQ(name_of(JobState::finished), "finished");
    EXPECT_EQ(overlap_of("never"), std::nullopt);
}

}  // namespace
}  // namespace steward::schedule
