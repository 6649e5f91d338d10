// SPDX-License-Identifier: PostgreSQL
#include "partition/naming.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "test_zone.hpp"

namespace steward::partition {
namespace {

using base::Interval;
using base::kMicrosPerDay;
using base::kMicrosPerHour;
using base::kMicrosPerMinute;
using base::kMicrosPerSecond;
using base::utc;
using test::local;
using test::TestZone;

const Interval kMonthly{1, 0, 0};
const Interval kWeekly{0, 7, 0};
const Interval kDaily{0, 1, 0};
const Interval kHourly{0, 0, kMicrosPerHour};

Position at(std::int32_t year, int month = 1, int day = 1, int hour = 0, int minute = 0, int second = 0,
            int micro = 0) {
    return local(year, month, day, hour, minute, second, micro).micros;
}

Position in(const base::Zone& zone, std::int32_t year, int month, int day, int hour = 0) {
    return base::to_instant(local(year, month, day, hour), zone).micros;
}

Grid wall_grid(Interval step) {
    return Grid(Axis::wall_clock, step, default_origin(Axis::wall_clock, step, utc()), utc());
}

Grid zone_grid(Interval step, const base::Zone& zone) {
    return Grid(Axis::instant, step, default_origin(Axis::instant, step, zone), zone);
}

Codec codec_for(const Grid& grid) {
    Codec codec;
    codec.kind = grid.axis() == Axis::instant ? CodecKind::timestamptz : CodecKind::timestamp;
    return codec;
}

std::string period(const Grid& grid, Position lower, Naming naming = {}) {
    return period_text(codec_for(grid), grid, lower, naming);
}

std::string period(Interval step, Position lower, Naming naming = {}) { return period(wall_grid(step), lower, naming); }

TEST(PartitionNaming, periods_are_as_coarse_as_the_step) {
    const Position lower = at(2024, 10, 1);
    EXPECT_EQ(period(Interval{1200, 0, 0}, at(2000)), "2000");
    EXPECT_EQ(period(Interval{12, 0, 0}, at(2024)), "2024");
    EXPECT_EQ(period(Interval{6, 0, 0}, at(2024, 7)), "2024_q3");
    EXPECT_EQ(period(Interval{3, 0, 0}, lower), "2024_q4");
    EXPECT_EQ(period(Interval{2, 0, 0}, at(2024, 9)), "2024_09");
    EXPECT_EQ(period(kMonthly, lower), "2024_10");
    EXPECT_EQ(period(kWeekly, at(2024, 12, 30)), "2025_w01");
    EXPECT_EQ(period(Interval{0, 10, 0}, at(2000, 1, 11)), "2000_01_11");
    EXPECT_EQ(period(kDaily, at(2024, 10, 31)), "2024_10_31");
    EXPECT_EQ(period(kHourly, at(2024, 10, 31, 13)), "2024_10_31_13");
    EXPECT_EQ(period(Interval{0, 0, 24 * kMicrosPerHour}, at(2024, 10, 31)), "2024_10_31");
    EXPECT_EQ(period(Interval{0, 0, 15 * kMicrosPerMinute}, at(2024, 10, 31, 13, 45)), "2024_10_31_1345");
    EXPECT_EQ(period(Interval{0, 0, 10 * kMicrosPerSecond}, at(2024, 10, 31, 13, 45, 10)), "2024_10_31_134510");
    EXPECT_EQ(period(Interval{0, 0, 1'500'000}, at(2000, 1, 1, 0, 0, 1, 500'000)), "2000_01_01_000001_500000");
    EXPECT_EQ(period(Interval{0, 1, 6 * kMicrosPerHour}, at(2000, 1, 2, 6)), "2000_01_02_06");
}

TEST(PartitionNaming, a_quarter_that_begins_in_february_and_a_week_that_begins_on_sunday_are_not_called_so) {
    const Grid quarters(Axis::wall_clock, Interval{3, 0, 0}, at(2024, 2), utc());
    EXPECT_EQ(period(quarters, at(2024, 5)), "2024_05");
    const Grid weeks(Axis::wall_clock, kWeekly, at(2025, 1, 5), utc());
    EXPECT_EQ(period(weeks, at(2025, 1, 12)), "2025_01_12");
}

TEST(PartitionNaming, a_range_off_the_grid_gets_a_finer_period) {
    EXPECT_EQ(period(Interval{12, 0, 0}, at(2024, 3)), "2024_03");
    EXPECT_EQ(period(Interval{3, 0, 0}, at(2024, 2)), "2024_02");
    EXPECT_EQ(period(kMonthly, at(2024, 3, 15)), "2024_03_15");
    EXPECT_EQ(period(kMonthly, at(2024, 3, 1, 6)), "2024_03_01_06");
    EXPECT_EQ(period(kMonthly, at(2024, 3, 1, 6, 30)), "2024_03_01_0630");
    EXPECT_EQ(period(kMonthly, at(2024, 3, 1, 6, 30, 59)), "2024_03_01_063059");
    EXPECT_EQ(period(kMonthly, at(2024, 3, 1, 6, 30, 59, 42)), "2024_03_01_063059_000042");
    EXPECT_EQ(period(kWeekly, at(2025, 1, 7)), "2025_01_07");
    EXPECT_EQ(period(kDaily, at(2025, 1, 7, 12)), "2025_01_07_12");
    EXPECT_EQ(period(kHourly, at(2025, 1, 7, 12, 30)), "2025_01_07_1230");
}

TEST(PartitionNaming, a_range_off_the_grid_is_never_named_as_one_on_it) {
    const Grid from_the_15th(Axis::wall_clock, kMonthly, at(2024, 1, 15), utc());
    EXPECT_EQ(period(from_the_15th, at(2024, 3, 15)), "2024_03");
    EXPECT_EQ(period(from_the_15th, at(2024, 3, 1)), "2024_03_01");
    const Grid from_six(Axis::wall_clock, kDaily, at(2024, 1, 1, 6), utc());
    EXPECT_EQ(period(from_six, at(2024, 3, 1, 6)), "2024_03_01");
    EXPECT_EQ(period(from_six, at(2024, 3, 1)), "2024_03_01_00");
}

TEST(PartitionNaming, a_style_is_followed_only_where_it_tells_the_periods_apart) {
    EXPECT_EQ(period(kMonthly, at(2024, 3), {"", {}, PeriodStyle::day}), "2024_03_01");
    EXPECT_EQ(period(kMonthly, at(2024, 3, 15), {"", {}, PeriodStyle::day}), "2024_03_15");
    EXPECT_EQ(period(kDaily, at(2024, 3, 2), {"", {}, PeriodStyle::month}), "2024_03_02");
    EXPECT_EQ(period(kMonthly, at(2024, 3), {"", {}, PeriodStyle::quarter}), "2024_03");
    EXPECT_EQ(period(kMonthly, at(2024, 3), {"", {}, PeriodStyle::week}), "2024_w09");
    EXPECT_EQ(period(kHourly, at(2024, 3, 2, 5), {"", {}, PeriodStyle::day}), "2024_03_02_05");
    EXPECT_EQ(period(kDaily, at(2024, 3, 2), {"", {}, PeriodStyle::second}), "2024_03_02_000000");
    EXPECT_EQ(period(kDaily, at(2024, 3, 2), {"", {}, PeriodStyle::number}), "2024_03_02");
}

// Every hour (or quarter of one) of a day has a name of its own, and there are as many as the day is long.
std::set<std::string> names_of_day(const base::Zone& zone, Interval step, std::int32_t year, int month, int day) {
    const Grid grid = zone_grid(step, zone);
    std::set<std::string> names;
    const Position end = in(zone, year, month, day + 1);
    std::size_t count = 0;
    for (Position lower = in(zone, year, month, day); lower < end; lower += step.micros, ++count) {
        names.insert(period(grid, lower));
    }
    EXPECT_EQ(names.size(), count);
    return names;
}

TEST(PartitionNaming, the_25_hours_of_an_autumn_day_have_25_names) {
    const auto names = names_of_day(TestZone("Europe/Berlin"), kHourly, 2025, 10, 26);
    EXPECT_EQ(names.size(), 25u);
    EXPECT_TRUE(names.count("2025_10_26_02"));
    EXPECT_TRUE(names.count("2025_10_26_02_p0100"));
    EXPECT_EQ(names_of_day(TestZone("Europe/Berlin"), kHourly, 2025, 3, 30).size(), 23u);
    EXPECT_TRUE(names_of_day(TestZone("America/New_York"), kHourly, 2025, 11, 2).count("2025_11_02_01_m0500"));
}

TEST(PartitionNaming, lord_howes_half_hour_is_told_apart) {
    const TestZone lord_howe("Australia/Lord_Howe");
    const auto hours = names_of_day(lord_howe, kHourly, 2025, 4, 6);
    EXPECT_TRUE(hours.count("2025_04_06_0130_p1030"));
    const auto quarters = names_of_day(lord_howe, Interval{0, 0, 15 * kMicrosPerMinute}, 2025, 4, 6);
    EXPECT_EQ(quarters.size(), 98u);
    EXPECT_TRUE(quarters.count("2025_04_06_0145"));
    EXPECT_TRUE(quarters.count("2025_04_06_0145_p1030"));
}

TEST(PartitionNaming, a_day_that_begins_at_one_is_still_that_day) {
    const TestZone santiago("America/Santiago");
    const Position lower = in(santiago, 2024, 9, 8);
    ASSERT_EQ(base::format_instant({static_cast<std::int64_t>(lower)}, santiago), "2024-09-08 01:00:00-03");
    EXPECT_EQ(period(zone_grid(kDaily, santiago), lower), "2024_09_08");
    EXPECT_EQ(period(zone_grid(kMonthly, santiago), lower), "2024_09_08_01");
}

TEST(PartitionNaming, the_second_midnight_of_havana_is_not_the_first) {
    const TestZone havana("America/Havana");
    const Grid grid = zone_grid(kMonthly, havana);
    const Position first = in(havana, 2025, 11, 2);
    EXPECT_EQ(period(grid, first), "2025_11_02");
    EXPECT_EQ(period(grid, first + kMicrosPerHour), "2025_11_02_m0500");
}

TEST(PartitionNaming, periods_are_read_on_the_clock_of_the_zone) {
    const TestZone berlin("Europe/Berlin");
    EXPECT_EQ(period(zone_grid(kMonthly, berlin), in(berlin, 2025, 1, 1)), "2025_01");
    EXPECT_EQ(period(zone_grid(kMonthly, utc()), in(berlin, 2025, 1, 1)), "2024_12_31_23");
}

TEST(PartitionNaming, years_outside_four_digits_cannot_be_mistaken) {
    EXPECT_EQ(period(kMonthly, at(-43, 3)), "bc0044_03");
    EXPECT_EQ(period(kMonthly, at(12025, 1), {"", PeriodSeparator::none, {}}), "12025_01");
    EXPECT_EQ(period(kMonthly, at(999, 1), {"", PeriodSeparator::none, {}}), "099901");
    EXPECT_EQ(period(kMonthly, Position{base::kEndMicros}), base::format_decimal(base::kEndMicros, 0));
}

TEST(PartitionNaming, numbers_are_written_without_signs_and_points) {
    const Grid grid(Axis::number, Position{25}, 0, utc());
    Codec codec;
    codec.kind = CodecKind::integer;
    EXPECT_EQ(period_text(codec, grid, 1'000'000, {}), "1000000");
    EXPECT_EQ(period_text(codec, grid, -100, {}), "m100");
    codec.kind = CodecKind::numeric;
    codec.scale = 2;
    EXPECT_EQ(period_text(codec, grid, 1250, {}), "12_5");
    EXPECT_EQ(period_text(codec, grid, -1250, {}), "m12_5");
}

TEST(PartitionNaming, a_short_name_is_prefix_and_period) {
    EXPECT_EQ(partition_name({"events_", {}, {}}, "2025_01"), "events_2025_01");
    const std::string prefix(base::kMaxIdentifierBytes - 7, 'x');
    EXPECT_EQ(partition_name({prefix, {}, {}}, "2025_01"), prefix + "2025_01");
}

TEST(PartitionNaming, a_name_that_must_be_cut_keeps_its_period_and_63_bytes) {
    const std::string name = partition_name({std::string(63, 'x'), {}, {}}, "2025_01");
    EXPECT_EQ(name.size(), base::kMaxIdentifierBytes);
    EXPECT_EQ(name.substr(name.size() - 8), "_2025_01");
    EXPECT_EQ(name, partition_name({std::string(63, 'x'), {}, {}}, "2025_01"));
    EXPECT_LE(partition_name({"x", {}, {}}, std::string(200, '1')).size(), base::kMaxIdentifierBytes);
}

TEST(PartitionNaming, cut_names_of_different_tables_and_periods_differ) {
    std::set<std::string> names;
    std::size_t count = 0;
    for (const std::string& table : {std::string(57, 'x'), std::string(58, 'x'), std::string(62, 'x') + "y",
                                     std::string(62, 'x') + "z", std::string(100, 'x')}) {
        for (const std::string& period : {std::string("2025_01"), std::string("2025_02"), std::string("025_01"),
                                          std::string(80, '1'), std::string(81, '1')}) {
            names.insert(partition_name({table, {}, {}}, period));
            ++count;
        }
    }
    EXPECT_EQ(names.size(), count);
    // The same text in all, parted at another place.
    EXPECT_NE(partition_name({std::string(60, 'x') + "2", {}, {}}, "025"),
              partition_name({std::string(60, 'x'), {}, {}}, "2025"));
    EXPECT_NE(partition_name({"x1", {}, {}}, std::string(80, '1')),
              partition_name({"x", {}, {}}, std::string(81, '1')));
}

TEST(PartitionNaming, multibyte_prefixes_are_cut_between_characters) {
    std::string prefix;
    for (int i = 0; i < 21; ++i) {
        prefix += "\u20ac";
    }
    for (const char* period : {"2025", "2025_01", "2025_01_31", "m1"}) {
        const std::string name = partition_name({prefix, {}, {}}, period);
        EXPECT_LE(name.size(), base::kMaxIdentifierBytes);
        EXPECT_EQ(base::cut_utf8(name, name.find('_')).size() % 3, 0u) << name;
        EXPECT_EQ(name.find('_') % 3, 0u) << name;
    }
}

TEST(PartitionNaming, an_alternative_name_differs_by_its_salt_and_fits) {
    const std::string longest(63, 'x');
    for (const std::string& name : {std::string("events_2025_01"), longest}) {
        const std::string one = alternative_name(name, "1");
        EXPECT_NE(one, name);
        EXPECT_NE(one, alternative_name(name, "2"));
        EXPECT_EQ(one, alternative_name(name, "1"));
        EXPECT_LE(one.size(), base::kMaxIdentifierBytes);
    }
    EXPECT_NE(alternative_name(longest, "1"), alternative_name(longest.substr(1) + "y", "1"));
    EXPECT_EQ(alternative_name("events_2025_01", "1").substr(0, 15), "events_2025_01_");
}

}  // namespace
}  // namespace steward::partition
