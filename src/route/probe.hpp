// SPDX-License-Identifier: PostgreSQL
//
// When a node is connected to, asked and given up, and what counts as lost and as back.
//
//   resting --resolve--> resolving --connect--> connecting --> idle <--ask / answered--> asked
//      ^                     |                      |            |                         |
//      +---------------------+-- failed, or too late +-----------+-------------------------+
//
// Each step has the same time; one that failed is tried again after a wait that doubles.
#pragma once

#include <cstdint>
#include <optional>

#include "route/units.hpp"

namespace steward::route {

struct Pace {
    std::int64_t interval = 1'000'000;
    std::int64_t timeout = 2'000'000;
};

// The longest wait between two attempts, in intervals: what returns is seen soon.
inline constexpr int kMostWaitIntervals = 8;
// In a row, until a node that was up counts as down, and one that was down as up.
inline constexpr int kFailuresToLose = 2;
inline constexpr int kAnswersToReturn = 2;
// One that is lost over and over is sent nobody for a while after each return: so many intervals, which double from loss to
// loss, and are halved by each quiet stretch.
inline constexpr int kHoldIntervals = 2;
inline constexpr int kMostHoldIntervals = 256;
inline constexpr int kCalmIntervals = 60;
// What was seen so many intervals ago is not the present.
inline constexpr int kFreshIntervals = 3;

enum class Reach : std::uint8_t { unknown, up, down };
const char* name_of(Reach reach) noexcept;

class Probe {
public:
    enum class Step : std::uint8_t { nothing, resolve, ask, give_up };

    explicit Probe(Steady first) : due_(first) {}

    // What is to be done now.
    Step due(Steady now) const noexcept;
    Steady next_wake() const noexcept { return due_; }

    // What was done, or happened.
    void resolving(Steady now, const Pace& pace) noexcept { enter(Phase::resolving, now + pace.timeout); }
    void connecting(Steady now, const Pace& pace) noexcept { enter(Phase::connecting, now + pace.timeout); }
    void connected(Steady now) noexcept { enter(Phase::idle, now); }
    void asked(Steady now, const Pace& pace) noexcept;
    void answered(Steady now, const Pace& pace) noexcept;
    void failed(Steady now, const Pace& pace) noexcept;
    // It is asked no later than its new pace has it.
    void hurry(Steady now, const Pace& pace) noexcept;
    // It is this very server, which needs no connection to itself.
    void settled(Steady now) noexcept;

    Reach reach() const noexcept { return reach_; }
    bool is_asked() const noexcept { return phase_ == Phase::asked; }
    bool is_connecting() const noexcept { return phase_ == Phase::connecting; }
    bool is_idle() const noexcept { return phase_ == Phase::idle; }
    Steady asked_at() const noexcept { return asked_at_; }
    // Until then nobody is sent to it.
    Steady held_until() const noexcept { return held_until_; }

private:
    void lost(Steady now, const Pace& pace) noexcept;
    void returned(Steady now, const Pace& pace) noexcept;
    enum class Phase : std::uint8_t { resting, resolving, connecting, idle, asked, settled };
    void enter(Phase phase, Steady until) noexcept {
        phase_ = phase;
        due_ = until;
    }

    Phase phase_ = Phase::resting;
    Reach reach_ = Reach::unknown;
    int failures_ = 0;
    int answers_ = 0;
    int losses_ = 0;  // of late
    Steady due_;
    Steady asked_at_;
    Steady lost_at_;
    Steady held_until_;
};

}  // namespace steward::route
