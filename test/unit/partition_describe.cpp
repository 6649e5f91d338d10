// SPDX-License-Identifier: PostgreSQL
#include "partition/describe.hpp"

#include <gtest/gtest.h>

#include "test_zone.hpp"

namespace steward::partition {
namespace {

PartitionSet set_of(Strategy strategy, CodecKind kind) {
    PartitionSet set;
    set.strategy = strategy;
    set.codec = Codec{};
    set.codec->kind = kind;
    return set;
}

Bound at(Position position, std::string literal = "") {
    return Bound{Bound::Kind::value, position, true, std::move(literal)};
}

constexpr Position kNewYear2025 = Position{1'735'689'600} * base::kMicrosPerSecond;

TEST(PartitionDescribe, key_columns_are_what_stands_in_parentheses) {
    EXPECT_EQ(key_columns("RANGE (at)"), "at");
    EXPECT_EQ(key_columns("LIST (lower((name)::text))"), "lower((name)::text)");
    EXPECT_EQ(key_columns("RANGE (\"a)b\", c)"), "\"a)b\", c");
    EXPECT_EQ(key_columns("nothing"), "nothing");
}

TEST(PartitionDescribe, instants_carry_the_offset_of_their_zone) {
    test::TestZone berlin("Europe/Berlin");
    PartitionSet set = set_of(Strategy::range, CodecKind::timestamptz);
    Partition partition;
    partition.range = {at(kNewYear2025 - base::kMicrosPerHour), Bound{Bound::Kind::maxvalue, 0, true, "MAXVALUE"}};
    ShownBounds bounds = shown_bounds(set, partition, *set.codec, berlin);
    EXPECT_EQ(bounds.start, "2025-01-01 00:00:00+01");
    EXPECT_EQ(bounds.end, "MAXVALUE");
}

TEST(PartitionDescribe, several_key_columns_are_shown_as_the_server_writes_them) {
    PartitionSet set = set_of(Strategy::range, CodecKind::integer);
    set.key.columns = 2;
    Partition partition;
    partition.range = {at(1, "'1', MINVALUE"), at(2, "'2', MINVALUE")};
    ShownBounds bounds = shown_bounds(set, partition, *set.codec, base::utc());
    EXPECT_EQ(bounds.start, "'1', MINVALUE");
    EXPECT_EQ(bounds.end, "'2', MINVALUE");
}

TEST(PartitionDescribe, list_values_and_hash_remainders_stand_in_start) {
    PartitionSet list = set_of(Strategy::list, CodecKind::integer);
    Partition partition;
    partition.values = {"7", std::nullopt};
    ShownBounds bounds = shown_bounds(list, partition, *list.codec, base::utc());
    EXPECT_EQ(bounds.start, "7, NULL");
    EXPECT_FALSE(bounds.end);

    PartitionSet dates = set_of(Strategy::list, CodecKind::date);
    partition.values = {"1735689600000000"};
    EXPECT_EQ(shown_bounds(dates, partition, *dates.codec, base::utc()).start, "2025-01-01");

    PartitionSet hash = set_of(Strategy::hash, CodecKind::integer);
    partition.modulus = 4;
    partition.remainder = 3;
    EXPECT_EQ(shown_bounds(hash, partition, *hash.codec, base::utc()).start, "modulus 4, remainder 3");
}

TEST(PartitionDescribe, server_text_is_taken_apart_past_quotes_and_parentheses) {
    ShownBounds range = shown_bounds("FOR VALUES FROM ('a)''(', (1)) TO ('b TO (', MAXVALUE)");
    EXPECT_EQ(range.start, "'a)''(', (1)");
    EXPECT_EQ(range.end, "'b TO (', MAXVALUE");
    ShownBounds list = shown_bounds("FOR VALUES IN ('x', NULL)");
    EXPECT_EQ(list.start, "'x', NULL");
    EXPECT_FALSE(list.end);
    EXPECT_EQ(shown_bounds("FOR VALUES WITH (modulus 4, remainder 0)").start, "modulus 4, remainder 0");
    EXPECT_FALSE(shown_bounds("DEFAULT").start);
    EXPECT_FALSE(shown_bounds("").start);
    EXPECT_EQ(shown_bounds("FOR VALUES FROM (").start, "");
}

TEST(PartitionDescribe, ranges_hold_their_lower_bound_and_not_their_upper) {
    Range range{at(10), at(20)};
    EXPECT_FALSE(holds(range, 9));
    EXPECT_TRUE(holds(range, 10));
    EXPECT_FALSE(holds(range, 20));
    range.upper.kind = Bound::Kind::maxvalue;
    EXPECT_TRUE(holds(range, 20));
    range.lower.kind = Bound::Kind::minvalue;
    EXPECT_TRUE(holds(range, -1));
}

}  // namespace
}  // namespace steward::partition
