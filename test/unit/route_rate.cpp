// SPDX-License-Identifier: PostgreSQL
#include "route/rate.hpp"

#include <gtest/gtest.h>

#include "route/lsn_ring.hpp"

namespace steward::route {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

TEST(RouteRate, is_that_of_the_latest_samples) {
    Rate rate;
    EXPECT_FALSE(rate.value());
    rate.note({1000}, {kSecond});
    EXPECT_FALSE(rate.value());
    rate.note({1000}, {kSecond});
    rate.note({3000}, {3 * kSecond});
    EXPECT_DOUBLE_EQ(*rate.value(), 1000);
    for (int i = 4; i < 20; ++i) rate.note({3000}, {i * kSecond});
    EXPECT_DOUBLE_EQ(*rate.value(), 0) << "what was long ago does not count";
    rate.note({10}, {21 * kSecond});
    EXPECT_FALSE(rate.value()) << "another history begins anew";
}

TEST(RouteRate, a_standby_that_gets_no_nearer_does_not_catch_up) {
    EXPECT_DOUBLE_EQ(*catch_up_seconds(0, {}, {}), 0);
    EXPECT_DOUBLE_EQ(*catch_up_seconds(3000, 400, 100), 10);
    EXPECT_FALSE(catch_up_seconds(3000, 100, 100));
    EXPECT_FALSE(catch_up_seconds(3000, 0, 0));
    EXPECT_FALSE(catch_up_seconds(3000, {}, 100));
    EXPECT_FALSE(catch_up_seconds({}, 400, 100));
}

TEST(RouteRate, hours_are_left_while_wal_is_written) {
    EXPECT_DOUBLE_EQ(*hours_left(3'600'000, 500), 2);
    EXPECT_DOUBLE_EQ(*hours_left(-5, 500), 0);
    EXPECT_FALSE(hours_left({}, 500)) << "unlimited";
    EXPECT_FALSE(hours_left(5, 0));
}

TEST(RouteRate, the_ring_knows_that_of_the_last_hour) {
    LsnRing ring;
    EXPECT_FALSE(ring.rate({0}, {0}));
    for (std::int64_t second = 0; second <= 7200; ++second)
        ring.note({static_cast<std::uint64_t>(second <= 3600 ? second * 100 : 360'000 + (second - 3600) * 10)},
                  {second * kSecond});
    EXPECT_NEAR(*ring.rate({396'000}, {7200 * kSecond}), 10, 0.5);
    EXPECT_NEAR(*ring.rate({396'000}, {10'800 * kSecond}), 0, 0.5) << "idle for an hour";
}

}  // namespace
}  // namespace steward::route
