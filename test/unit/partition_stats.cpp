// SPDX-License-Identifier: PostgreSQL
#include "partition/stats.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "test_zone.hpp"

namespace steward::partition {
namespace {

using base::kMicrosPerDay;

// A set of daily ranges since 1970, given as pairs of days.
class PartitionStats : public testing::Test {
protected:
    PartitionStats() {
        set_.strategy = Strategy::range;
        set_.codec = Codec{};
        policy_.codec = *set_.codec;
    }

    void add(int from, int to, std::int64_t bytes = 100) {
        Partition partition;
        partition.id = static_cast<RelationId>(set_.partitions.size() + 1);
        partition.range = {day(from), day(to)};
        set_.partitions.push_back(partition);
        weights_.push_back({partition.id, 10, bytes, 3});
    }

    static Bound day(int number) { return Bound{Bound::Kind::value, Position{number} * kMicrosPerDay, true, ""}; }
    static base::Instant noon(int number) { return {number * kMicrosPerDay + kMicrosPerDay / 2}; }

    Stats stats(int today) const {
        return compute_stats(set_, policy_, base::utc(), weights_, default_weight_, pace_, noon(today));
    }

    PartitionSet set_;
    Policy policy_;
    std::vector<Weight> weights_;
    std::optional<Weight> default_weight_;
    Pace pace_;
};

TEST_F(PartitionStats, runway_ends_with_the_last_partition) {
    for (int i = 0; i < 5; ++i) add(i, i + 1);
    EXPECT_EQ(stats(2).runway_end, base::Instant{5 * kMicrosPerDay});
    EXPECT_EQ(stats(2).future, 2);
    EXPECT_EQ(stats(2).gaps, 0);
    EXPECT_EQ(stats(2).oldest_start, "1970-01-01 00:00:00+00");
    EXPECT_EQ(stats(2).newest_end, "1970-01-06 00:00:00+00");
}

TEST_F(PartitionStats, gap_ends_the_runway) {
    add(0, 1);
    add(1, 2);
    add(3, 4);
    EXPECT_EQ(stats(0).runway_end, base::Instant{2 * kMicrosPerDay});
    EXPECT_EQ(stats(0).gaps, 1);
    EXPECT_EQ(stats(0).future, 2);
}

TEST_F(PartitionStats, gap_that_a_retired_partition_fills_is_none) {
    add(0, 1);
    add(2, 3);
    add(5, 6);
    EXPECT_EQ(count_gaps(set_, {{day(1), day(2)}, {day(3), day(4)}}), 1);
    EXPECT_EQ(count_gaps(set_, {{day(1), day(2)}, {day(3), day(4)}, {day(4), day(7)}}), 0);
}

TEST_F(PartitionStats, runway_is_over_where_no_partition_holds_now) {
    add(0, 1);
    add(3, 4);
    EXPECT_EQ(stats(2).runway_end, noon(2));
    EXPECT_EQ(stats(9).runway_end, noon(9));
    set_.partitions.clear();
    weights_.clear();
    EXPECT_EQ(stats(9).runway_end, noon(9));
}

TEST_F(PartitionStats, maxvalue_has_no_end) {
    add(0, 1);
    add(1, 2);
    set_.partitions[1].range.upper = Bound{Bound::Kind::maxvalue, 0, true, "MAXVALUE"};
    EXPECT_FALSE(stats(0).runway_end);
    EXPECT_FALSE(stats(5000).runway_end);
    EXPECT_EQ(stats(0).newest_end, "MAXVALUE");
}

TEST_F(PartitionStats, inexact_bounds_meet_only_when_written_alike) {
    set_.key.columns = 2;
    Bound upper{Bound::Kind::value, 5, false, "'a', '1'"};
    Bound lower{Bound::Kind::value, 5, false, "'a', '2'"};
    EXPECT_FALSE(meets(set_, upper, lower));
    lower.literal = upper.literal;
    EXPECT_TRUE(meets(set_, upper, lower));
}

TEST_F(PartitionStats, growth_counts_finished_periods_by_their_length) {
    add(0, 2, 2000);  // 1000 a day
    add(2, 3, 400);
    add(3, 4, 77);  // not finished
    EXPECT_DOUBLE_EQ(stats(3).growth_bytes_per_day.value(), 800);
    EXPECT_FALSE(stats(0).growth_bytes_per_day);
}

TEST_F(PartitionStats, growth_forgets_old_periods) {
    add(0, 1, 1'000'000);
    for (int i = 1; i <= 7; ++i) add(i, i + 1, 50);
    EXPECT_DOUBLE_EQ(stats(8).growth_bytes_per_day.value(), 50);
}

TEST_F(PartitionStats, sums_take_the_default_in_and_averages_do_not) {
    add(0, 1, 100);
    add(1, 2, 300);
    default_weight_ = Weight{99, 5, 1000, 2};
    Stats all = stats(0);
    EXPECT_EQ(all.partitions, 2);
    EXPECT_EQ(all.rows, 25);
    EXPECT_EQ(all.bytes, 1400);
    EXPECT_EQ(all.average_bytes, 200);
    EXPECT_EQ(all.largest, 2u);
    EXPECT_EQ(all.largest_bytes, 300);
    EXPECT_EQ(all.locks, 1 + 3 + 3 + 2);
}

TEST_F(PartitionStats, unknown_weights_stay_unknown) {
    add(0, 1);
    weights_[0].rows = std::nullopt;
    weights_[0].bytes = std::nullopt;
    EXPECT_FALSE(stats(0).rows);
    EXPECT_FALSE(stats(0).largest_bytes);
    EXPECT_FALSE(stats(9).growth_bytes_per_day);
}

TEST_F(PartitionStats, number_keys_know_no_time) {
    set_.codec->kind = CodecKind::integer;
    policy_.codec = *set_.codec;
    add(0, 1);
    add(2, 3);
    Stats numbers = stats(0);
    EXPECT_EQ(numbers.gaps, 1);
    EXPECT_FALSE(numbers.runway_end);
    EXPECT_FALSE(numbers.future);
    EXPECT_FALSE(numbers.growth_bytes_per_day);
}

// 1,000 keys a day, a partition for each 1,000.
class PartitionStatsOfNumbers : public PartitionStats {
protected:
    PartitionStatsOfNumbers() {
        set_.codec->kind = CodecKind::integer;
        policy_.codec = *set_.codec;
        for (int i = 0; i < 10; ++i) {
            add(0, 1, 2000);
            set_.partitions.back().range = {key(i * 1000), key((i + 1) * 1000)};
        }
        pace_ = Pace({{noon(0), 4500}, {noon(1), 5500}});
    }
    static Bound key(int number) { return Bound{Bound::Kind::value, number, true, ""}; }
};

TEST_F(PartitionStatsOfNumbers, run_on_at_the_pace_of_their_keys) {
    Stats numbers = stats(2);
    EXPECT_EQ(numbers.runway_end, (base::Instant{6 * kMicrosPerDay}));
    EXPECT_EQ(numbers.future, 4);
    EXPECT_DOUBLE_EQ(numbers.growth_bytes_per_day.value(), 2000);
    EXPECT_FALSE(numbers.next_retirement);
    policy_.keep_width = 7000;
    EXPECT_EQ(stats(2).next_retirement, (base::Instant{4 * kMicrosPerDay}));
}

TEST_F(PartitionStatsOfNumbers, gap_ends_the_runway_and_what_is_over_is_over_now) {
    set_.partitions.erase(set_.partitions.begin() + 7);
    EXPECT_EQ(stats(2).runway_end, (base::Instant{3 * kMicrosPerDay}));
    EXPECT_EQ(stats(9).runway_end, noon(9));
    pace_ = Pace({{noon(0), 6500}, {noon(1), 7500}});
    EXPECT_EQ(stats(2).runway_end, noon(2));
}

TEST_F(PartitionStats, undecoded_bounds_say_nothing) {
    add(0, 1);
    add(2, 3);
    set_.codec = std::nullopt;
    EXPECT_FALSE(stats(0).gaps);
    EXPECT_FALSE(stats(0).oldest_start);
    EXPECT_EQ(stats(0).partitions, 2);
}

TEST_F(PartitionStats, wall_clock_runway_ends_by_the_zone) {
    set_.codec->kind = CodecKind::date;
    policy_.codec = *set_.codec;
    add(0, 1);
    test::TestZone kathmandu("Asia/Katmandu");
    Stats there = compute_stats(set_, policy_, kathmandu, weights_, {}, {}, {0});
    EXPECT_EQ(there.runway_end, base::Instant{kMicrosPerDay - kathmandu.offset_seconds({0}) * base::kMicrosPerSecond});
}

TEST_F(PartitionStats, oldest_upper_bound_decides_the_next_retirement) {
    add(0, 1);
    EXPECT_FALSE(stats(0).next_retirement);
    policy_.keep = base::Interval{0, 30, 0};
    EXPECT_EQ(stats(0).next_retirement, base::Instant{31 * kMicrosPerDay});
}

TEST_F(PartitionStats, skew_compares_the_fullest_with_the_average) {
    set_.strategy = Strategy::hash;
    add(0, 0);
    add(0, 0);
    weights_[0].rows = 30;
    EXPECT_DOUBLE_EQ(stats(0).skew.value(), 1.5);
    EXPECT_FALSE(stats(0).gaps);
    weights_[1].rows = std::nullopt;
    EXPECT_FALSE(stats(0).skew);
}

}  // namespace
}  // namespace steward::partition
