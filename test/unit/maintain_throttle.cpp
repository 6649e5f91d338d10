// SPDX-License-Identifier: PostgreSQL
#include "maintain/throttle.hpp"

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

double share(double busy_sessions, int processors = 4) { return allowed_share({processors, busy_sessions, 0, {}}, {}); }

double share_at_lag(std::int64_t lag_bytes) { return allowed_share({4, 0, 0, lag_bytes}, {1 << 20, 1}); }

// What a VACUUM that works `work_ms` between two delays comes to, looked at after each.
double settled_share(double work_ms, double allowed, double delay_ms = 0) {
    double used = 0;
    for (int i = 0; i < 100; ++i) {
        used = work_ms / (work_ms + delay_ms);
        delay_ms = next_delay_ms(delay_ms, used, allowed);
    }
    return used;
}

// What it takes beside others who want so many processors of four, looked at again and again.
double settled_beside(double wanted) {
    double own = 1;
    for (int i = 0; i < 100; ++i) {
        const double busy = std::min(wanted + own, 4.0);
        own = (own + allowed_share({4, 0, wanted_by_others(busy, own, 4), {}}, {})) / 2;
    }
    return own;
}

TEST(MaintainThrottle, does_not_take_for_room_what_it_has_taken_from_others) {
    EXPECT_NEAR(settled_beside(4), 0.2, 0.01);
    EXPECT_NEAR(settled_beside(3.7), 0.2, 0.1);
    EXPECT_NEAR(settled_beside(2), allowed_share({4, 0, 2, {}}, {}), 0.01) << "there is room beside them";
    EXPECT_NEAR(settled_beside(0), 1, 0.01);
}

TEST(MaintainThrottle, goes_as_fast_as_it_can_on_an_idle_machine) {
    EXPECT_EQ(share(0), 1);
    EXPECT_EQ(share(1), 1);
    EXPECT_EQ(next_delay_ms(50, 0.1, 1), 0);
}

TEST(MaintainThrottle, takes_a_twentieth_of_a_machine_that_is_busy) {
    EXPECT_DOUBLE_EQ(share(4, 4), 0.2);
    EXPECT_DOUBLE_EQ(share(100, 4), 0.2);
    EXPECT_DOUBLE_EQ(share(2, 2), 0.1);
    EXPECT_DOUBLE_EQ(share(64, 64), 1) << "a single process is less than that";
}

TEST(MaintainThrottle, gives_way_gradually) {
    double last = 1;
    for (double sessions = 2.7; sessions < 3.4; sessions += 0.1) {
        EXPECT_LT(share(sessions), last);
        last = share(sessions);
    }
}

TEST(MaintainThrottle, leaves_a_tenth_of_the_processors_idle) {
    EXPECT_NEAR(share(3), 0.6, 1e-9);
    EXPECT_NEAR(share(1.5, 2), 0.3, 1e-9);
    EXPECT_NEAR(share(1.75, 2), 0.1, 1e-9) << "but takes its twentieth";
}

TEST(MaintainThrottle, waits_for_a_replica_that_falls_behind) {
    EXPECT_EQ(share_at_lag(0), 1);
    EXPECT_EQ(share_at_lag(1 << 18), 1);
    EXPECT_LT(share_at_lag(1 << 19), 0.7);
    EXPECT_EQ(share_at_lag(1 << 20), 0);
    EXPECT_EQ(share_at_lag(std::int64_t{1} << 40), 0);
}

TEST(MaintainThrottle, settles_at_the_allowed_share_however_fast_the_machine_is) {
    for (double work_ms : {0.2, 1.0, 5.0})
        for (double allowed : {0.05, 0.1, 0.5, 0.9})
            EXPECT_NEAR(settled_share(work_ms, allowed), allowed, 0.05) << work_ms << " ms, " << allowed;
}

TEST(MaintainThrottle, never_stops_a_step_that_has_begun) {
    EXPECT_EQ(next_delay_ms(1, 0.5, 0), kMostDelayMs);
    EXPECT_EQ(next_delay_ms(kMostDelayMs, 1, 0.01), kMostDelayMs);
}

TEST(MaintainThrottle, sleeps_seldom_and_long_rather_than_often) {
    for (double delay_ms : {0.01, 1.0, 5.0, 30.0, 100.0}) {
        const Pace pace = pace_of(delay_ms);
        EXPECT_NEAR(pace.delay_ms / pace.cost_limit, delay_ms / kCostLimit, 0.001) << "the same share of its time";
        EXPECT_LE(pace.delay_ms, kMostDelayMs);
        EXPECT_GE(pace.cost_limit, kCostLimit);
    }
    EXPECT_EQ(pace_of(9).delay_ms, 90);
    EXPECT_EQ(pace_of(100).cost_limit, kCostLimit) << "the slowest is slow at once";
}

TEST(MaintainThrottle, comes_back_from_a_standstill) { EXPECT_NEAR(settled_share(1, 0.5, kMostDelayMs), 0.5, 0.05); }

TEST(MaintainThrottle, heeds_what_else_runs_on_the_machine) {
    EXPECT_EQ(allowed_share({4, 0, 1, {}}, {}), 1);
    EXPECT_DOUBLE_EQ(allowed_share({4, 0, 4, {}}, {}), 0.2);
    EXPECT_DOUBLE_EQ(allowed_share({4, 4, 1, {}}, {}), 0.2) << "sessions that wait for a disk need it too";
}

TEST(MaintainThrottle, goes_by_the_load_that_is_tolerated) {
    const Load busy{4, 0, 4, {}};
    EXPECT_DOUBLE_EQ(allowed_share(busy, {0, 1}), 0.2);
    EXPECT_GT(allowed_share(busy, {0, 2}), 0.5);
    EXPECT_DOUBLE_EQ(allowed_share({4, 2, 0, {}}, {0, 0.5}), 0.2);
    EXPECT_EQ(allowed_share({4, 400, 4, {}}, {0, 0}), 1) << "0 disables";
}

TEST(MaintainThrottle, begins_what_cannot_be_slowed_down_only_below_the_tolerated_load) {
    EXPECT_TRUE(may_begin_unthrottled({4, 1, 0, {}}, {}));
    EXPECT_FALSE(may_begin_unthrottled({4, 4, 0, {}}, {}));
    EXPECT_TRUE(may_begin_unthrottled({4, 4, 0, {}}, {0, 0}));
    EXPECT_TRUE(may_begin_unthrottled({64, 60, 0, {}}, {}));
    EXPECT_FALSE(may_begin_unthrottled({64, 64, 0, {}}, {}));
    EXPECT_FALSE(may_begin_unthrottled({4, 0, 0, 3 << 18}, {1 << 20, 0}));
    EXPECT_TRUE(may_begin(allowed_share({1, 4, 0, {}}, {}))) << "what can be slowed down begins on any machine";
    EXPECT_FALSE(may_begin(allowed_share({1, 0, 0, 1 << 20}, {1 << 20, 0})));
}

TEST(MaintainThrottle, goes_by_the_lag_that_is_tolerated) {
    EXPECT_EQ(allowed_share({4, 0, 0, std::int64_t{1} << 40}, {0, 1}), 1) << "0 disables";
    EXPECT_EQ(allowed_share({4, 0, 0, 1 << 20}, {std::int64_t{64} << 20, 1}), 1);
}

TEST(MaintainThrottle, knows_whom_it_waits_for) {
    EXPECT_TRUE(is_for_replicas({4, 0, 4, 1 << 20}, {1 << 20, 1}));
    EXPECT_FALSE(is_for_replicas({4, 0, 4, 1 << 19}, {1 << 20, 1}));
    EXPECT_FALSE(is_for_replicas({4, 0, 4, {}}, {1 << 20, 1}));
    EXPECT_TRUE(is_for_replicas({4, 0, 4, 1 << 19}, {1 << 20, 0}));
}

TEST(MaintainThrottle, reads_the_times_of_processors) {
    const auto times = parse_processor_times("cpu  10 1 20 300 40 5 6 7 0 0\ncpu0 1 2 3 4 5 6 7 8\n");
    ASSERT_TRUE(times);
    EXPECT_DOUBLE_EQ(times->busy, 49);
    EXPECT_DOUBLE_EQ(times->total, 389);
    for (const char* text : {"", "cpu", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8", "cpu0 1 2 3 4 5 6 7 8"})
        EXPECT_FALSE(parse_processor_times(text)) << text;
}

}  // namespace
}  // namespace steward::maintain
