// SPDX-License-Identifier: PostgreSQL
#include "base/text.hpp"
#include "schedule_world.hpp"

namespace steward::schedule {
namespace {

constexpr std::int64_t kLead = 400'000;
const base::Instant kOne = test::utc_instant(2025, 6, 4, 1);

// What is foreseen when, as "1 01:00:00 0.4 s ahead".
Told foreseen(World& world, base::Instant until) {
    Told told;
    while (world.now < until) {
        const auto wake = world.scheduler.next_wake();
        world.now = wake ? std::clamp(*wake, world.now, until) : until;
        std::vector<RunId> over;
        for (const auto& [run, it] : world.running)
            if (it.until <= world.now) over.push_back(run);
        for (const RunId run : over) world.end(run);
        world.tick();
        for (const Upcoming& upcoming : world.scheduler.take_upcoming())
            told.push_back(fmt::format("{} {} {} ms ahead", upcoming.job.job,
                                       base::format_local(base::to_local(upcoming.due, base::utc())).substr(11),
                                       (upcoming.due.micros - world.now.micros) / 1000));
    }
    return told;
}

struct Foreseeing : World {
    Foreseeing() {
        scheduler.set_limits({8, 8, kLead});
        duration = [](const Start&) { return std::int64_t{100'000}; };
    }
};

TEST(Upcoming, IsToldOnceAndStartsNothing) {
    Foreseeing world;
    world.load({make_job(1, "0 1 * * *"), make_job(2, "0 1 * * *")});
    EXPECT_EQ(foreseen(world, kOne - 1), (Told{"1 01:00:00 400 ms ahead", "2 01:00:00 400 ms ahead"}));
    EXPECT_TRUE(world.starts.empty());
    EXPECT_EQ(world.scheduler.next_wake(), kOne);
    EXPECT_EQ(foreseen(world, kOne + 1), Told{});
    EXPECT_EQ(world.starts.size(), 2u);
    EXPECT_EQ(world.started_at.front(), kOne);
}

TEST(Upcoming, ComesForEachRunOfAJobThatRunsEverySecond) {
    Foreseeing world;
    world.load({make_job(1, "* * * * * *")});
    EXPECT_EQ(foreseen(world, kStart + 3 * kSecond).size(), 3u);
    EXPECT_EQ(world.starts.size(), 3u);
}

TEST(Upcoming, LeavesOutWhatIsPausedOrStillRuns) {
    Foreseeing world;
    Definition paused = make_job(1, "0 1 * * *");
    paused.is_paused = true;
    paused.paused_until = kOne;
    Definition long_one = make_job(2, "59 0 * * *");
    long_one.schedule = *parse_schedule("59,0 0,1 * * *");
    world.load({paused, long_one});
    world.duration = [](const Start&) { return kHour; };
    EXPECT_EQ(foreseen(world, kOne + kMinute), (Told{"2 00:59:00 400 ms ahead"}));
}

// What changes between is decided when the run is due, as if nothing had been foreseen.
TEST(Upcoming, BindsNobody) {
    Foreseeing world;
    world.load({make_job(1, "0 1 * * *"), make_job(2, "0 1 * * *"), make_job(3, "0 1 * * *")});
    EXPECT_EQ(foreseen(world, kOne - 1).size(), 3u);
    Definition paused = make_job(2, "0 1 * * *");
    paused.is_paused = true;
    world.load({paused, make_job(3, "1 1 * * *")});
    world.run_until(kOne + 1);
    EXPECT_TRUE(world.starts.empty());
    EXPECT_EQ(foreseen(world, kOne + kMinute), (Told{"3 01:01:00 400 ms ahead"}));
}

TEST(Upcoming, IsToldAgainWhenTheClockIsSetBack) {
    Foreseeing world;
    world.load({make_job(1, "0 1 * * *")});
    EXPECT_EQ(foreseen(world, kOne - 1).size(), 1u);
    world.scheduler.clock_stepped(kOne - 1, kOne - 10 * kMinute);
    world.now = kOne - 10 * kMinute;
    EXPECT_EQ(foreseen(world, kOne - 1), (Told{"1 01:00:00 400 ms ahead"}));
    EXPECT_TRUE(world.starts.empty());
}

TEST(Upcoming, WithoutALeadNothingIsForeseen) {
    World world;
    world.load({make_job(1, "0 1 * * *")});
    EXPECT_EQ(world.scheduler.next_wake(), kOne);
    EXPECT_EQ(foreseen(world, kOne + 1), Told{});
    EXPECT_EQ(world.starts.size(), 1u);
}

}  // namespace
}  // namespace steward::schedule
