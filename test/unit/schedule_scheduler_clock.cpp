// SPDX-License-Identifier: PostgreSQL
#include "schedule_world.hpp"

namespace steward::schedule {
namespace {

// ---- The clock is set --------------------------------------------------------------------------------------------------

struct Stepping : World {
    // A fixed job at 01:10, and one of every minute.
    explicit Stepping(Missed missed = Missed::once) {
        Definition fixed = make_job(1, "10 1 * * *");
        Definition wildcard = make_job(2, "* * * * *");
        fixed.missed = wildcard.missed = missed;
        load({fixed, wildcard, make_job(3, "every 1 minute")});
        run_until(test::utc_instant(2025, 6, 4, 1, 8, 30));
        starts.clear();
        started_at.clear();
    }
    void step(std::int64_t micros) {
        const base::Instant before = now;
        now = now + micros;
        for (auto& [run, it] : running) it.until = it.until + micros;
        scheduler.clock_stepped(before, now);
        tick();
    }
};

TEST(Clock, TwoMinutesForwardBothMinutesRun) {
    Stepping world;
    world.step(2 * kMinute);
    world.run_until(world.now + 10 * kSecond);
    EXPECT_EQ(world.told(1), Told{"scheduled 01:10:00"});
    EXPECT_EQ(world.told(2), (Told{"missed 01:09:00", "scheduled 01:10:00"}));
}

TEST(Clock, FortyMinutesForwardEachRunsOnce) {
    Stepping world;
    world.step(40 * kMinute);
    world.run_until(world.now + 10 * kSecond);
    EXPECT_EQ(world.told(1), Told{"missed 01:10:00"});
    EXPECT_EQ(world.told(2), Told{"missed 01:48:00"});
    world.run_until(world.now + kMinute);
    EXPECT_EQ(world.told(2).back(), "scheduled 01:49:00");
}

TEST(Clock, FourHoursForwardTheMissedPolicyDecides) {
    for (const Missed missed : {Missed::skip, Missed::once}) {
        Stepping world(missed);
        world.step(4 * kHour);
        world.run_until(world.now + 10 * kSecond);
        EXPECT_EQ(world.told(1).size(), missed == Missed::skip ? 0u : 1u);
        EXPECT_EQ(world.told(2).size(), missed == Missed::skip ? 0u : 1u);
    }
}

TEST(Clock, HalfAnHourBackRepeatsNoFixedJobAndStopsNoOther) {
    Stepping world;
    world.run_until(test::utc_instant(2025, 6, 4, 1, 20, 30));
    world.step(-30 * kMinute);
    EXPECT_EQ(world.told(1).size(), 1u);
    world.run_until(test::utc_instant(2025, 6, 4, 0, 53));
    EXPECT_EQ(world.told(2).back(), "scheduled 00:53:00");
    EXPECT_EQ(world.told(3).back(), "scheduled 00:53:00");
    world.run_until(test::utc_instant(2025, 6, 4, 23));
    EXPECT_EQ(world.told(1).size(), 1u);
    world.run_until(test::utc_instant(2025, 6, 5, 1, 10));
    EXPECT_EQ(world.told(1).size(), 2u);
}

TEST(Clock, FourHoursBackIsBelieved) {
    Stepping world;
    world.run_until(test::utc_instant(2025, 6, 4, 1, 20, 30));
    world.step(-4 * kHour);
    world.run_until(test::utc_instant(2025, 6, 4, 1, 15));
    EXPECT_EQ(world.told(1).size(), 2u);
}

TEST(Clock, SaysWhatIsACorrection) {
    Scheduler scheduler;
    EXPECT_FALSE(scheduler.clock_stepped(kStart, kStart + kDay));
    EXPECT_FALSE(scheduler.clock_stepped(kStart, kStart - 3 * kHour));
    EXPECT_TRUE(scheduler.clock_stepped(kStart, kStart - 3 * kHour - kSecond));
}

TEST(Clock, SetBackDoesNotStopEdges) {
    World world;
    Definition second = make_job(2);
    second.after = {1};
    world.load({make_job(1, "every 5 minutes"), second});
    world.run_until(kStart + 21 * kMinute);
    const auto before = world.told(2).size();
    world.scheduler.clock_stepped(world.now, world.now - 15 * kMinute);
    world.now = world.now - 15 * kMinute;
    world.run_until(world.now + 11 * kMinute);
    EXPECT_GE(world.told(2).size(), before + 2);
}

TEST(Clock, WaitsAreAsLongAsTheyWereWhenItIsSet) {
    World world;
    Definition job = make_job(1, "0 1 * * *");
    job.retry.limit = 1;
    job.retry.delay_micros = 10 * kMinute;
    world.failure = [](const Start&) { return "40001"; };
    world.load({job});
    world.run_until(test::utc_instant(2025, 6, 4, 1, 5));
    world.scheduler.clock_stepped(world.now, world.now - kHour);
    world.now = world.now - kHour;
    world.run_until(world.now + 6 * kMinute);
    EXPECT_EQ(world.told(), (Told{"scheduled 01:00:00", "retry 01:00:00"}));
}

TEST(Late, TickTreatsAllButTheNewestAsMissed) {
    for (const Missed missed : {Missed::skip, Missed::once, Missed::all}) {
        World world;
        Definition job = make_job(1, "* * * * *");
        job.missed = missed;
        world.load({job});
        world.now = kStart + 3 * kMinute + kSecond;
        world.run_until(world.now + 30 * kSecond);
        const Told newest{"scheduled 00:53:00"};
        const Told two{"missed 00:52:00", "scheduled 00:53:00"};
        const Told all{"missed 00:51:00", "missed 00:52:00", "scheduled 00:53:00"};
        EXPECT_EQ(world.told(), missed == Missed::skip ? newest : missed == Missed::once ? two : all);
        EXPECT_EQ(world.status(1).skipped, missed == Missed::skip ? 2 : 0);
    }
}

TEST(Missed, AllGoesNoFurtherThanItsLimit) {
    World world;
    Definition job = make_job(1, "* * * * *");
    job.missed = Missed::all;
    world.now = kStart + 30 * kDay;
    world.load({job});
    world.run_until(world.now + kHour);
    EXPECT_EQ(std::count_if(world.starts.begin(), world.starts.end(),
                            [](const Start& it) { return it.kind == Kind::missed; }),
              kMaxMissedRuns);
    EXPECT_EQ(world.starts.back().kind, Kind::scheduled);
    EXPECT_EQ(world.starts.back().due, world.now);
    EXPECT_EQ(world.starts[0].due, kStart + kMinute);
}

TEST(Missed, LastIsFoundHoweverManyThereWere) {
    World world;
    Definition job = make_job(1, "*/7 * 2 * * *");
    world.now = test::utc_instant(2035, 6, 4, 1, 30);
    world.load({job});
    world.tick();
    ASSERT_EQ(world.starts.size(), 1u);
    EXPECT_EQ(world.starts[0].due, test::utc_instant(2035, 6, 3, 2, 59, 56));
}

// ---- Pauses ------------------------------------------------------------------------------------------------------------

TEST(Pause, CollectsNoRuns) {
    World world;
    Definition job = make_job(1, "0 * * * *");
    job.missed = Missed::all;
    job.is_paused = true;
    job.paused_reason = "release night";
    world.load({job});
    EXPECT_EQ(world.scheduler.next_wake(), std::nullopt);
    world.run_until(test::utc_instant(2025, 6, 4, 5, 30));
    EXPECT_TRUE(world.starts.empty());
    EXPECT_EQ(world.status(1).state, JobState::paused);
    EXPECT_EQ(world.status(1).waiting_reason, "paused: release night");
    EXPECT_EQ(world.status(1).next_run, std::nullopt);
    job.is_paused = false;
    world.load({job});
    world.run_until(test::utc_instant(2025, 6, 4, 6));
    EXPECT_EQ(world.told(), Told{"scheduled 06:00:00"});
}

TEST(Pause, HoldsNoRunByHandBack) {
    World world;
    world.duration = [](const Start&) { return kHour; };
    Definition job = make_job(1, "0 * * * *");
    job.is_paused = true;
    job.paused_reason = "release night";
    world.load({job});
    world.scheduler.request(5, {1, 1}, world.now);
    world.scheduler.request(6, {1, 1}, world.now + kMinute);
    world.run_until(world.now + 2 * kMinute);
    EXPECT_EQ(world.told(), Told{"manual 00:50:00"});
    EXPECT_EQ(world.status(1).waiting_reason, "an earlier run is still running");
    world.run_until(world.now + 3 * kHour);
    EXPECT_EQ(world.told(), (Told{"manual 00:50:00", "manual 00:51:00"}));
    EXPECT_EQ(world.status(1).state, JobState::paused);
    EXPECT_EQ(world.status(1).waiting_reason, "paused: release night");
}

TEST(Pause, OfAJobWithoutItsRoleHoldsRunsByHandBack) {
    World world;
    Definition job = make_job(1);
    job.is_paused = true;
    job.broken = "role \"etl\" does not exist";
    world.load({job});
    world.scheduler.request(5, {1, 1}, world.now);
    world.run_until(world.now + kMinute);
    EXPECT_TRUE(world.starts.empty());
    EXPECT_EQ(world.status(1).waiting_reason, job.broken);
}

TEST(Pause, GivesUpARunThatCouldNotBegin) {
    World world;
    Definition job = make_job(1, "0 1 * * *");
    world.load({job});
    world.now = test::utc_instant(2025, 6, 4, 1);
    const auto actions = world.scheduler.tick(world.now);
    ASSERT_EQ(actions.size(), 1u);
    const Start start = std::get<Start>(actions[0]);
    world.scheduler.started(start.ticket, 7);
    job.is_paused = true;
    world.load({job});
    world.scheduler.not_started(start.ticket, "the job has been changed", kSecond, false, world.now);
    EXPECT_EQ(world.status(1).queued, 0);
    EXPECT_EQ(world.status(1).skipped, 1);
    job.is_paused = false;
    world.load({job});
    world.run_until(world.now + kHour);
    EXPECT_TRUE(world.starts.empty());
}

TEST(Pause, EndsByItself) {
    World world;
    Definition job = make_job(1, "0 * * * *");
    job.is_paused = true;
    job.paused_until = test::utc_instant(2025, 6, 4, 4, 30);
    world.load({job});
    EXPECT_EQ(world.scheduler.next_wake(), job.paused_until);
    EXPECT_EQ(world.status(1).next_run, test::utc_instant(2025, 6, 4, 5));
    world.run_until(test::utc_instant(2025, 6, 4, 5));
    EXPECT_EQ(world.told(), Told{"scheduled 05:00:00"});
    // Loading it as it is in its table does not bring the pause back.
    world.load({job});
    world.run_until(test::utc_instant(2025, 6, 4, 6));
    EXPECT_EQ(world.told().back(), "scheduled 06:00:00");
}

TEST(Pause, GivesUpWhatWaits) {
    World world;
    world.slots = 0;
    Definition job = make_job(1, "0 * * * *");
    world.load({job});
    world.run_until(test::utc_instant(2025, 6, 4, 1, 10));
    EXPECT_EQ(world.status(1).queued, 1);
    EXPECT_EQ(world.status(1).waiting_reason, "no free worker");
    EXPECT_EQ(world.status(1).handled_until, kStart);  // were it to end now, 01:00 would have been missed
    job.is_paused = true;
    world.load({job});
    EXPECT_EQ(world.status(1).queued, 0);
    EXPECT_EQ(world.status(1).skipped, 1);
}

}  // namespace
}  // namespace steward::schedule
