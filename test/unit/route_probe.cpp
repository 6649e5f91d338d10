// SPDX-License-Identifier: PostgreSQL
#include "route/probe.hpp"

#include <gtest/gtest.h>

namespace steward::route {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr Pace kPace{kSecond, 2 * kSecond};

Steady at(double seconds) { return {static_cast<std::int64_t>(seconds * kSecond)}; }

// A node that is connected to and asked at `now`.
void ask(Probe& probe, Steady now) {
    if (!probe.is_idle()) {
        probe.resolving(now, kPace);
        probe.connecting(now, kPace);
        probe.connected(now);
    }
    probe.asked(now, kPace);
}

TEST(RouteProbe, asks_once_an_interval_whatever_an_answer_takes) {
    Probe probe(at(0));
    EXPECT_EQ(probe.due(at(0)), Probe::Step::resolve);
    ask(probe, at(0));
    probe.answered(at(0.4), kPace);
    EXPECT_EQ(probe.due(at(0.9)), Probe::Step::nothing);
    EXPECT_EQ(probe.due(at(1)), Probe::Step::ask);
    EXPECT_EQ(probe.next_wake(), at(1));
}

TEST(RouteProbe, gives_each_step_the_same_time) {
    Probe probe(at(0));
    probe.resolving(at(0), kPace);
    EXPECT_EQ(probe.due(at(1.9)), Probe::Step::nothing);
    EXPECT_EQ(probe.due(at(2)), Probe::Step::give_up);
    probe.connecting(at(2), kPace);
    EXPECT_EQ(probe.due(at(4)), Probe::Step::give_up);
    probe.connected(at(3));
    EXPECT_EQ(probe.due(at(3)), Probe::Step::ask) << "what is connected is asked at once";
    probe.asked(at(3), kPace);
    EXPECT_EQ(probe.due(at(4.9)), Probe::Step::nothing);
    EXPECT_EQ(probe.due(at(5)), Probe::Step::give_up);
}

TEST(RouteProbe, tries_again_after_a_wait_that_doubles_up_to_a_bound) {
    Probe probe(at(0));
    Steady now = at(0);
    for (int wait : {1, 2, 4, 8, 8, 8}) {
        probe.failed(now, kPace);
        EXPECT_EQ(probe.next_wake(), now + wait * kSecond);
        now = probe.next_wake();
        EXPECT_EQ(probe.due(now), Probe::Step::resolve);
    }
    ask(probe, now);
    probe.answered(now, kPace);
    probe.failed(now, kPace);
    EXPECT_EQ(probe.next_wake(), now + kSecond) << "an answer ends that";
}

TEST(RouteProbe, what_is_not_known_yet_is_known_by_the_first_attempt) {
    Probe up(at(0));
    EXPECT_EQ(up.reach(), Reach::unknown);
    ask(up, at(0));
    up.answered(at(0), kPace);
    EXPECT_EQ(up.reach(), Reach::up);
    Probe down(at(0));
    down.failed(at(0), kPace);
    EXPECT_EQ(down.reach(), Reach::down);
}

TEST(RouteProbe, one_failure_loses_nobody_and_one_answer_brings_nobody_back) {
    Probe probe(at(0));
    ask(probe, at(0));
    probe.answered(at(0), kPace);
    probe.failed(at(1), kPace);
    EXPECT_EQ(probe.reach(), Reach::up);
    probe.failed(at(2), kPace);
    EXPECT_EQ(probe.reach(), Reach::down);
    ask(probe, at(4));
    probe.answered(at(4), kPace);
    EXPECT_EQ(probe.reach(), Reach::down);
    ask(probe, at(5));
    probe.answered(at(5), kPace);
    EXPECT_EQ(probe.reach(), Reach::up);
}

TEST(RouteProbe, failures_with_answers_between_lose_nobody) {
    Probe probe(at(0));
    for (int i = 0; i < 20; ++i) {
        ask(probe, at(i));
        probe.answered(at(i), kPace);
        probe.failed(at(i + 0.5), kPace);
        EXPECT_EQ(probe.reach(), Reach::up);
    }
}

TEST(RouteProbe, this_server_itself_is_asked_no_more) {
    Probe probe(at(0));
    ask(probe, at(0));
    probe.answered(at(0), kPace);
    probe.settled(at(0));
    EXPECT_EQ(probe.reach(), Reach::up);
    EXPECT_EQ(probe.due(at(1e6)), Probe::Step::nothing);
}

}  // namespace
}  // namespace steward::route
