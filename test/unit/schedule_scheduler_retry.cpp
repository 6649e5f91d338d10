// SPDX-License-Identifier: PostgreSQL
#include "schedule_world.hpp"

namespace steward::schedule {
namespace {

Definition retrying(const std::string& schedule, int limit = 2) {
    Definition job = make_job(1, schedule);
    job.retry.limit = limit;
    return job;
}

TEST(Retry, FollowsTheEndOfAFailureByItsDelay) {
    World world;
    world.failure = [](const Start& start) { return start.attempt < 3 ? "40001" : ""; };
    world.load({retrying("0 2 * * *")});
    world.run_until(test::utc_instant(2025, 6, 4, 2, 0, 10));
    EXPECT_EQ(world.status(1).state, JobState::queued);
    EXPECT_EQ(world.status(1).waiting_reason, "retry 1 of 2 begins at 2025-06-04 02:00:31+00");
    world.run_until(test::utc_instant(2025, 6, 4, 3));
    EXPECT_EQ(world.told(), (Told{"scheduled 02:00:00", "retry 02:00:00", "retry 02:00:00"}));
    EXPECT_EQ(world.started_at[1], test::utc_instant(2025, 6, 4, 2, 0, 31));
    EXPECT_EQ(world.started_at[2], test::utc_instant(2025, 6, 4, 2, 1, 32));
    EXPECT_EQ(world.starts[2].attempt, 3);
    EXPECT_EQ(world.status(1).state, JobState::idle);
}

TEST(Retry, EndsWithItsLimit) {
    World world;
    world.failure = [](const Start&) { return "40001"; };
    world.load({retrying("0 2 * * *")});
    world.run_until(test::utc_instant(2025, 6, 5));
    EXPECT_EQ(world.starts.size(), 3u);
}

TEST(Retry, GivesWayToTheNextRun) {
    World world;
    world.failure = [](const Start&) { return "40001"; };
    Definition job = retrying("0 * * * *", 100);
    job.retry.delay_micros = 10 * kMinute;
    world.load({job});
    world.run_until(test::utc_instant(2025, 6, 4, 2, 5));
    // 01:00, 01:10, 01:30; the one at 02:10 is superseded at 02:00.
    EXPECT_EQ(world.told(), (Told{"scheduled 01:00:00", "retry 01:00:00", "retry 01:00:00", "scheduled 02:00:00"}));
    EXPECT_EQ(world.status(1).queued, 1);
    world.run_until(test::utc_instant(2025, 6, 4, 2, 12));
    EXPECT_EQ(world.told().back(), "retry 02:00:00");
    EXPECT_EQ(world.starts.back().attempt, 2);
}

TEST(Retry, IsNotMadeWhenANewerRunWaitsAlready) {
    World world;
    world.failure = [](const Start&) { return "40001"; };
    world.duration = [](const Start&) { return 70 * kMinute; };
    Definition job = retrying("0 1,2 * * *");
    job.overlap = Overlap::queue;
    world.load({job});
    world.run_until(test::utc_instant(2025, 6, 4, 3));
    EXPECT_EQ(world.told(), (Told{"scheduled 01:00:00", "scheduled 02:00:00"}));
}

TEST(Retry, IsNotMadeOfACancelledRun) {
    World world;
    world.duration = [](const Start&) { return kHour; };
    world.load({retrying("0 2 * * *")});
    world.run_until(test::utc_instant(2025, 6, 4, 2));
    const RunId run = world.running.begin()->first;
    world.running[run].outcome = Outcome::cancelled;
    world.running[run].sqlstate = "57014";
    world.end(run);
    EXPECT_EQ(world.status(1).queued, 0);
}

TEST(Retry, OfARunThatTheCrashInterruptedIsMadeAfterIt) {
    World world;
    Definition job = retrying("0 2 * * *");
    job.progress.handled_until = job.progress.last_due = test::utc_instant(2025, 6, 4, 2);
    job.progress.last_outcome = Outcome::interrupted;
    job.progress.last_attempt = 2;
    job.progress.last_ended_at = world.now = test::utc_instant(2025, 6, 4, 2, 10);
    world.load({job});
    world.run_until(world.now + kHour);
    EXPECT_EQ(world.told(), Told{"retry 02:00:00"});
    EXPECT_EQ(world.starts[0].attempt, 3);
    // And without retries it is not made again.
    World other;
    job.retry.limit = 0;
    other.now = *job.progress.last_ended_at;
    other.load({job});
    other.run_until(other.now + kHour);
    EXPECT_TRUE(other.starts.empty());
}

TEST(Retry, UnderWayWhenTheLauncherIsRestartedIsNotMadeAgain) {
    World world;
    Definition job = retrying("0 2 * * *");
    job.progress.handled_until = job.progress.last_due = test::utc_instant(2025, 6, 4, 2);
    job.progress.last_outcome = Outcome::failed;
    job.progress.last_sqlstate = "40001";
    job.progress.last_attempt = 1;
    job.progress.last_ended_at = world.now = test::utc_instant(2025, 6, 4, 2, 10);
    world.scheduler.adopt(77, {1, 1}, *job.progress.last_due, Kind::retry, 2);
    world.load({job});
    world.run_until(world.now + kHour);
    EXPECT_TRUE(world.starts.empty());
    EXPECT_EQ(world.status(1).state, JobState::running);
}

TEST(Retry, ThousandFailingJobsDisturbNobody) {
    World world;
    world.failure = [](const Start& start) { return start.job.job <= 1000 ? "53300" : ""; };
    std::vector<Definition> jobs;
    for (int id = 1; id <= 1000; ++id) {
        jobs.push_back(make_job(id, "* * * * *"));
        jobs.back().retry.limit = 5;
        jobs.back().retry.delay_micros = 5 * kSecond;
    }
    jobs.push_back(make_job(1001, "*/5 * * * *"));
    jobs.back().priority = 10;
    world.scheduler.set_limits({200, 200});
    world.load(jobs);
    world.run_until(kStart + 10 * kMinute);
    EXPECT_EQ(world.told(1001).size(), 2u);
    for (std::size_t i = 0; i < world.starts.size(); ++i) {
        if (world.starts[i].job.job == 1001) {
            EXPECT_LE(world.started_at[i].micros - world.starts[i].due.micros, kSecond);
        }
    }
}

// ---- Edges -------------------------------------------------------------------------------------------------------------

Definition edged(std::int64_t id, std::vector<std::int64_t> after, std::vector<std::int64_t> on_success = {},
                 std::vector<std::int64_t> on_failure = {}) {
    Definition job = make_job(id);
    job.after = std::move(after);
    job.on_success = std::move(on_success);
    job.on_failure = std::move(on_failure);
    return job;
}

TEST(Edges, RunWhenAllHaveEnded) {
    World world;
    world.duration = [](const Start& start) { return start.job.job * kMinute; };
    world.load({make_job(1, "0 1 * * *"), make_job(2, "0 1 * * *"), edged(3, {1, 2}), edged(4, {}, {3})});
    world.run_until(test::utc_instant(2025, 6, 5));
    EXPECT_EQ(world.told(3), Told{"chained 01:02:00"});
    EXPECT_EQ(world.told(4), Told{"chained 01:05:00"});
    EXPECT_EQ(world.status(3).handled_until, test::utc_instant(2025, 6, 4, 1, 2));
    world.run_until(test::utc_instant(2025, 6, 6));
    EXPECT_EQ(world.told(4).size(), 2u);
}

TEST(Edges, TellSuccessFromFailureOnceRetriesAreExhausted) {
    World world;
    world.failure = [](const Start& start) { return start.job.job == 1 && start.due < kStart + kHour ? "40001" : ""; };
    Definition first = make_job(1, "0 * * * *");
    first.retry.limit = 1;
    world.load({first, edged(2, {}, {1}), edged(3, {}, {}, {1}), edged(4, {1})});
    world.run_until(test::utc_instant(2025, 6, 4, 1, 0, 20));
    EXPECT_EQ(world.starts.size(), 1u);
    world.run_until(test::utc_instant(2025, 6, 4, 1, 50));
    EXPECT_TRUE(world.told(2).empty());
    EXPECT_EQ(world.told(3), Told{"chained 01:00:32"});
    EXPECT_EQ(world.told(4), Told{"chained 01:00:32"});
    world.run_until(test::utc_instant(2025, 6, 4, 2, 50));
    EXPECT_EQ(world.told(2), Told{"chained 02:00:01"});
    EXPECT_EQ(world.told(3).size(), 1u);
    EXPECT_EQ(world.told(4).size(), 2u);
}

TEST(Edges, AreFoundAgainAfterARestartAndOnlyOnce) {
    Definition first = make_job(1, "0 1 * * *");
    first.progress.last_outcome = Outcome::succeeded;
    first.progress.last_ended_at = test::utc_instant(2025, 6, 4, 1, 1);
    first.progress.last_attempt = 1;
    first.progress.handled_until = test::utc_instant(2025, 6, 4, 1);
    World world;
    world.now = test::utc_instant(2025, 6, 4, 1, 30);
    Definition second = edged(2, {}, {1});
    world.load({second, first});
    world.run_until(world.now + kHour);
    EXPECT_EQ(world.told(2), Told{"chained 01:01:00"});
    second.progress.handled_until = test::utc_instant(2025, 6, 4, 1, 1);
    World again;
    again.now = world.now;
    again.load({first, second});
    again.run_until(again.now + kHour);
    EXPECT_TRUE(again.starts.empty());
}

TEST(Edges, InACircleGoOnWithoutEnd) {
    World world;
    world.load({edged(1, {2}), edged(2, {1}), edged(3, {3})});
    world.scheduler.request(5, {1, 1}, world.now);
    world.scheduler.request(6, {1, 3}, world.now);
    world.run_until(kStart + 10 * kSecond);
    EXPECT_GE(world.told(1).size(), 5u);
    EXPECT_GE(world.told(3).size(), 10u);
}

TEST(Edges, MayComeOnTopOfASchedule) {
    World world;
    Definition both = make_job(2, "0 * * * *");
    both.after = {1};
    world.load({make_job(1, "30 * * * *"), both});
    world.run_until(test::utc_instant(2025, 6, 4, 2, 45));
    EXPECT_EQ(world.told(2),
              (Told{"scheduled 01:00:00", "chained 01:30:01", "scheduled 02:00:00", "chained 02:30:01"}));
}

// ---- Events ------------------------------------------------------------------------------------------------------------

TEST(Events, RunOnceForEachTimeTheyHappenWhoeverIsLoadedFirst) {
    World world;
    Definition other = make_job(2, "@promotion");
    world.scheduler.happened(Event::startup, kStart - kMinute);
    Definition job = make_job(1, "@startup");
    job.progress.handled_until = kStart - kHour;
    world.load({job, other});
    world.run_until(kStart + kMinute);
    EXPECT_EQ(world.told(1), Told{"event 00:49:00"});
    EXPECT_TRUE(world.told(2).empty());
    // The launcher was restarted, the server was not.
    World again;
    again.scheduler.happened(Event::startup, kStart - kMinute);
    job.progress.handled_until = kStart - kMinute;
    again.load({job});
    again.run_until(kStart + kMinute);
    EXPECT_TRUE(again.starts.empty());
    again.scheduler.happened(Event::startup, again.now);
    again.run_until(kStart + 2 * kMinute);
    EXPECT_EQ(again.starts.size(), 1u);
}

TEST(Events, PromotionStartsTheJobsOfThePrimary) {
    World world;
    world.scheduler.set_standby(true, world.now);
    world.scheduler.happened(Event::startup, world.now);
    Definition startup = make_job(3, "@startup");
    startup.progress.handled_until = kStart - kHour;
    Definition standby = make_job(4, "@startup");
    standby.run_on = RunOn::standby;
    standby.progress.handled_until = kStart - kHour;
    Definition missed = make_job(1, "0 2 * * *");
    world.load({missed, make_job(2, "@promotion"), startup, standby});
    EXPECT_EQ(world.status(1).waiting_reason, "only runs on a primary");
    EXPECT_FALSE(world.status(1).next_run);
    world.run_until(test::utc_instant(2025, 6, 4, 2, 30));
    EXPECT_EQ(world.starts.size(), 1u);
    EXPECT_EQ(world.told(4).size(), 1u);
    world.scheduler.happened(Event::promotion, world.now);
    world.scheduler.set_standby(false, world.now);
    world.run_until(test::utc_instant(2025, 6, 4, 3));
    EXPECT_EQ(world.told(1), Told{"missed 02:00:00"});
    EXPECT_EQ(world.told(2), Told{"event 02:30:00"});
    EXPECT_TRUE(world.told(3).empty());
    EXPECT_EQ(world.status(4).waiting_reason, "only runs on a standby");
}

}  // namespace
}  // namespace steward::schedule
