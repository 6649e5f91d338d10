// SPDX-License-Identifier: PostgreSQL
#include "capture/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "capture/counters.hpp"

namespace {

using namespace steward::capture;

constexpr std::int64_t kMicro = 1'000;
constexpr std::int64_t kHour = 3'600'000'000'000;

TEST(CaptureHistogram, middle_of_a_bucket_is_within_an_eighth_from_a_microsecond_to_four_hours) {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> exponent(std::log2(double{kMicro}), std::log2(4.0 * kHour));
    for (int i = 0; i < 1'000'000; ++i) {
        auto nanos = static_cast<std::int64_t>(std::exp2(exponent(random)));
        double error = static_cast<double>(middle_of(bucket_of(nanos)) - nanos) / static_cast<double>(nanos);
        ASSERT_LE(std::abs(error), 0.125) << nanos;
    }
}

TEST(CaptureHistogram, buckets_ascend_without_a_gap_and_take_everything) {
    EXPECT_EQ(bucket_of(-5), 0);
    EXPECT_EQ(bucket_of(0), 0);
    EXPECT_EQ(bucket_of(INT64_MAX), kBuckets - 1);
    int last = 0;
    for (std::int64_t nanos = 500; nanos < 20 * kHour; nanos += 1 + nanos / 64) {
        int bucket = bucket_of(nanos);
        ASSERT_TRUE(bucket == last || bucket == last + 1) << nanos;
        last = bucket;
    }
    EXPECT_EQ(last, kBuckets - 1);
    for (int i = 0; i < kBuckets; ++i) EXPECT_EQ(bucket_of(middle_of(i)), i);
}

TEST(CaptureHistogram, percentiles_of_merged_ones_are_those_of_all_values) {
    std::mt19937_64 random(2);
    std::lognormal_distribution<double> durations(13, 2);
    std::vector<std::int64_t> all;
    Histogram merged{};
    for (int part = 0; part < 5; ++part) {
        SmallHistogram small{};
        for (int i = 0; i < 3000; ++i) {
            auto nanos = static_cast<std::int64_t>(durations(random)) + kMicro;
            all.push_back(nanos);
            ASSERT_TRUE(small.add(nanos));
        }
        add(merged, small);
    }
    std::sort(all.begin(), all.end());
    const std::array shares{0.01, 0.5, 0.9, 0.99, 1.0};
    auto found = percentiles_of(merged, shares);
    for (std::size_t i = 0; i < shares.size(); ++i) {
        auto rank = static_cast<std::size_t>(std::ceil(shares[i] * static_cast<double>(all.size()))) - 1;
        EXPECT_NEAR(static_cast<double>(found[i]), static_cast<double>(all[rank]),
                    0.125 * static_cast<double>(all[rank]));
    }
    EXPECT_EQ(total_of(merged), 15'000);
    EXPECT_EQ(percentiles_of(Histogram{}, shares)[2], 0);
}

TEST(CaptureHistogram, says_when_a_count_is_full) {
    SmallHistogram small{};
    for (int i = 1; i < SmallHistogram::kFull; ++i) ASSERT_TRUE(small.add(kMicro));
    EXPECT_FALSE(small.add(kMicro));
}

TEST(CaptureCounters, two_halves_are_the_whole) {
    Counters whole, half, other;
    for (Counters* one : {&whole, &half, &other}) one->clear();
    for (int i = 1; i <= 100; ++i) {
        for (Counters* one : {&whole, i % 2 == 0 ? &half : &other}) {
            ++one->sums[kCalls];
            one->sums[kWalBytes] += i;
            one->add_duration(i * kMicro);
            one->see(1000 - i);
        }
    }
    add(half, other);
    EXPECT_EQ(half.sums[kCalls], 100);
    EXPECT_EQ(half.sums[kWalBytes], 5050);
    EXPECT_EQ(half.min_ns, kMicro);
    EXPECT_EQ(half.max_ns, 100 * kMicro);
    EXPECT_EQ(half.first_seen, 900);
    EXPECT_EQ(half.last_seen, 999);
    EXPECT_DOUBLE_EQ(mean_ns(half), 50.5 * kMicro);
    EXPECT_NEAR(stddev_ns(half), 28.866 * kMicro, 1);
    EXPECT_DOUBLE_EQ(stddev_ns(half), stddev_ns(whole));
}

}  // namespace
