// SPDX-License-Identifier: PostgreSQL
#include "base/time.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "test_zone.hpp"

namespace steward::base {
namespace {

using test::local;
using test::TestZone;
using test::utc_instant;

TEST(BaseTimeText, instants_are_written_as_the_server_writes_them) {
    EXPECT_EQ(format_instant(utc_instant(2025, 1, 1), utc()), "2025-01-01 00:00:00+00");
    EXPECT_EQ(format_instant(utc_instant(2025, 7, 1, 22), TestZone("Europe/Berlin")), "2025-07-02 00:00:00+02");
    EXPECT_EQ(format_instant(utc_instant(2025, 1, 1), TestZone("Asia/Kolkata")), "2025-01-01 05:30:00+05:30");
    EXPECT_EQ(format_instant(utc_instant(2025, 1, 1), TestZone("America/St_Johns")), "2024-12-31 20:30:00-03:30");
    EXPECT_EQ(format_instant(utc_instant(1960, 1, 1), TestZone("Africa/Monrovia")), "1959-12-31 23:15:30-00:44:30");
    EXPECT_EQ(format_instant(utc_instant(2025, 1, 1, 1, 2, 3, 450'000), utc()), "2025-01-01 01:02:03.45+00");
    EXPECT_EQ(format_instant(utc_instant(2025, 1, 1, 0, 0, 0, 1), utc()), "2025-01-01 00:00:00.000001+00");
    EXPECT_EQ(format_instant(utc_instant(0, 12, 31), utc()), "0001-12-31 00:00:00+00 BC");
    EXPECT_EQ(format_instant(utc_instant(1, 1, 1), utc()), "0001-01-01 00:00:00+00");
    EXPECT_EQ(format_instant(utc_instant(12'345, 1, 1), utc()), "12345-01-01 00:00:00+00");
}

TEST(BaseTimeText, local_times_and_dates_are_written_without_an_offset) {
    EXPECT_EQ(format_local(local(2025, 1, 2, 3, 4, 5, 600'000)), "2025-01-02 03:04:05.6");
    EXPECT_EQ(format_local(local(-4712, 1, 1)), "4713-01-01 00:00:00 BC");
    EXPECT_EQ(format_date(local(2025, 1, 2, 23)), "2025-01-02");
    EXPECT_EQ(format_date(local(-99, 3, 4)), "0100-03-04 BC");
}

TEST(BaseTimeText, intervals_are_written_as_the_server_writes_them) {
    EXPECT_EQ(format_interval({}), "00:00:00");
    EXPECT_EQ(format_interval({1, 0, 0}), "1 mon");
    EXPECT_EQ(format_interval({3, 0, 0}), "3 mons");
    EXPECT_EQ(format_interval({12, 0, 0}), "1 year");
    EXPECT_EQ(format_interval({14, 0, 0}), "1 year 2 mons");
    EXPECT_EQ(format_interval({1200, 0, 0}), "100 years");
    EXPECT_EQ(format_interval({0, 7, 0}), "7 days");
    EXPECT_EQ(format_interval({0, 1, 12 * kMicrosPerHour}), "1 day 12:00:00");
    EXPECT_EQ(format_interval({0, 0, kMicrosPerHour}), "01:00:00");
    EXPECT_EQ(format_interval({0, 0, 30 * kMicrosPerSecond}), "00:00:30");
    EXPECT_EQ(format_interval({0, 0, 100 * kMicrosPerHour + 1}), "100:00:00.000001");
    EXPECT_EQ(format_interval({0, 0, -90 * kMicrosPerMinute}), "-01:30:00");
    EXPECT_EQ(format_interval({-1, 2, -kMicrosPerSecond}), "-1 mons +2 days -00:00:01");
    EXPECT_EQ(format_interval({-13, 0, 0}), "-1 years -1 mons");
    EXPECT_EQ(format_interval({0, -1, kMicrosPerHour}), "-1 days +01:00:00");
    EXPECT_EQ(format_interval({0, 0, std::numeric_limits<std::int64_t>::min()}), "-2562047788:00:54.775808");
}

}  // namespace
}  // namespace steward::base
