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

// Lost and back.
void flap(Probe& probe, Steady lost, Steady back) {
    for (int i = 0; i < 2; ++i) probe.failed(lost, kPace);
    for (int i = 0; i < 2; ++i) {
        ask(probe, back);
        probe.answered(back, kPace);
    }
}

TEST(RouteProbe, nobody_is_sent_to_one_that_is_lost_over_and_over) {
    Probe probe(at(0));
    ask(probe, at(0));
    probe.answered(at(0), kPace);
    EXPECT_LE(probe.held_until(), at(0)) << "one that was never lost is sent to at once";
    flap(probe, at(1), at(2));
    EXPECT_EQ(probe.held_until(), at(4));
    // Up for five seconds and down for five, for ten minutes: after the first few it is sent nobody any more.
    int sent_to = 0;
    for (int i = 1; i <= 60; ++i) {
        flap(probe, at(10 * i), at(10 * i + 5));
        sent_to += probe.held_until() < at(10 * i + 10) ? 1 : 0;
    }
    EXPECT_LE(sent_to, 2);
    EXPECT_EQ(probe.held_until() - at(605), kMostHoldIntervals * kSecond);
    flap(probe, at(20'000), at(20'001));
    EXPECT_EQ(probe.held_until() - at(20'001), 2 * kSecond) << "that was long ago";
}

TEST(RouteProbe, one_that_was_down_from_the_start_is_not_held_when_it_comes) {
    Probe probe(at(0));
    probe.failed(at(0), kPace);
    for (int i = 1; i <= 2; ++i) {
        ask(probe, at(i));
        probe.answered(at(i), kPace);
    }
    EXPECT_EQ(probe.reach(), Reach::up);
    EXPECT_LE(probe.held_until(), at(2));
}

TEST(RouteProbe, in_a_hurry_is_asked_sooner) {
    Probe probe(at(0));
    ask(probe, at(0));
    probe.answered(at(0.01), kPace);
    probe.hurry(at(0.05), {kSecond / 5, 2 * kSecond});
    EXPECT_EQ(probe.next_wake(), at(0.2));
    probe.hurry(at(0.5), {kSecond / 5, 2 * kSecond});
    EXPECT_EQ(probe.next_wake(), at(0.2));
    ask(probe, at(0.2));
    probe.hurry(at(0.3), {kSecond / 5, 2 * kSecond});
    EXPECT_EQ(probe.next_wake(), at(2.2)) << "it still has its time to answer";
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
