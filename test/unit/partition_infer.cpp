// SPDX-License-Identifier: PostgreSQL
#include "partition/infer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test_zone.hpp"

namespace steward::partition {
namespace {

using base::Interval;
using base::kMicrosPerHour;
using base::kMicrosPerMinute;
using base::kMicrosPerSecond;
using base::utc;
using base::Zone;
using test::local;
using test::TestZone;

const Interval kMonthly{1, 0, 0};
const Interval kDaily{0, 1, 0};

Codec codec_of(CodecKind kind) {
    Codec codec;
    codec.kind = kind;
    return codec;
}

Range range(Position lower, Position upper) {
    Range result;
    result.lower.position = lower;
    result.upper.position = upper;
    return result;
}

Position day(std::int32_t year, int month, int day_of_month, int hour = 0) {
    return local(year, month, day_of_month, hour).micros;
}

// `count` ranges from a wall-clock time on, as a tool in `zone` makes them.
std::vector<Range> ranges_in(const Zone& zone, base::LocalTime first, Interval step, int count) {
    std::vector<Range> ranges;
    for (int n = 0; n < count; ++n) {
        ranges.push_back(range(base::to_instant(*base::add(first, step, n), zone).micros,
                               base::to_instant(*base::add(first, step, n + 1), zone).micros));
    }
    return ranges;
}

std::vector<Range> ranges_of(base::LocalTime first, Interval step, int count) {
    return ranges_in(utc(), first, step, count);
}

std::vector<Range> joined(std::vector<Range> older, const std::vector<Range>& newer) {
    older.insert(older.end(), newer.begin(), newer.end());
    return older;
}

// "step from origin in zone", or why not.
std::string told(CodecKind kind, const std::vector<Range>& ranges, std::vector<const Zone*> zones = {&utc()}) {
    const auto inference = infer(codec_of(kind), ranges, zones, test::utc_instant(2026, 1, 1), "events");
    if (!inference) {
        return inference.failure().detail;
    }
    Codec codec = codec_of(kind);
    codec.kind = inference->codec;
    std::string text =
        format_step(inference->step, 0) + " from " + format_position(codec, inference->origin, *inference->zone);
    if (inference->codec != kind) {
        text += " as " + std::string(codec_name(inference->codec));
    }
    return codec.axis() == Axis::instant ? text + " in " + std::string(inference->zone->name()) : text;
}

std::string told_wall(const std::vector<Range>& ranges) { return told(CodecKind::date, ranges); }

TEST(PartitionInfer, calendar_steps_are_recognised_by_their_largest_unit) {
    const base::LocalTime first = local(2024, 1, 1);
    EXPECT_EQ(told_wall(ranges_of(first, kMonthly, 14)), "1 mon from 2000-01-01");
    EXPECT_EQ(told_wall(ranges_of(first, Interval{3, 0, 0}, 5)), "3 mons from 2000-01-01");
    EXPECT_EQ(told_wall(ranges_of(first, Interval{12, 0, 0}, 3)), "1 year from 2000-01-01");
    EXPECT_EQ(told_wall(ranges_of(local(2000, 1, 1), Interval{120, 0, 0}, 3)), "10 years from 2000-01-01");
    EXPECT_EQ(told_wall(ranges_of(local(1900, 1, 1), Interval{1200, 0, 0}, 3)), "100 years from 2000-01-01");
    EXPECT_EQ(told_wall(ranges_of(first, Interval{0, 7, 0}, 9)), "7 days from 2000-01-03");
    EXPECT_EQ(told_wall(ranges_of(first, kDaily, 60)), "1 day from 2000-01-01");
    EXPECT_EQ(told_wall(ranges_of(first, Interval{0, 30, 0}, 9)), "30 days from 2024-08-28");
}

TEST(PartitionInfer, times_below_a_day_are_real_time) {
    const auto hours = ranges_of(local(2024, 1, 1, 5), Interval{0, 0, kMicrosPerHour}, 30);
    EXPECT_EQ(told(CodecKind::timestamptz, hours), "01:00:00 from 2000-01-01 00:00:00+00 in UTC");
    const auto quarters = ranges_of(local(2024, 1, 1, 5), Interval{0, 0, 15 * kMicrosPerMinute}, 30);
    EXPECT_EQ(told(CodecKind::timestamptz, quarters), "00:15:00 from 2000-01-01 00:00:00+00 in UTC");
    const auto odd = ranges_of(local(2024, 1, 1), Interval{0, 0, 77 * kMicrosPerSecond}, 5);
    EXPECT_EQ(told(CodecKind::timestamp, odd).substr(0, 8), "00:01:17");
    EXPECT_EQ(told(CodecKind::timestamptz, ranges_of(local(2024, 1, 1), Interval{0, 0, 500'000}, 5)),
              "The newest ranges are 500000 us, 500000 us and 500000 us long.");
}

TEST(PartitionInfer, one_partition_tells_its_own_width) {
    EXPECT_EQ(told_wall({range(day(2024, 3, 1), day(2024, 4, 1))}), "1 mon from 2000-01-01");
    EXPECT_EQ(told_wall({range(day(2025, 2, 1), day(2025, 3, 1))}), "1 mon from 2000-01-01");
    EXPECT_EQ(told_wall({range(day(2024, 1, 1), day(2025, 1, 1))}), "1 year from 2000-01-01");
    EXPECT_EQ(told_wall({range(day(2025, 1, 6), day(2025, 1, 13))}), "7 days from 2000-01-03");
    EXPECT_EQ(told(CodecKind::integer, {range(0, 5000)}), "5000 from 0");
}

TEST(PartitionInfer, an_old_table_attached_as_the_only_partition_proves_nothing) {
    EXPECT_EQ(told_wall({range(day(2001, 1, 1), day(2025, 6, 1))}), "The only range is 24 years 5 mons long.");
    EXPECT_EQ(told_wall({range(day(2025, 1, 15), day(2025, 2, 1))}), "The only range is 17 days long.");
}

TEST(PartitionInfer, the_first_partition_may_have_any_width) {
    const auto months = ranges_of(local(2025, 1, 1), kMonthly, 3);
    const std::vector<Range> one_month(months.begin(), months.begin() + 1);
    for (const Range& first : {range(day(2003, 7, 9), day(2025, 1, 1)), range(day(2024, 12, 24), day(2025, 1, 1))}) {
        EXPECT_EQ(told_wall(joined({first}, months)), "1 mon from 2000-01-01");
        EXPECT_EQ(told_wall(joined({first}, one_month)), "1 mon from 2000-01-01");
    }
    EXPECT_EQ(told(CodecKind::integer, {range(0, 57'300'000), range(57'300'000, 58'300'000)}), "1000000 from 57300000");
}

TEST(PartitionInfer, the_newest_interval_counts) {
    const auto months = ranges_of(local(2025, 1, 1), kMonthly, 6);
    EXPECT_EQ(told_wall(joined(months, ranges_of(local(2025, 7, 1), kDaily, 2))), "1 day from 2000-01-01");
    EXPECT_EQ(told_wall(joined(months, ranges_of(local(2025, 7, 1), Interval{3, 0, 0}, 2))), "3 mons from 2000-01-01");
    EXPECT_EQ(told_wall(joined(ranges_of(local(2024, 12, 1), kDaily, 31), ranges_of(local(2025, 1, 1), kMonthly, 2))),
              "1 mon from 2000-01-01");
}

TEST(PartitionInfer, gaps_between_partitions_say_nothing) {
    std::vector<Range> months = ranges_of(local(2025, 1, 1), kMonthly, 12);
    months.erase(months.begin() + 9, months.begin() + 11);
    months.erase(months.begin() + 3);
    EXPECT_EQ(told_wall(months), "1 mon from 2000-01-01");
    EXPECT_EQ(told(CodecKind::integer, {range(0, 100), range(900, 1000), range(5000, 5100)}), "100 from 0");
}

TEST(PartitionInfer, four_weeks_are_no_month) {
    EXPECT_EQ(told_wall(ranges_of(local(2024, 12, 7), Interval{0, 28, 0}, 3)).substr(0, 13), "28 days from ");
    EXPECT_EQ(told_wall(ranges_of(local(2025, 1, 4), Interval{0, 28, 0}, 2)).substr(0, 13), "28 days from ");
}

TEST(PartitionInfer, months_may_begin_on_any_day) {
    EXPECT_EQ(told_wall(ranges_of(local(2025, 1, 15), kMonthly, 3)), "1 mon from 2025-03-15");
    // 31 January, 28 February, 31 March: the origin is a 31st, wherever the ranges end.
    for (int count = 2; count <= 5; ++count) {
        const std::string text = told_wall(ranges_of(local(2025, 1, 31), kMonthly, count));
        EXPECT_EQ(text.substr(0, 11), "1 mon from ") << text;
        EXPECT_EQ(text.substr(text.size() - 3), "-31") << text;
    }
    EXPECT_EQ(told_wall(ranges_of(local(2025, 1, 5), Interval{0, 7, 0}, 3)), "7 days from 2025-01-19");
    EXPECT_EQ(told_wall(ranges_of(local(2023, 2, 1), Interval{3, 0, 0}, 3)), "3 mons from 2023-08-01");
}

TEST(PartitionInfer, the_zone_in_which_bounds_are_midnights_wins) {
    const TestZone berlin("Europe/Berlin");
    const TestZone new_york("America/New_York");
    const TestZone santiago("America/Santiago");
    const TestZone lord_howe("Australia/Lord_Howe");
    for (const Zone* made_in : std::vector<const Zone*>{&berlin, &new_york, &santiago, &lord_howe, &utc()}) {
        const std::string name(made_in->name());
        const std::vector<const Zone*> zones = {&santiago, &berlin, &lord_howe, &new_york, &utc()};
        for (const auto& [step, text] : {std::pair{kMonthly, "1 mon"}, std::pair{kDaily, "1 day"}}) {
            for (const int first_month : {1, 3, 8, 9, 10}) {
                const auto ranges = ranges_in(*made_in, local(2024, first_month, 1), step, 40);
                const std::string told_text = told(CodecKind::timestamptz, ranges, zones);
                EXPECT_EQ(told_text.substr(0, 5), text) << told_text;
                EXPECT_EQ(told_text.substr(told_text.size() - name.size()), name) << told_text;
            }
        }
    }
}

TEST(PartitionInfer, winter_alone_does_not_take_utc_for_london) {
    const TestZone london("Europe/London");
    const auto utc_months = ranges_of(local(2025, 5, 1), kMonthly, 8);  // the newest in winter
    EXPECT_EQ(told(CodecKind::timestamptz, utc_months, {&london, &utc()}), "1 mon from 2000-01-01 00:00:00+00 in UTC");
    const auto winter = ranges_of(local(2025, 11, 1), kMonthly, 3);
    EXPECT_EQ(told(CodecKind::timestamptz, winter, {&london, &utc()}),
              "1 mon from 2000-01-01 00:00:00+00 in Europe/London");
}

TEST(PartitionInfer, a_clock_without_a_zone_is_read_in_none) {
    const TestZone berlin("Europe/Berlin");
    const auto inference = infer(codec_of(CodecKind::timestamp), ranges_of(local(2025, 1, 1), kDaily, 3), {&berlin},
                                 test::utc_instant(2026, 1, 1), "events");
    ASSERT_TRUE(inference);
    EXPECT_EQ(inference->zone, &utc());
}

TEST(PartitionInfer, hours_are_read_where_they_are_whole) {
    const TestZone kolkata("Asia/Kolkata");
    const auto hours = ranges_of(local(2024, 1, 1, 5), Interval{0, 0, kMicrosPerHour}, 3);
    EXPECT_EQ(told(CodecKind::timestamptz, hours, {&kolkata, &utc()}), "01:00:00 from 2000-01-01 00:00:00+00 in UTC");
}

TEST(PartitionInfer, open_ends_say_nothing) {
    std::vector<Range> ranges = ranges_of(local(2025, 1, 1), kMonthly, 2);
    Range first = range(0, ranges.front().lower.position);
    first.lower.kind = Bound::Kind::minvalue;
    Range last = range(ranges.back().upper.position, 0);
    last.upper.kind = Bound::Kind::maxvalue;
    EXPECT_EQ(told_wall(joined(joined({first}, ranges), {last})), "1 mon from 2000-01-01");
    EXPECT_EQ(told_wall({first, last}), "It has no partition with two finite bounds.");
    EXPECT_EQ(told_wall({}), "It has no partition with two finite bounds.");
}

TEST(PartitionInfer, widths_of_numbers_have_a_common_measure) {
    EXPECT_EQ(told(CodecKind::integer, {range(0, 1000), range(1000, 2000), range(2000, 3000)}), "1000 from 0");
    EXPECT_EQ(told(CodecKind::integer, {range(1, 1001), range(1001, 2001), range(2001, 4001)}), "1000 from 2001");
    EXPECT_EQ(told(CodecKind::integer, {range(0, 10), range(10, 1010), range(1010, 2010)}), "1000 from 1010");
    EXPECT_EQ(told(CodecKind::integer, {range(0, 300), range(300, 800), range(800, 1500)}),
              "The newest ranges are 300, 500 and 700 wide.");
    Codec numeric = codec_of(CodecKind::numeric);
    numeric.scale = 2;
    const auto inference = infer(numeric, {range(0, 25), range(25, 50)}, {&utc()}, {}, "prices");
    ASSERT_TRUE(inference);
    EXPECT_EQ(format_step(inference->step, 2), "0.25");
    EXPECT_EQ(inference->codec, CodecKind::numeric);
}

TEST(PartitionInfer, the_largest_numbers_do_not_overflow) {
    const Position end = *base::parse_decimal(std::string(38, '9'), 0);
    EXPECT_EQ(told(CodecKind::numeric, {range(-end, end)}), "It has no partition with two finite bounds.");
    EXPECT_EQ(told(CodecKind::integer, {range(-end, 0), range(0, end)}), std::string(38, '9') + " from 0");
    EXPECT_EQ(told(CodecKind::timestamptz, {range(base::kMinMicros, Position{base::kEndMicros} * 1'000'000)}),
              "The only range is " +
                  base::format_decimal(Position{base::kEndMicros} * 1'000'000 - base::kMinMicros, 0) + " us long.");
}

TEST(PartitionInfer, integers_around_now_with_the_widths_of_a_calendar_are_epoch_numbers) {
    const struct {
        CodecKind kind;
        Position per_second;
    } kUnits[] = {{CodecKind::epoch_s, 1},
                  {CodecKind::epoch_ms, 1'000},
                  {CodecKind::epoch_us, 1'000'000},
                  {CodecKind::epoch_ns, 1'000'000'000}};
    for (const auto& unit : kUnits) {
        std::vector<Range> months = ranges_of(local(2025, 1, 1), kMonthly, 4);
        for (Range& month : months) {
            month.lower.position = month.lower.position / kMicrosPerSecond * unit.per_second;
            month.upper.position = month.upper.position / kMicrosPerSecond * unit.per_second;
        }
        const std::string expected =
            "1 mon from 2000-01-01 00:00:00+00 as " + std::string(codec_name(unit.kind)) + " in UTC";
        EXPECT_EQ(told(CodecKind::integer, months), expected);
        // The old table was attached from zero on.
        EXPECT_EQ(told(CodecKind::integer, joined({range(0, months.front().lower.position)}, months)), expected);
    }
    const Position hour = 1'735'689'600;
    EXPECT_EQ(told(CodecKind::integer, {range(hour, hour + 3600), range(hour + 3600, hour + 7200)}),
              "01:00:00 from 2000-01-01 00:00:00+00 as epoch_s in UTC");
}

TEST(PartitionInfer, integers_that_only_look_large_stay_numbers) {
    const Position id = 1'735'000'000;
    EXPECT_EQ(told(CodecKind::integer, {range(id, id + 1'000'000), range(id + 1'000'000, id + 2'000'000)}),
              "1000000 from 0");
    // 86400 wide, but half a century and more away from now.
    EXPECT_EQ(told(CodecKind::integer, {range(0, 86'400), range(86'400, 172'800)}), "86400 from 0");
    // A day wide, but not at midnight.
    EXPECT_EQ(told(CodecKind::integer, {range(id, id + 86'400), range(id + 86'400, id + 172'800)}),
              "86400 from " + base::format_decimal(id + 86'400, 0));
}

TEST(PartitionInfer, the_failure_names_the_table_what_does_not_fit_and_the_way_out) {
    const std::vector<Range> ranges = {range(day(2025, 1, 1), day(2025, 1, 4)), range(day(2025, 1, 4), day(2025, 1, 9)),
                                       range(day(2025, 2, 1), day(2025, 3, 1))};
    const auto failed = infer(codec_of(CodecKind::date), ranges, {}, {}, "events");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.failure().sqlstate, "42P17");
    EXPECT_EQ(failed.failure().message, "cannot infer the interval of \"events\" from its partitions");
    EXPECT_EQ(failed.failure().detail, "The newest ranges are 3 days, 5 days and 1 mon long.");
    EXPECT_EQ(failed.failure().hint, "Name it: SELECT steward.manage_partitions('events', '1 month').");
    const auto numbers = infer(codec_of(CodecKind::integer), {}, {}, {}, "o'brien");
    ASSERT_FALSE(numbers);
    EXPECT_EQ(numbers.failure().hint, "Name it: SELECT steward.manage_partitions('o''brien', '1000000').");
}

}  // namespace
}  // namespace steward::partition
