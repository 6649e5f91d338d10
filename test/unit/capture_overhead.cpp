// SPDX-License-Identifier: PostgreSQL
#include "capture/overhead.hpp"

#include <gtest/gtest.h>

namespace {

using namespace steward::capture;

TEST(CaptureOverhead, is_what_timed_statements_cost_times_all_statements) {
    Overhead one{4, 2'000, 1'000, 10'000'000};
    EXPECT_DOUBLE_EQ(overhead_ns(one), 500'000);
    EXPECT_DOUBLE_EQ(overhead_percent(one), 5);
    Overhead other{4, 6'000, 1'000, 10'000'000};
    EXPECT_DOUBLE_EQ(overhead_percent(one + other), 10);
    EXPECT_DOUBLE_EQ(overhead_percent(one + other - other), 5);
}

TEST(CaptureOverhead, is_nothing_when_nothing_is_known) {
    EXPECT_EQ(overhead_ns({}), 0);
    EXPECT_EQ(overhead_percent({}), 0);
    EXPECT_EQ(overhead_percent({0, 0, 1'000, 1'000'000}), 0);
    EXPECT_EQ(overhead_percent({1, 300, 0, 0}), 0);
}

class CaptureDownshift : public ::testing::Test {
protected:
    // Statements that cost so much of their time, as long as it takes to be judged so many times.
    void cost(int percent, int times, double budget = 10) {
        for (int i = 0; i < times; ++i) {
            now.timed += Downshift::kTimedToJudge;
            now.timed_ns += Downshift::kTimedToJudge * 1'000;
            now.statements += 16'384;
            now.spent_ns += std::int64_t{16'384} * 1'000 * 100 / percent;
            ASSERT_TRUE(session.is_due(now.timed));
            int before = session.economy();
            bool is_another = session.judge(now, budget);
            EXPECT_EQ(is_another, session.economy() != before);
        }
    }
    Downshift session;
    Overhead now{};
};

TEST_F(CaptureDownshift, gives_up_one_thing_after_the_other_while_over_budget) {
    cost(20, Downshift::kOverToGiveUp - 1);
    EXPECT_EQ(session.economy(), kNoEconomy);
    cost(20, 1);
    EXPECT_EQ(session.economy(), kNoCpuTime);
    cost(20, Downshift::kOverToGiveUp);
    EXPECT_EQ(session.economy(), kNoFirstText);
    cost(20, 100);
    EXPECT_EQ(session.economy(), kMostEconomy);
}

TEST_F(CaptureDownshift, does_not_mind_a_moment_over_budget) {
    for (int i = 0; i < 50; ++i) {
        cost(50, Downshift::kOverToGiveUp - 1);
        cost(9, 1);
    }
    EXPECT_EQ(session.economy(), kNoEconomy);
}

TEST_F(CaptureDownshift, takes_up_again_what_it_can_afford) {
    cost(20, 2 * Downshift::kOverToGiveUp);
    // Below the budget, but not so far that what was given up would surely fit.
    cost(8, 200);
    EXPECT_EQ(session.economy(), kNoFirstText);
    cost(2, Downshift::kUnderToTakeUp);
    EXPECT_EQ(session.economy(), kNoCpuTime);
    cost(2, Downshift::kUnderToTakeUp);
    EXPECT_EQ(session.economy(), kNoEconomy);
    cost(2, 10 * Downshift::kUnderToTakeUp);
    EXPECT_EQ(session.economy(), kNoEconomy);
}

TEST_F(CaptureDownshift, has_no_limit_with_a_budget_of_0) {
    cost(20, Downshift::kOverToGiveUp);
    EXPECT_EQ(session.economy(), kNoCpuTime);
    cost(20, 1, 0);
    EXPECT_EQ(session.economy(), kNoEconomy);
    cost(20, 100, 0);
    EXPECT_EQ(session.economy(), kNoEconomy);
}

TEST_F(CaptureDownshift, is_judged_by_enough_timed_statements) {
    EXPECT_FALSE(session.is_due(Downshift::kTimedToJudge - 1));
    EXPECT_TRUE(session.is_due(Downshift::kTimedToJudge));
    cost(5, 3);
    EXPECT_FALSE(session.is_due(now.timed + Downshift::kTimedToJudge - 1));
}

}  // namespace
