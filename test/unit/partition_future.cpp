// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "partition/future.hpp"
#include "partition/order.hpp"
#include "test_zone.hpp"

namespace steward::partition {
namespace {

constexpr Position kDay = base::kMicrosPerDay;

Position at(int year, int month, int day) { return Position{base::days_from_civil(year, month, day)} * kDay; }

Grid months() { return Grid(Axis::wall_clock, base::Interval{1, 0, 0}, at(2000, 1, 1), base::utc()); }

Range range(Position lower, Position upper) {
    Range made;
    made.lower.position = lower;
    made.upper.position = upper;
    return made;
}

Missing missing(const std::vector<Range>& existing, Position now, int periods, Policy policy = {},
                std::size_t limit = 1000) {
    policy.codec.kind = CodecKind::timestamp;
    return missing_ranges(existing, {}, months(), policy, now, periods, limit);
}

TEST(Future, IsCountedFromNowAndHoldsTheCurrentPeriod) {
    auto found = missing({}, at(2025, 1, 15), 2);
    ASSERT_EQ(found.ranges.size(), 3u);
    EXPECT_TRUE(found.ranges[0].lower.position == at(2025, 1, 1));
    EXPECT_TRUE(found.ranges[2].upper.position == at(2025, 4, 1));
}

TEST(Future, NewestRowFarAheadDoesNotMoveIt) {
    auto found = missing({range(at(2099, 1, 1), at(2099, 2, 1))}, at(2025, 1, 15), 1);
    ASSERT_EQ(found.ranges.size(), 2u);
    EXPECT_TRUE(found.ranges.back().upper.position == at(2025, 3, 1));
}

TEST(Future, AfterALongOutageTheNearestComeFirst) {
    auto found = missing({range(at(2024, 1, 1), at(2024, 2, 1))}, at(2025, 1, 15), 1);
    ASSERT_EQ(found.ranges.size(), 13u);
    EXPECT_TRUE(found.ranges[0].lower.position == at(2025, 1, 1));
    EXPECT_TRUE(found.ranges[1].lower.position == at(2025, 2, 1));
    EXPECT_TRUE(found.ranges[2].lower.position == at(2024, 12, 1));
    EXPECT_TRUE(found.ranges[12].lower.position == at(2024, 2, 1));
}

TEST(Future, GapOfOddWidthIsFilledFromBoundToBound) {
    auto found =
        missing({range(at(2024, 11, 1), at(2024, 11, 20)), range(at(2025, 1, 1), at(2025, 2, 1))}, at(2025, 1, 15), 0);
    ASSERT_EQ(found.ranges.size(), 2u);
    EXPECT_TRUE(found.ranges[0].lower.position == at(2024, 12, 1));
    EXPECT_TRUE(found.ranges[1].lower.position == at(2024, 11, 20));
    EXPECT_TRUE(found.ranges[1].upper.position == at(2024, 12, 1));
}

TEST(Future, NothingIsMadeThatRetentionWouldTakeAway) {
    Policy policy;
    policy.start = at(2020, 1, 1);
    policy.keep = base::Interval{2, 0, 0};
    auto found = missing({}, at(2025, 1, 15), 0, policy);
    ASSERT_EQ(found.ranges.size(), 3u);
    EXPECT_TRUE(found.ranges.back().lower.position == at(2024, 11, 1));
}

TEST(Future, StartCoversHistoryThatIsAboutToBeLoaded) {
    Policy policy;
    policy.start = at(2024, 12, 10);
    auto found = missing({}, at(2025, 1, 15), 0, policy);
    ASSERT_EQ(found.ranges.size(), 2u);
    EXPECT_TRUE(found.ranges[1].lower.position == at(2024, 12, 1));
}

TEST(Future, MaxAheadEndsItEarlyButNeverBeforeTheCurrentPeriod) {
    Policy policy;
    policy.max_ahead = base::Interval{0, 20, 0};
    auto found = missing({}, at(2025, 1, 15), 12, policy);
    EXPECT_EQ(found.ranges.size(), 2u);
    policy.max_ahead = base::Interval{0, 0, 1};
    EXPECT_EQ(missing({}, at(2025, 1, 15), 12, policy).ranges.size(), 1u);
}

TEST(Future, LimitKeepsTheNearest) {
    auto found = missing({range(at(2020, 1, 1), at(2020, 2, 1))}, at(2025, 1, 15), 3, {}, 4);
    ASSERT_EQ(found.ranges.size(), 4u);
    EXPECT_TRUE(found.is_cut_short);
    EXPECT_TRUE(found.ranges[3].lower.position == at(2025, 4, 1));
}

TEST(Future, MaxvaluePartitionLeavesNothingToMake) {
    Range rest = range(at(2025, 1, 1), 0);
    rest.upper.kind = Bound::Kind::maxvalue;
    EXPECT_TRUE(missing({rest}, at(2025, 6, 15), 5).ranges.empty());
}

Missing missing_beside(const std::vector<Range>& in_trash, const std::vector<Range>& existing, Policy policy = {}) {
    policy.codec.kind = CodecKind::timestamp;
    return missing_ranges(existing, in_trash, months(), policy, at(2025, 1, 15), 1, 1000);
}

TEST(Future, HoleOfARetiredPartitionIsLeftToIt) {
    Policy policy;
    policy.start = at(2024, 10, 1);
    auto found = missing_beside({range(at(2024, 12, 1), at(2025, 1, 1)), range(at(2024, 10, 1), at(2024, 11, 1))},
                                {range(at(2025, 1, 1), at(2025, 2, 1))}, policy);
    ASSERT_EQ(found.ranges.size(), 2u);
    EXPECT_TRUE(found.ranges[0].lower.position == at(2025, 2, 1));
    EXPECT_TRUE(found.ranges[1].lower.position == at(2024, 11, 1));
    EXPECT_TRUE(found.ranges[1].upper.position == at(2024, 12, 1));
}

TEST(Future, TrashDoesNotMoveTheBeginOfThePast) {
    auto found = missing_beside({range(at(2020, 1, 1), at(2020, 2, 1))}, {range(at(2025, 1, 1), at(2025, 2, 1))});
    ASSERT_EQ(found.ranges.size(), 1u);
    EXPECT_TRUE(found.ranges[0].lower.position == at(2025, 2, 1));
}

TEST(Future, NowAndLaterAreMadeWhateverLiesInTheTrash) {
    auto found = missing_beside({range(at(2025, 1, 1), at(2025, 2, 1)), range(at(2025, 2, 1), at(2025, 3, 1))}, {});
    ASSERT_EQ(found.ranges.size(), 2u);
    EXPECT_TRUE(found.ranges[0].lower.position == at(2025, 1, 1));
    // What ended within the current period keeps its place, and now has one beside it.
    found = missing_beside({range(at(2025, 1, 1), at(2025, 1, 15))}, {});
    ASSERT_EQ(found.ranges.size(), 2u);
    EXPECT_TRUE(found.ranges[0].lower.position == at(2025, 1, 15));
}

TEST(Future, RetiredRangesMayOverlapEachOtherAndWhatIsThere) {
    Policy policy;
    policy.start = at(2024, 10, 1);
    auto found = missing_beside({range(at(2024, 10, 1), at(2024, 12, 1)), range(at(2024, 11, 1), at(2024, 11, 10)),
                                 range(at(2024, 11, 20), at(2024, 12, 20))},
                                {range(at(2024, 12, 10), at(2025, 1, 1))}, policy);
    ASSERT_EQ(found.ranges.size(), 2u);
    EXPECT_TRUE(found.ranges[0].lower.position == at(2025, 1, 1));
}

TEST(Future, RetiredPartitionWhoseBoundLiesBehindNowKeepsNoPlace) {
    Range retired = range(at(2025, 1, 1), at(2025, 1, 15));
    retired.upper.exact = false;
    EXPECT_TRUE(places_kept({retired}, at(2025, 1, 15)).empty());
    EXPECT_EQ(places_kept({retired}, at(2025, 1, 16)).size(), 1u);
}

TEST(Future, RandomSetsEndUpCoveredWithoutGapOrOverlap) {
    std::mt19937 random(7);
    for (int round = 0; round < 500; ++round) {
        std::vector<Range> existing;
        Position cursor = at(2024, 1, 1) + Position{random() % 40} * kDay;
        while (cursor < at(2025, 1, 15)) {
            Position end = cursor + Position{1 + random() % 50} * kDay;
            if (random() % 3 != 0) existing.push_back(range(cursor, end));
            cursor = end;
        }
        auto found = missing(existing, at(2025, 1, 15), static_cast<int>(random() % 6));
        std::vector<Range> all = existing;
        all.insert(all.end(), found.ranges.begin(), found.ranges.end());
        std::sort(all.begin(), all.end(), [](const Range& a, const Range& b) { return before(a.lower, b.lower); });
        for (std::size_t i = 1; i < all.size(); ++i)
            ASSERT_TRUE(all[i - 1].upper.position == all[i].lower.position) << round;
        ASSERT_TRUE(missing(all, at(2025, 1, 15), 0).ranges.empty());
    }
}

std::vector<Partition> partitions(const std::vector<Range>& ranges) {
    std::vector<Partition> made(ranges.size());
    for (std::size_t i = 0; i < ranges.size(); ++i) made[i].range = ranges[i];
    return made;
}

TEST(Retention, GoesByTheRealUpperBoundNotByTheName) {
    auto set = partitions({range(at(2020, 1, 1), at(2025, 1, 1)), range(at(2025, 1, 1), at(2025, 2, 1))});
    EXPECT_TRUE(past_partitions(set, at(2024, 12, 31)).empty());
    EXPECT_EQ(past_partitions(set, at(2025, 1, 1)).size(), 1u);
}

TEST(Retention, PartitionWhoseBoundLiesBehindItsPositionWaits) {
    auto set = partitions({range(at(2024, 12, 1), at(2025, 1, 1))});
    set[0].range.upper.exact = false;
    EXPECT_TRUE(past_partitions(set, at(2025, 1, 1)).empty());
}

TEST(Retention, OpenEndedPartitionIsNeverPast) {
    auto set = partitions({range(at(2020, 1, 1), 0)});
    set[0].range.upper.kind = Bound::Kind::maxvalue;
    EXPECT_TRUE(past_partitions(set, at(2030, 1, 1)).empty());
}

TEST(Retention, KeepCountsCalendarMonths) {
    Policy policy;
    policy.keep = base::Interval{1, 0, 0};
    EXPECT_TRUE(*retention_cut(months(), policy, at(2025, 3, 31)) == at(2025, 2, 28));
    EXPECT_TRUE(*retention_cut(months(), at(2025, 3, 15), 12) == at(2024, 3, 15));
    EXPECT_FALSE(retention_cut(months(), Policy{}, at(2025, 3, 15)));
}

TEST(Order, ReferencingTablesComeBeforeWhatTheyReference) {
    EXPECT_EQ(referencing_first({1, 2, 3}, {{2, 1}, {3, 2}}), (std::vector<RelationId>{3, 2, 1}));
}

TEST(Order, CirclesAndSelfReferencesEnd) { EXPECT_EQ(referencing_first({1, 2}, {{1, 2}, {2, 1}, {1, 1}}).size(), 2u); }

}  // namespace
}  // namespace steward::partition
