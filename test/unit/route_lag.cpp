// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "route/lag.hpp"
#include "route/lsn_ring.hpp"

namespace steward::route {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kFresh = 5 * kSecond;

Steady at(double seconds) { return {static_cast<std::int64_t>(seconds * kSecond)}; }

std::unique_ptr<LsnRing> make_ring() { return std::make_unique<LsnRing>(); }

// ---- The ring ------------------------------------------------------------------------------------------------------------

TEST(RouteLsnRing, nobody_is_behind_an_idle_primary) {
    auto ring = make_ring();
    for (int i = 0; i < 3600; ++i) ring->note({100}, at(i));
    EXPECT_EQ(ring->age({100}, {100}, at(3600)), 0);
}

TEST(RouteLsnRing, the_first_commit_after_an_idle_hour_is_not_an_hour_old) {
    auto ring = make_ring();
    for (int i = 0; i <= 3600; ++i) ring->note({100}, at(i));
    ring->note({200}, at(3600.5));
    EXPECT_EQ(ring->age({100}, {200}, at(3601)), kSecond);
}

TEST(RouteLsnRing, is_never_younger_than_what_is_missing) {
    auto ring = make_ring();
    ring->note({100}, at(10));
    ring->note({200}, at(10.1));
    // Flushed after 10, seen at 10.1.
    EXPECT_EQ(ring->age({150}, {200}, at(11)), kSecond);
    EXPECT_EQ(ring->age({100}, {200}, at(11)), kSecond);
}

TEST(RouteLsnRing, what_is_older_than_all_samples_is_unknown) {
    auto ring = make_ring();
    EXPECT_FALSE(ring->age({50}, {100}, at(1)).has_value());
    ring->note({100}, at(1));
    EXPECT_FALSE(ring->age({50}, {100}, at(2)).has_value());
    EXPECT_EQ(ring->age({100}, {150}, at(2)), kSecond) << "what has come since the last sample is no older than that";
}

TEST(RouteLsnRing, another_history_begins_anew) {
    auto ring = make_ring();
    for (int i = 0; i < 100; ++i) ring->note({1000U + static_cast<unsigned>(i)}, at(i));
    ring->note({500}, at(200));
    EXPECT_EQ(ring->newest(), Lsn{500});
    EXPECT_FALSE(ring->age({400}, {500}, at(201)).has_value());
}

// A day of random load: what the ring says is what is true, no less, and no more than the distance of its samples.
TEST(RouteLsnRing, bounds_the_truth_for_a_day) {
    std::mt19937 random(20261126);
    auto ring = make_ring();
    std::vector<std::pair<Lsn, Steady>> flushes;  // every one
    Lsn flushed{1000};
    Steady now{};
    bool is_busy = true;
    Steady phase_ends = at(300);
    while (now < at(90'000)) {
        if (now >= phase_ends) {
            is_busy = !is_busy;
            phase_ends = now + std::uniform_int_distribution<std::int64_t>(1, 3600)(random) * kSecond;
        }
        const Steady next = now + (is_busy ? kSampleMicros : kSecond);
        if (is_busy && random() % 3 != 0) {
            flushed.value += 1 + random() % 1000;
            flushes.emplace_back(flushed, now + static_cast<std::int64_t>(random() % kSampleMicros));
        }
        now = next;
        ring->note(flushed, now);
    }
    int known = 0;
    for (int i = 0; i < 2000; ++i) {
        const std::size_t pick = random() % (flushes.size() - 1);
        const Lsn replayed = flushes[pick].first;
        const std::int64_t truth = now - flushes[pick + 1].second;
        const auto age = ring->age(replayed, flushed, now);
        if (!age) continue;
        ++known;
        const std::int64_t step = truth < 50 * kSecond ? kSecond : truth < 3000 * kSecond ? 2 * kSecond : 62 * kSecond;
        ASSERT_GE(*age, truth);
        ASSERT_LE(*age, truth + step);
    }
    EXPECT_GT(known, 1500) << "nearly a whole day is remembered";
}

// ---- What is known of one standby ----------------------------------------------------------------------------------------

TEST(RouteLag, nothing_is_known_without_a_primary) {
    const Lag lag = lag_of({{100}, at(10)}, {}, {}, at(10), kFresh);
    EXPECT_EQ(lag.kind, LagKind::unknown);
    EXPECT_FALSE(lag.bytes || lag.micros);
}

TEST(RouteLag, who_has_all_is_not_behind) {
    const Lag lag = lag_of({{100}, at(10)}, {{100}, at(10), true}, {}, at(12), kFresh);
    EXPECT_EQ(lag.kind, LagKind::exact);
    EXPECT_EQ(lag.bytes, 0U);
    EXPECT_EQ(lag.micros, 0);
}

TEST(RouteLag, a_dead_link_grows_though_all_that_came_is_replayed) {
    for (int seconds : {20, 200, 2000}) {
        const Lag lag = lag_of({{100}, at(10.0 + seconds)}, {{100}, at(10), true}, {}, at(10.0 + seconds), kFresh);
        EXPECT_EQ(lag.kind, LagKind::upper_bound);
        EXPECT_EQ(lag.micros, seconds * kSecond);
    }
}

TEST(RouteLag, is_as_old_as_the_oldest_that_is_missing) {
    const Measured measured{{100}, 3 * kSecond, at(10), true};
    const Lag lag = lag_of({{100}, at(10)}, {{300}, at(10), true}, measured, at(11), kFresh);
    EXPECT_EQ(lag.kind, LagKind::exact);
    EXPECT_EQ(lag.bytes, 200U);
    EXPECT_EQ(lag.micros, 3 * kSecond);
}

TEST(RouteLag, grows_where_replay_stands_still) {
    const Measured measured{{100}, 3 * kSecond, at(10), true};
    const Lag lag = lag_of({{100}, at(11)}, {{300}, at(10), true}, measured, at(11), kFresh);
    EXPECT_EQ(lag.kind, LagKind::exact);
    EXPECT_EQ(lag.micros, 4 * kSecond);
}

TEST(RouteLag, is_a_bound_where_replay_has_gone_on) {
    const Measured measured{{100}, 3 * kSecond, at(10), true};
    const Lag lag = lag_of({{200}, at(11)}, {{300}, at(10), true}, measured, at(11), kFresh);
    EXPECT_EQ(lag.kind, LagKind::upper_bound);
    EXPECT_EQ(lag.micros, 4 * kSecond);
}

TEST(RouteLag, of_a_standby_that_does_not_answer_is_a_bound_that_grows) {
    const Measured measured{{100}, 30 * kSecond, at(40), true};
    const Lag lag = lag_of({{100}, at(10)}, {{300}, at(40), true}, measured, at(41), kFresh);
    EXPECT_EQ(lag.kind, LagKind::upper_bound);
    EXPECT_EQ(lag.micros, 31 * kSecond);
    EXPECT_EQ(lag.bytes, 200U);
}

TEST(RouteLag, of_another_history_is_unknown_in_seconds) {
    const Measured measured{{250}, kSecond, at(10), true};
    const Lag lag = lag_of({{100}, at(10)}, {{300}, at(10), true}, measured, at(10), kFresh);
    EXPECT_EQ(lag.kind, LagKind::unknown);
    EXPECT_EQ(lag.bytes, 200U);
    EXPECT_FALSE(lag.micros.has_value());
}

// A primary, a standby and a prober on each; load, stalls and silence come and go. What an exact value says was true when the
// standby was asked, and a bound is never below the truth.
TEST(RouteLag, says_the_truth_through_stalls_and_silence) {
    std::mt19937 random(4711);
    auto ring = make_ring();
    std::vector<Steady> flushed_at;  // LSN n was flushed at [n - 1]
    std::uint64_t replayed = 0;
    std::vector<std::pair<Steady, std::int64_t>> truths;
    const auto truth_at = [&](Steady now) {
        return replayed < flushed_at.size() ? now - flushed_at[replayed] : std::int64_t{0};
    };
    bool is_writing = true, is_stalled = false, is_silent = false;
    Position position{};
    Horizon horizon{};
    Measured measured{};
    std::int64_t truth_when_asked = 0;
    const std::int64_t tick = 50'000;
    int bounds = 0, exacts = 0;
    for (Steady now = at(1); now < at(3000); now = now + tick) {
        if (random() % 200 == 0) is_writing = !is_writing;
        if (random() % 300 == 0) is_stalled = !is_stalled;
        if (random() % 400 == 0) is_silent = !is_silent;
        if (is_writing) flushed_at.push_back(now);
        if (!is_stalled) replayed = std::min<std::uint64_t>(flushed_at.size(), replayed + 2);
        const Lsn flushed{flushed_at.size() + 1};
        if (now.micros % kSampleMicros == 0) ring->note(flushed, now);
        if (now.micros % kSecond == 0 && !is_silent) {
            position = {{replayed + 1}, now};
            horizon = {flushed, now, true};
            const auto age = ring->age(position.replayed, flushed, now);
            measured = {position.replayed, age.value_or(0), now, age.has_value()};
            truth_when_asked = truth_at(now);
        }
        const Lag lag = lag_of(position, horizon, measured, now, kFresh);
        if (lag.kind == LagKind::unknown) continue;
        if (lag.kind == LagKind::exact) {
            ++exacts;
            ASSERT_GE(*lag.micros, truth_when_asked);
            ASSERT_LE(*lag.micros, truth_when_asked + 2 * kSampleMicros);
        } else {
            ++bounds;
            ASSERT_GE(*lag.micros, truth_at(now));
        }
    }
    EXPECT_GT(exacts, 1000);
    EXPECT_GT(bounds, 1000);
}

}  // namespace
}  // namespace steward::route
