// SPDX-License-Identifier: PostgreSQL
#include "schedule_world.hpp"

namespace steward::schedule {
namespace {

TEST(Scheduler, StartsAJobWhenItIsDueAndSleepsUntilThen) {
    World world;
    world.load({make_job(1, "0 2 * * *")});
    EXPECT_EQ(world.scheduler.next_wake(), test::utc_instant(2025, 6, 4, 2));
    EXPECT_TRUE(world.scheduler.tick(world.now).empty());
    EXPECT_EQ(world.status(1).state, JobState::idle);
    EXPECT_EQ(world.status(1).next_run, test::utc_instant(2025, 6, 4, 2));
    world.run_until(test::utc_instant(2025, 6, 4, 2));
    ASSERT_EQ(world.told(), Told{"scheduled 02:00:00"});
    EXPECT_EQ(world.starts[0].role, 10u);
    EXPECT_EQ(world.starts[0].attempt, 1);
    EXPECT_TRUE(world.starts[0].is_marked);
    EXPECT_EQ(world.status(1).state, JobState::running);
    EXPECT_EQ(world.status(1).handled_until, test::utc_instant(2025, 6, 4, 2));
    EXPECT_EQ(world.scheduler.next_wake(), test::utc_instant(2025, 6, 5, 2));
    world.run_until(world.now + kMinute);
    EXPECT_EQ(world.status(1).state, JobState::idle);
}

TEST(Scheduler, RunsAYear) {
    World world;
    world.load({make_job(1, "0 2 * * *"), make_job(2, "every 6 hours"), make_job(3, "30 4 1 * *"), make_job(4)});
    world.run_until(kStart + 365 * kDay);
    EXPECT_EQ(world.told(1).size(), 365u);
    EXPECT_EQ(world.told(2).size(), 1460u);
    EXPECT_EQ(world.told(3).size(), 12u);
    EXPECT_TRUE(world.told(4).empty());
    for (std::size_t i = 0; i < world.starts.size(); ++i) EXPECT_EQ(world.starts[i].due, world.started_at[i]);
}

TEST(Scheduler, OneOffRunsOnceAndIsFinished) {
    World world;
    Definition job = make_job(1);
    job.progress.handled_until.reset();
    job.run_at = kStart + kHour;
    world.load({job});
    world.run_until(kStart + kDay);
    EXPECT_EQ(world.told(), Told{"scheduled 01:50:00"});
    EXPECT_EQ(world.status(1).state, JobState::finished);
    world.load({job});
    world.run_until(kStart + 2 * kDay);
    EXPECT_EQ(world.starts.size(), 1u);
}

TEST(Scheduler, OneOffForAnInstantThatHadPassedRunsAtOnce) {
    World world;
    Definition job = make_job(1);
    job.progress.handled_until.reset();
    job.missed = Missed::skip;
    job.run_at = kStart - 2 * kHour;
    world.load({job});
    world.run_until(kStart + kDay);
    EXPECT_EQ(world.told(), Told{"scheduled 22:50:00"});
}

TEST(Scheduler, RunByHandWaitsForTheEarlierRunAndIsNeverDropped) {
    World world;
    world.duration = [](const Start&) { return kHour; };
    world.load({make_job(1, "0 2 * * *")});
    EXPECT_FALSE(world.scheduler.request(7, {1, 99}, world.now));
    world.run_until(test::utc_instant(2025, 6, 4, 2));
    EXPECT_TRUE(world.scheduler.request(7, {1, 1}, world.now));
    EXPECT_TRUE(world.scheduler.request(8, {1, 1}, world.now));
    EXPECT_TRUE(world.scheduler.request(9, {1, 1}, world.now));
    EXPECT_TRUE(world.scheduler.request(9, {1, 1}, world.now));
    EXPECT_EQ(world.status(1).waiting_reason, "an earlier run is still running");
    EXPECT_EQ(world.status(1).queued, 3);
    EXPECT_TRUE(world.scheduler.cancel(8));
    EXPECT_FALSE(world.scheduler.cancel(8));
    world.run_until(world.now + 3 * kHour);
    ASSERT_EQ(world.starts.size(), 3u);
    EXPECT_EQ(world.starts[1].run, 7);
    EXPECT_EQ(world.starts[2].run, 9);
    EXPECT_EQ(world.starts[2].kind, Kind::manual);
    EXPECT_FALSE(world.scheduler.cancel(9));
}

TEST(Scheduler, TellsWhichJobsChanged) {
    World world;
    world.load({make_job(1, "0 2 * * *"), make_job(2, "0 3 * * *")});
    EXPECT_EQ(world.scheduler.take_changed().size(), 2u);
    EXPECT_TRUE(world.scheduler.take_changed().empty());
    world.run_until(test::utc_instant(2025, 6, 4, 2));
    EXPECT_EQ(world.scheduler.take_changed(), (std::vector<JobKey>{{1, 1}}));
    world.load({make_job(1, "0 2 * * *")});
    const auto changed = world.scheduler.take_changed();
    EXPECT_TRUE(std::count(changed.begin(), changed.end(), JobKey{1, 2}));
    EXPECT_FALSE(world.scheduler.status({1, 2}, world.now));
    EXPECT_EQ(world.scheduler.job_count(), 1u);
    world.scheduler.forget(1);
    EXPECT_EQ(world.scheduler.job_count(), 0u);
}

TEST(Scheduler, MarksRunsOfJobsThatRunSeldom) {
    World world;
    world.load({make_job(1, "every 9 seconds"), make_job(2, "every 10 seconds"), make_job(3, "* * * * *")});
    world.run_until(kStart + 2 * kMinute);
    for (const Start& start : world.starts) EXPECT_EQ(start.is_marked, start.job.job != 1) << start.job.job;
}

// ---- Overlap -----------------------------------------------------------------------------------------------------------

struct Overlapping : World {
    explicit Overlapping(Overlap overlap, int max_parallel = 1) {
        duration = [](const Start&) { return 150 * kMinute; };
        Definition job = make_job(1, "0 * * * *");
        job.overlap = overlap;
        job.max_parallel = max_parallel;
        load({job});
    }
};

TEST(Overlap, SkipLetsTheEarlierRunEnd) {
    Overlapping world(Overlap::skip);
    world.run_until(test::utc_instant(2025, 6, 4, 6, 30));
    EXPECT_EQ(world.told(), (Told{"scheduled 01:00:00", "scheduled 04:00:00"}));
    EXPECT_EQ(world.status(1).skipped, 4);
}

TEST(Overlap, QueueKeepsOne) {
    Overlapping world(Overlap::queue);
    world.run_until(test::utc_instant(2025, 6, 4, 6, 10));
    EXPECT_EQ(world.told(), (Told{"scheduled 01:00:00", "scheduled 02:00:00", "scheduled 04:00:00"}));
    EXPECT_EQ(world.started_at[1], test::utc_instant(2025, 6, 4, 3, 30));
    EXPECT_EQ(world.status(1).queued, 0);
}

TEST(Overlap, ReplaceCancelsTheEarlierRunAndBeginsWhenItHasEnded) {
    Overlapping world(Overlap::replace);
    world.run_until(test::utc_instant(2025, 6, 4, 3, 10));
    EXPECT_EQ(world.told(), (Told{"scheduled 01:00:00", "scheduled 02:00:00", "scheduled 03:00:00"}));
    EXPECT_EQ(world.cancels.size(), 2u);
    EXPECT_EQ(world.running.size(), 1u);
    EXPECT_EQ(world.status(1).skipped, 0);
}

TEST(Overlap, ReplaceStartsNothingBeforeTheEarlierRunHasEnded) {
    Scheduler scheduler;
    Definition job = make_job(1, "0 * * * *");
    job.overlap = Overlap::replace;
    scheduler.load(1, {job}, kStart);
    const auto one = test::utc_instant(2025, 6, 4, 1);
    auto actions = scheduler.tick(one);
    ASSERT_EQ(actions.size(), 1u);
    scheduler.started(std::get<Start>(actions[0]).ticket, 5);
    actions = scheduler.tick(one + kHour);
    ASSERT_EQ(actions.size(), 1u);
    EXPECT_EQ(std::get<Cancel>(actions[0]).run, 5);
    // Nor is it told twice, and of two that wait the newer one stays.
    EXPECT_TRUE(scheduler.tick(one + 2 * kHour).empty());
    EXPECT_EQ(scheduler.status({1, 1}, one + 2 * kHour)->skipped, 1);
    scheduler.ended({5, {1, 1}, Outcome::cancelled, "57014", 1, one, one + 2 * kHour + kSecond}, 0);
    actions = scheduler.tick(one + 2 * kHour + kSecond);
    ASSERT_EQ(actions.size(), 1u);
    EXPECT_EQ(std::get<Start>(actions[0]).due, one + 2 * kHour);
}

TEST(Overlap, ReplaceTellsARunThatIsOnlyStartingOnceItHasANumber) {
    Scheduler scheduler;
    Definition job = make_job(1, "0 * * * *");
    job.overlap = Overlap::replace;
    scheduler.load(1, {job}, kStart);
    const auto one = test::utc_instant(2025, 6, 4, 1);
    const auto actions = scheduler.tick(one);
    ASSERT_EQ(actions.size(), 1u);
    EXPECT_TRUE(scheduler.tick(one + kHour).empty());
    scheduler.started(std::get<Start>(actions[0]).ticket, 5);
    EXPECT_LE(scheduler.next_wake(), one + kHour);
    const auto cancels = scheduler.tick(one + kHour);
    ASSERT_EQ(cancels.size(), 1u);
    EXPECT_EQ(std::get<Cancel>(cancels[0]).run, 5);
}

TEST(Overlap, ParallelRunsSoManyAndQueuesOne) {
    Overlapping world(Overlap::parallel, 2);
    world.run_until(test::utc_instant(2025, 6, 4, 3, 10));
    EXPECT_EQ(world.running.size(), 2u);
    EXPECT_EQ(world.status(1).queued, 1);
    EXPECT_EQ(world.status(1).waiting_reason, "an earlier run is still running");
    world.run_until(test::utc_instant(2025, 6, 4, 3, 30));
    EXPECT_EQ(world.told(), (Told{"scheduled 01:00:00", "scheduled 02:00:00", "scheduled 03:00:00"}));
}

// ---- Missed ------------------------------------------------------------------------------------------------------------

// The server is down from 00:50 to 03:10.
Told made_up(Missed missed, const std::string& schedule, std::optional<std::int64_t> within = std::nullopt) {
    World world;
    world.now = test::utc_instant(2025, 6, 4, 3, 10);
    Definition job = make_job(1, schedule);
    job.missed = missed;
    job.missed_within_micros = within;
    world.load({job});
    world.run_until(world.now + 30 * kMinute);
    return world.told();
}

TEST(Missed, SkipMakesUpForNothing) {
    EXPECT_EQ(made_up(Missed::skip, "0 2 * * *"), Told{});
    EXPECT_EQ(made_up(Missed::skip, "0 * * * *"), Told{});
}

TEST(Missed, OnceMakesUpForAllByOneRun) {
    EXPECT_EQ(made_up(Missed::once, "0 2 * * *"), Told{"missed 02:00:00"});
    EXPECT_EQ(made_up(Missed::once, "0 * * * *"), Told{"missed 03:00:00"});
}

TEST(Missed, AllRunsEachOldestFirst) {
    EXPECT_EQ(made_up(Missed::all, "0 2 * * *"), Told{"missed 02:00:00"});
    EXPECT_EQ(made_up(Missed::all, "0 * * * *"), (Told{"missed 01:00:00", "missed 02:00:00", "missed 03:00:00"}));
}

TEST(Missed, OlderThanWithinIsSkipped) {
    EXPECT_EQ(made_up(Missed::once, "0 2 * * *", kHour), Told{});
    EXPECT_EQ(made_up(Missed::once, "0 2 * * *", 70 * kMinute), Told{"missed 02:00:00"});
    EXPECT_EQ(made_up(Missed::all, "0 * * * *", 70 * kMinute), (Told{"missed 02:00:00", "missed 03:00:00"}));
}

}  // namespace
}  // namespace steward::schedule
