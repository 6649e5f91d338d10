// SPDX-License-Identifier: PostgreSQL
#include "schedule_world.hpp"

namespace steward::schedule {
namespace {

TEST(Queue, PriorityGoesFirstAndWaitingRaisesIt) {
    World world;
    world.scheduler.set_limits({1, 1});
    world.duration = [](const Start&) { return 50 * kSecond; };
    // A job of high priority leaves no gap; the low one gets its turn all the same.
    Definition low = make_job(1, "0 1 * * *");
    low.priority = -20;
    std::vector<Definition> jobs{low};
    for (int id = 2; id <= 4; ++id) {
        jobs.push_back(make_job(id, "* * * * *"));
        jobs.back().priority = 20;
    }
    world.load(jobs);
    world.run_until(test::utc_instant(2025, 6, 4, 1, 30));
    EXPECT_TRUE(world.told(1).empty());
    EXPECT_EQ(world.status(1).waiting_reason, "1 job runs already in this database");
    world.run_until(test::utc_instant(2025, 6, 4, 1, 45));
    EXPECT_EQ(world.told(1).size(), 1u);
}

TEST(Queue, FullGroupHoldsNobodyElseUp) {
    World world;
    world.duration = [](const Start&) { return 10 * kMinute; };
    std::vector<Definition> jobs;
    for (int id = 1; id <= 5; ++id) {
        jobs.push_back(make_job(id, "0 1 * * *"));
        jobs.back().priority = 50;
        jobs.back().group = "etl";
        jobs.back().group_limit = 2;
    }
    for (int id = 6; id <= 9; ++id) jobs.push_back(make_job(id, "0 1 * * *"));
    world.scheduler.set_limits({4, 4});
    world.load(jobs);
    world.run_until(test::utc_instant(2025, 6, 4, 1));
    EXPECT_EQ(world.running.size(), 4u);
    EXPECT_EQ(world.status(3).waiting_reason, "group \"etl\" runs 2 jobs already");
    EXPECT_EQ(world.status(8).waiting_reason, "4 jobs run already in this database");
    EXPECT_EQ(world.status(8).queued_since, test::utc_instant(2025, 6, 4, 1));
    ASSERT_TRUE(world.status(8).waiting.has_value());
    EXPECT_EQ(world.status(8).waiting->due, test::utc_instant(2025, 6, 4, 1));
    EXPECT_EQ(world.status(8).waiting->kind, Kind::scheduled);
    EXPECT_FALSE(world.status(6).waiting.has_value());
    world.scheduler.set_limits({4, 8});
    EXPECT_EQ(world.status(8).waiting_reason, "4 jobs run already (steward.schedule_max_running)");
    world.run_until(test::utc_instant(2025, 6, 4, 1, 30));
    EXPECT_EQ(world.starts.size(), 9u);
}

TEST(Queue, WithoutAWorkerForAMinuteAllRunAfterwards) {
    World world;
    std::vector<Definition> jobs;
    for (int id = 1; id <= 20; ++id) jobs.push_back(make_job(id, "0 1 * * *"));
    world.scheduler.set_limits({100, 100});
    world.slots = 0;
    world.load(jobs);
    world.run_until(test::utc_instant(2025, 6, 4, 1) + kMinute - 1);
    EXPECT_TRUE(world.starts.empty());
    for (int id = 1; id <= 20; ++id) EXPECT_EQ(world.status(id).waiting_reason, "no free worker");
    world.slots = 100;
    world.run_until(test::utc_instant(2025, 6, 4, 1, 1, 5));
    EXPECT_EQ(world.starts.size(), 20u);
}

TEST(Queue, JobThatCannotBeStartedWaitsWithItsReasonAndHoldsNobodyUp) {
    Scheduler scheduler;
    scheduler.load(1, {make_job(1, "0 1 * * *"), make_job(2, "0 1 * * *")}, kStart);
    const auto one = test::utc_instant(2025, 6, 4, 1);
    const auto actions = scheduler.tick(one);
    ASSERT_EQ(actions.size(), 2u);
    scheduler.not_started(std::get<Start>(actions[0]).ticket, "role \"x\" may not log in", kMinute, false, one);
    scheduler.started(std::get<Start>(actions[1]).ticket, 4);
    EXPECT_EQ(scheduler.status({1, 1}, one)->waiting_reason, "role \"x\" may not log in");
    EXPECT_TRUE(scheduler.tick(one + kSecond).empty());
    EXPECT_EQ(scheduler.next_wake(), one + kMinute);
    EXPECT_EQ(scheduler.tick(one + kMinute).size(), 1u);
}

TEST(Queue, RunWhoseWorkerCameAndCouldNotBeginWaitsAndComesAgain) {
    Scheduler scheduler;
    scheduler.load(1, {make_job(1, "0 1 * * *")}, kStart);
    const auto one = test::utc_instant(2025, 6, 4, 1);
    const auto ticket = std::get<Start>(scheduler.tick(one).at(0)).ticket;
    scheduler.started(ticket, 4);
    scheduler.not_started(ticket, "role \"x\" may not log in", kMinute, false, one);
    EXPECT_EQ(scheduler.status({1, 1}, one)->running, 0);
    EXPECT_EQ(scheduler.status({1, 1}, one)->waiting_reason, "role \"x\" may not log in");
    EXPECT_TRUE(scheduler.tick(one + kSecond).empty());
    const auto again = scheduler.tick(one + kMinute);
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(std::get<Start>(again[0]).run, 0);
}

TEST(Queue, LimitsThatStayTheSameDisturbNobody) {
    World world;
    world.load({make_job(1, "* * * * *")});
    world.slots = 0;
    world.run_until(kStart + 2 * kMinute);
    world.scheduler.take_changed();
    world.scheduler.set_limits({});
    EXPECT_TRUE(world.scheduler.take_changed().empty());
}

}  // namespace
}  // namespace steward::schedule
