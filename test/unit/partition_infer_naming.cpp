// SPDX-License-Identifier: PostgreSQL
#include "partition/naming.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test_zone.hpp"

namespace steward::partition {
namespace {

using base::Interval;
using base::utc;
using test::local;
using test::TestZone;

const Interval kMonthly{1, 0, 0};

Codec codec_of(CodecKind kind) {
    Codec codec;
    codec.kind = kind;
    return codec;
}

NamedRange named(std::string name, std::int32_t year, int month, int day = 1, int hour = 0) {
    return NamedRange{std::move(name), local(year, month, day, hour).micros};
}

// The convention as "prefix|next period", the period that of a range beginning at `next`.
std::string found(Interval step, const std::vector<NamedRange>& partitions, const NamedRange& next) {
    const Codec codec = codec_of(CodecKind::timestamp);
    const Grid grid(Axis::wall_clock, step, default_origin(Axis::wall_clock, step, utc()), utc());
    const auto naming = infer_naming(codec, grid, partitions);
    return naming ? naming->prefix + "|" + period_text(codec, grid, next.lower, *naming) : "nothing";
}

TEST(PartitionInferNaming, a_parent_may_be_named_otherwise_than_its_partitions) {
    const Codec codec = codec_of(CodecKind::timestamp);
    const Grid grid(Axis::wall_clock, kMonthly, 0, utc());
    const auto naming = infer_naming(codec, grid, {named("learning_sessions_2025_01", 2025, 1)});
    ASSERT_TRUE(naming);
    EXPECT_EQ(naming->prefix, "learning_sessions_");
    EXPECT_EQ(naming->style, PeriodStyle::month);
    EXPECT_EQ(naming->separator, PeriodSeparator::underscore);
}

TEST(PartitionInferNaming, conventions_of_other_tools_are_continued) {
    const NamedRange next = named("", 2025, 10);
    const auto continued = [&](const std::string& name) { return found(kMonthly, {named(name, 2025, 7)}, next); };
    EXPECT_EQ(continued("events_p2025_07_01"), "events_p|2025_10_01");
    EXPECT_EQ(continued("events_p20250701"), "events_p|20251001");
    EXPECT_EQ(continued("events_p2025_07_01_000000"), "events_p|2025_10_01_000000");
    EXPECT_EQ(continued("events_p20250701_000000"), "events_p|20251001_000000");
    EXPECT_EQ(continued("events_202507"), "events_|202510");
    EXPECT_EQ(continued("events-2025-07"), "events-|2025-10");
    EXPECT_EQ(continued("events_y2025m07"), "events_|y2025m10");
    EXPECT_EQ(continued("events_y2025m07d01"), "events_|y2025m10d01");
    EXPECT_EQ(continued("Ereignisse \u20ac 2025_07"), "Ereignisse \u20ac |2025_10");
    EXPECT_EQ(continued("2025_07"), "|2025_10");
    const Interval quarterly{3, 0, 0};
    EXPECT_EQ(found(quarterly, {named("events_p2025q3", 2025, 7)}, next), "events_p|2025q4");
    EXPECT_EQ(found(quarterly, {named("events_2025_q3", 2025, 7)}, next), "events_|2025_q4");
    EXPECT_EQ(found(Interval{12, 0, 0}, {named("events_2025", 2025, 1)}, named("", 2026, 1)), "events_|2026");
    EXPECT_EQ(found(Interval{0, 7, 0}, {named("events_p2025w01", 2024, 12, 30)}, named("", 2025, 1, 6)),
              "events_p|2025w02");
    const Interval hourly{0, 0, base::kMicrosPerHour};
    EXPECT_EQ(found(hourly, {named("events_p2025_01_01_130000", 2025, 1, 1, 13)}, named("", 2025, 1, 2, 14)),
              "events_p|2025_01_02_140000");
    EXPECT_EQ(found(hourly, {named("events_2025010113", 2025, 1, 1, 13)}, named("", 2025, 1, 2, 14)),
              "events_|2025010214");
    EXPECT_EQ(found(hourly, {named("events_y2025m01d01h13", 2025, 1, 1, 13)}, named("", 2025, 1, 2, 14)),
              "events_|y2025m01d02h14");
}

TEST(PartitionInferNaming, the_majority_of_the_newest_names_decides) {
    const NamedRange next = named("", 2026, 1);
    EXPECT_EQ(found(kMonthly,
                    {named("events_old", 2020, 1), named("events_2025_01", 2025, 1), named("special", 2025, 2),
                     named("events_2025_03", 2025, 3)},
                    next),
              "events_|2026_01");
    // Twelve old names of one convention against seven new ones of another, in no order.
    std::vector<NamedRange> partitions;
    for (int month = 1; month <= 12; ++month) {
        partitions.push_back(named("new_p" + std::to_string(202500 + month), 2025, month));
        partitions.push_back(
            named("old_" + std::to_string(2024) + (month < 10 ? "_0" : "_") + std::to_string(month), 2024, month));
    }
    EXPECT_EQ(found(kMonthly, partitions, next), "new_p|202601");
}

TEST(PartitionInferNaming, names_without_a_convention_give_none) {
    const NamedRange next = named("", 2026, 1);
    EXPECT_EQ(found(kMonthly, {}, next), "nothing");
    EXPECT_EQ(found(kMonthly, {named("alice", 2025, 1), named("bob", 2025, 2)}, next), "nothing");
    EXPECT_EQ(found(kMonthly, {named("events_2025_02", 2025, 1)}, next), "nothing");
    EXPECT_EQ(found(kMonthly, {named("a", 2025, 1), named("b", 2025, 2), named("events_2025_03", 2025, 3)}, next),
              "nothing");
}

TEST(PartitionInferNaming, numbers_are_found_behind_their_prefix) {
    const Grid grid(Axis::number, Position{1'000'000}, 0, utc());
    const auto naming =
        infer_naming(codec_of(CodecKind::integer), grid,
                     {{"events_p0", 0}, {"events_p1000000", 1'000'000}, {"events_p2000000", 2'000'000}});
    ASSERT_TRUE(naming);
    EXPECT_EQ(naming->prefix, "events_p");
    EXPECT_EQ(naming->style, PeriodStyle::number);
    EXPECT_FALSE(infer_naming(codec_of(CodecKind::integer), grid, {{"events_10", 0}}));
    const auto negative = infer_naming(codec_of(CodecKind::integer), grid, {{"events_m1000000", -1'000'000}});
    ASSERT_TRUE(negative);
    EXPECT_EQ(negative->prefix, "events_");
}

TEST(PartitionInferNaming, epoch_keys_may_be_named_by_their_numbers) {
    const Codec codec = codec_of(CodecKind::epoch_s);
    const Grid grid(Axis::instant, kMonthly, local(2000, 1, 1).micros, utc());
    const auto naming = infer_naming(codec, grid, {named("events_1735689600", 2025, 1)});
    ASSERT_TRUE(naming);
    EXPECT_EQ(period_text(codec, grid, local(2025, 2, 1).micros, *naming), "1738368000");
    const auto by_time = infer_naming(codec, grid, {named("events_2025_01", 2025, 1)});
    ASSERT_TRUE(by_time);
    EXPECT_EQ(by_time->style, PeriodStyle::month);
}

TEST(PartitionInferNaming, names_are_read_on_the_clock_of_the_grids_zone) {
    const TestZone berlin("Europe/Berlin");
    const Codec codec = codec_of(CodecKind::timestamptz);
    const Position lower = base::to_instant(local(2025, 7, 1), berlin).micros;
    EXPECT_TRUE(infer_naming(codec, Grid(Axis::instant, kMonthly, lower, berlin), {{"events_2025_07", lower}}));
    EXPECT_FALSE(infer_naming(codec, Grid(Axis::instant, kMonthly, lower, utc()), {{"events_2025_07", lower}}));
}

}  // namespace
}  // namespace steward::partition
