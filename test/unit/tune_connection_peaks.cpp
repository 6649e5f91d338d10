// SPDX-License-Identifier: PostgreSQL
#include "tune/connection_peaks.hpp"

#include <gtest/gtest.h>

namespace steward::tune {
namespace {

constexpr std::int32_t kToday = 20'000;

TEST(TuneConnectionPeaks, know_the_most_of_a_month_and_when_it_was) {
    ConnectionPeaks peaks;
    EXPECT_FALSE(peaks.history(kToday));
    EXPECT_TRUE(peaks.note(kToday - 3, 7)) << "the first one of a day";
    EXPECT_FALSE(peaks.note(kToday - 3, 40));
    EXPECT_FALSE(peaks.note(kToday - 3, 2));
    EXPECT_TRUE(peaks.note(kToday, 9));
    const auto history = peaks.history(kToday);
    EXPECT_EQ(history->most, 40);
    EXPECT_EQ(history->on_day, kToday - 3);
    EXPECT_EQ(history->since_day, kToday - 3);
    EXPECT_EQ(history->days, 4) << "a day without anybody is one, too";
    peaks.note(kToday, 40);
    EXPECT_EQ(peaks.history(kToday)->on_day, kToday) << "the last one";
}

TEST(TuneConnectionPeaks, forget_what_is_older_than_a_month) {
    ConnectionPeaks peaks;
    peaks.note(kToday - ConnectionPeaks::kDays, 300);
    EXPECT_FALSE(peaks.history(kToday));
    peaks.note(kToday - ConnectionPeaks::kDays + 1, 200);
    EXPECT_EQ(peaks.history(kToday)->most, 200);
    EXPECT_TRUE(peaks.note(kToday, 5)) << "in the place of the day a month ago";
    EXPECT_EQ(peaks.history(kToday)->most, 200);
    EXPECT_EQ(peaks.history(kToday + 1)->most, 5);
}

TEST(TuneConnectionPeaks, do_not_believe_a_clock_that_was_ahead) {
    ConnectionPeaks peaks;
    peaks.note(kToday + 400, 300);
    EXPECT_FALSE(peaks.history(kToday));
    for (std::int32_t day = kToday; day < kToday + ConnectionPeaks::kDays; ++day) EXPECT_TRUE(peaks.note(day, 1));
    EXPECT_FALSE(peaks.history(kToday + 400)) << "its place is taken";
}

TEST(TuneConnectionPeaks, are_the_same_after_they_were_saved) {
    ConnectionPeaks peaks;
    for (std::int32_t day = kToday - 40; day <= kToday; ++day) peaks.note(day, 1 + day % 13);
    ConnectionPeaks again;
    ASSERT_TRUE(again.load(peaks.saved()));
    EXPECT_EQ(again.saved(), peaks.saved());
    EXPECT_EQ(again.history(kToday)->most, peaks.history(kToday)->most);
    EXPECT_TRUE(again.load(ConnectionPeaks().saved()));
    EXPECT_FALSE(again.history(kToday));
}

TEST(TuneConnectionPeaks, take_no_file_that_is_damaged) {
    ConnectionPeaks peaks;
    peaks.note(kToday, 17);
    const std::string good = peaks.saved();
    for (std::size_t length = 0; length + 1 < good.size(); ++length) {
        const std::string cut = good.substr(0, length);
        if (cut == ConnectionPeaks().saved()) continue;
        EXPECT_FALSE(peaks.load(cut)) << cut;
    }
    const std::string header = ConnectionPeaks().saved();
    for (const char* bad : {"20000 0\n", "-1 5\n", "20000 5", "20000  5\n", "20000 5\n\n", "20000 99999999999\n",
                            "99999999 1\n", "\xff\xff"})
        EXPECT_FALSE(peaks.load(header + bad)) << bad;
    EXPECT_FALSE(peaks.load("pg_steward connections 2\n"));
    EXPECT_EQ(peaks.saved(), good) << "and keep what they had";
}

}  // namespace
}  // namespace steward::tune
