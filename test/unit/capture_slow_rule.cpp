// SPDX-License-Identifier: PostgreSQL
#include "capture/slow_rule.hpp"

#include <gtest/gtest.h>

namespace {

using namespace steward::capture;

Histogram of(std::int64_t nanos, std::int64_t calls) {
    Histogram histogram{};
    histogram.counts[bucket_of(nanos)] = calls;
    return histogram;
}

TEST(CaptureSlowRule, a_query_is_slow_at_so_many_times_its_own_percentile) {
    Histogram usual = of(20'000'000, 1000);
    std::uint64_t threshold = relative_threshold({10, 100}, 1000, usual);
    EXPECT_NEAR(static_cast<double>(threshold), 200e6, 25e6);
    usual.counts[bucket_of(5'000'000'000)] = 9;
    EXPECT_EQ(relative_threshold({10, 100}, 1009, usual), threshold) << "a few that took long are not usual";
}

TEST(CaptureSlowRule, never_below_the_floor_nor_before_it_is_known) {
    EXPECT_EQ(relative_threshold({10, 100}, 1000, of(20'000, 1000)), 100'000'000U);
    EXPECT_EQ(relative_threshold({10, 100}, 99, of(20'000, 99)), kNever);
    EXPECT_EQ(relative_threshold({10, 100}, 1000, Histogram{}), kNever);
    EXPECT_EQ(relative_threshold({0, 100}, 1000, of(20'000, 1000)), kNever);
    EXPECT_EQ(relative_threshold({1e6, 0}, 1000, of(std::int64_t{1} << 43, 1000)), kNever);
}

TEST(CaptureSlowRule, minus_one_is_never) {
    EXPECT_EQ(nanos_of(-1), kNever);
    EXPECT_EQ(nanos_of(0), 0U);
    EXPECT_EQ(nanos_of(1000), 1'000'000'000U);
}

}  // namespace
