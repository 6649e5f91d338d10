// SPDX-License-Identifier: PostgreSQL
#include "schedule_world.hpp"

namespace steward::schedule {
namespace {

// ---- Read again --------------------------------------------------------------------------------------------------------

TEST(Reload, KeepsWhatIsQueuedAndRunning) {
    World world;
    world.duration = [](const Start&) { return kHour; };
    Definition job = make_job(1, "0 * * * *");
    job.overlap = Overlap::queue;
    world.load({job});
    world.run_until(test::utc_instant(2025, 6, 4, 1));
    world.scheduler.request(5, {1, 1}, world.now);
    job.priority = 7;
    job.group = "etl";
    job.group_limit = 1;
    world.load({job});
    EXPECT_EQ(world.status(1).queued, 1);
    EXPECT_EQ(world.status(1).running, 1);
    world.run_until(test::utc_instant(2025, 6, 4, 2, 30));
    EXPECT_EQ(world.told(), (Told{"scheduled 01:00:00", "manual 01:00:00"}));
    EXPECT_EQ(world.status(1).queued, 1);
}

TEST(Reload, OfAnotherJobMakesNoRunMissed) {
    World world;
    Definition job = make_job(1, "0 1 * * *");
    job.missed = Missed::skip;
    world.load({job});
    world.now = test::utc_instant(2025, 6, 4, 1) + 5000;
    world.load({job, make_job(2, "0 5 * * *")});
    world.run_until(world.now + kMinute);
    EXPECT_EQ(world.told(), Told{"scheduled 01:00:00"});
}

TEST(Reload, NewScheduleIsCountedFromWhenItWasGiven) {
    World world;
    world.load({make_job(1, "0 1 * * *")});
    world.run_until(test::utc_instant(2025, 6, 4, 3, 30));
    Definition changed = make_job(1, "0 3 * * *");
    changed.anchor = world.now - kSecond;
    world.load({changed});
    world.run_until(test::utc_instant(2025, 6, 5, 3, 30));
    EXPECT_EQ(world.told(), (Told{"scheduled 01:00:00", "scheduled 03:00:00"}));
    EXPECT_EQ(world.starts[1].due, test::utc_instant(2025, 6, 5, 3));
}

TEST(Reload, OneOffMayBePutOffOrBroughtForward) {
    World world;
    Definition job = make_job(1);
    job.progress.handled_until.reset();
    job.run_at = kStart + 2 * kHour;
    world.load({job});
    job.run_at = kStart + kHour;
    job.anchor = kStart;
    world.load({job});
    world.run_until(kStart + kHour);
    EXPECT_EQ(world.starts.size(), 1u);
    job.run_at = kStart + 3 * kHour;
    job.anchor = world.now;
    world.load({job});
    world.run_until(kStart + 4 * kHour);
    EXPECT_EQ(world.starts.size(), 2u);
}

TEST(Reload, BrokenJobWaitsVisiblyAndIsMadeUpForWhenItIsRepaired) {
    World world;
    Definition job = make_job(1, "0 2 * * *");
    job.broken = "role \"etl\" does not exist";
    world.load({job, make_job(2, "0 2 * * *")});
    world.run_until(test::utc_instant(2025, 6, 4, 3));
    EXPECT_EQ(world.status(1).state, JobState::broken);
    EXPECT_EQ(world.status(1).waiting_reason, "role \"etl\" does not exist");
    EXPECT_EQ(world.told(2).size(), 1u);
    job.broken.clear();
    world.load({job, make_job(2, "0 2 * * *")});
    world.run_until(test::utc_instant(2025, 6, 4, 4));
    EXPECT_EQ(world.told(1), Told{"missed 02:00:00"});
}

TEST(Reload, JobOfARunUnderWayMayGo) {
    World world;
    world.duration = [](const Start&) { return kHour; };
    world.scheduler.set_limits({1, 1});
    world.load({make_job(1, "0 1 * * *"), make_job(2, "30 1 * * *")});
    world.run_until(test::utc_instant(2025, 6, 4, 1));
    world.load({make_job(2, "30 1 * * *")});
    EXPECT_FALSE(world.scheduler.status({1, 1}, world.now));
    world.run_until(test::utc_instant(2025, 6, 4, 1, 40));
    EXPECT_EQ(world.status(2).waiting_reason, "1 job runs already in this database");
    world.run_until(test::utc_instant(2025, 6, 4, 2));
    EXPECT_EQ(world.told(2).size(), 1u);
    world.scheduler.forget(1);
    world.end(world.running.begin()->first);
}

TEST(Restart, RunThatDidNotBeginAfterAllIsStartedAgain) {
    World world;
    world.now = test::utc_instant(2025, 6, 4, 1, 5);
    const auto ticket = world.scheduler.adopt(44, {1, 1}, test::utc_instant(2025, 6, 4, 1), Kind::scheduled, 1);
    world.load({make_job(1, "0 1 * * *")});
    world.scheduler.not_started(ticket, "its worker could not be started", kSecond, false, world.now);
    EXPECT_EQ(world.status(1).queued, 1);
    world.run_until(world.now + kMinute);
    EXPECT_EQ(world.starts.size(), 1u);
    // Of a job that is not known it is forgotten.
    World late;
    late.now = world.now;
    const auto unknown = late.scheduler.adopt(45, {1, 2}, late.now, Kind::scheduled, 1);
    late.scheduler.not_started(unknown, "its worker could not be started", kSecond, false, late.now);
    late.load({make_job(2, "0 3 * * *")});
    EXPECT_EQ(late.status(2).running, 0);
    EXPECT_EQ(late.status(2).queued, 0);
}

TEST(Restart, RunsUnderWayAreTakenOver) {
    World world;
    Definition job = make_job(1, "0 1 * * *");
    // It was started, and that was not noted yet.
    world.now = test::utc_instant(2025, 6, 4, 1, 5);
    world.scheduler.adopt(44, {1, 1}, test::utc_instant(2025, 6, 4, 1), Kind::scheduled, 1);
    world.scheduler.adopt(44, {1, 1}, test::utc_instant(2025, 6, 4, 1), Kind::scheduled, 1);
    world.load({job});
    EXPECT_EQ(world.status(1).running, 1);
    world.run_until(world.now + kMinute);
    EXPECT_TRUE(world.starts.empty());
    // Also when the jobs come first.
    World late;
    late.now = world.now;
    late.load({job});
    late.scheduler.adopt(44, {1, 1}, test::utc_instant(2025, 6, 4, 1), Kind::scheduled, 1);
    late.run_until(late.now + kMinute);
    EXPECT_TRUE(late.starts.empty());
    late.scheduler.ended({44, {1, 1}, Outcome::succeeded, "", 1, test::utc_instant(2025, 6, 4, 1), late.now}, 0);
    EXPECT_EQ(late.status(1).state, JobState::idle);
}

// Nothing is recorded there: each restart would run again what ran long ago.
TEST(Standby, MakesUpForNothingFromBeforeItsLauncher) {
    World world;
    world.scheduler.set_standby(true, world.now);
    world.scheduler.begin_standby_at(world.now);
    Definition reader = make_job(1, "0 0,2 * * *");
    Definition both = make_job(2, "0 0,2 * * *");
    Definition writer = make_job(3, "0 0,2 * * *");
    Definition once = make_job(4);
    once.run_at = kStart - 20 * kMinute;
    for (Definition* job : {&reader, &both, &writer, &once}) {
        job->anchor = kStart - 5 * kHour;
        job->progress.handled_until.reset();
        job->run_on = job == &both ? RunOn::any : RunOn::standby;
    }
    writer.run_on = RunOn::primary;
    world.load({reader, both, writer, once});
    world.run_until(test::utc_instant(2025, 6, 4, 1, 30));
    EXPECT_TRUE(world.starts.empty());
    EXPECT_EQ(world.status(4).state, JobState::finished);
    world.run_until(test::utc_instant(2025, 6, 4, 2, 30));
    EXPECT_EQ(world.told(1), Told{"scheduled 02:00:00"});
    EXPECT_EQ(world.told(2), Told{"scheduled 02:00:00"});
    world.scheduler.set_standby(false, world.now);
    world.run_until(test::utc_instant(2025, 6, 4, 3));
    EXPECT_EQ(world.told(2).size(), 1u);
    EXPECT_EQ(world.told(3), Told{"missed 02:00:00"});
}

TEST(Standby, BelievesAClockThatWasSetBackBeforeItsLauncher) {
    World world;
    world.scheduler.set_standby(true, world.now);
    world.scheduler.begin_standby_at(world.now + 2 * kDay);
    Definition daily = make_job(1, "0 2 * * *");
    Definition often = make_job(2, "* * * * *");
    for (Definition* job : {&daily, &often}) job->run_on = RunOn::standby;
    world.load({daily, often});
    world.run_until(test::utc_instant(2025, 6, 4, 2));
    EXPECT_EQ(world.told(1), Told{"scheduled 02:00:00"});
    EXPECT_EQ(world.told(2).size(), 70U);
}

TEST(Promotion, GivesUpWhatWaitsForAStandby) {
    Scheduler scheduler;
    scheduler.set_standby(true, kStart);
    Definition reader = make_job(1, "0 * * * *");
    reader.run_on = RunOn::standby;
    scheduler.load(1, {reader}, kStart);
    const base::Instant due = test::utc_instant(2025, 6, 4, 1);
    const std::vector<Action> actions = scheduler.tick(due);
    ASSERT_EQ(actions.size(), 1u);
    scheduler.not_started(std::get<Start>(actions[0]).ticket, "no worker", kMinute, true, due);
    EXPECT_EQ(scheduler.status({1, 1}, due)->state, JobState::queued);
    scheduler.set_standby(false, due);
    EXPECT_EQ(scheduler.status({1, 1}, due)->state, JobState::idle);
    EXPECT_EQ(scheduler.status({1, 1}, due)->skipped, 1);
}

// What was under way when the primary went away is found interrupted when the standby reads the databases anew.
TEST(Promotion, RunsNothingThatTheOldPrimaryRan) {
    World world;
    world.scheduler.set_standby(true, world.now);
    Definition done = make_job(1, "0 * * * *");
    Definition interrupted = make_job(2, "0 * * * *");
    Definition failed = make_job(3, "0 * * * *");
    for (Definition* job : {&done, &interrupted, &failed}) job->retry.limit = 1;
    failed.progress.last_outcome = Outcome::failed;
    failed.progress.last_sqlstate = "40001";
    failed.progress.last_attempt = 1;
    failed.progress.last_due = kStart - 50 * kMinute;
    failed.progress.last_ended_at = kStart - kMinute;
    world.load({done, interrupted, failed});
    world.run_until(test::utc_instant(2025, 6, 4, 2, 30));
    EXPECT_TRUE(world.starts.empty());
    for (Definition* job : {&done, &interrupted, &failed}) {
        job->progress.handled_until = job->progress.last_due = test::utc_instant(2025, 6, 4, 2);
        job->progress.last_ended_at = test::utc_instant(2025, 6, 4, 2, 5);
        job->progress.last_outcome = job == &interrupted ? Outcome::interrupted : Outcome::succeeded;
        job->progress.last_attempt = 1;
    }
    world.load({done, interrupted, failed});
    world.scheduler.set_standby(false, world.now);
    world.run_until(world.now + 10 * kMinute);
    EXPECT_TRUE(world.told(1).empty());
    EXPECT_EQ(world.told(2), Told{"retry 02:00:00"});
    EXPECT_TRUE(world.told(3).empty());
}

}  // namespace
}  // namespace steward::schedule
