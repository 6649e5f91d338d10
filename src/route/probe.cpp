// SPDX-License-Identifier: PostgreSQL
#include "route/probe.hpp"

#include <algorithm>
#include <limits>

#include "base/backoff.hpp"

namespace steward::route {

const char* name_of(Reach reach) noexcept {
    switch (reach) {
    case Reach::up: return "up";
    case Reach::down: return "down";
    case Reach::unknown: break;
    }
    return "unknown";
}

Probe::Step Probe::due(Steady now) const noexcept {
    if (now < due_) return Step::nothing;
    switch (phase_) {
    case Phase::resting: return Step::resolve;
    case Phase::idle: return Step::ask;
    case Phase::resolving:
    case Phase::connecting:
    case Phase::asked: return Step::give_up;
    case Phase::settled: break;
    }
    return Step::nothing;
}

void Probe::asked(Steady now, const Pace& pace) noexcept {
    asked_at_ = now;
    enter(Phase::asked, now + pace.timeout);
}

void Probe::answered(Steady now, const Pace& pace) noexcept {
    failures_ = 0;
    ++answers_;
    if (reach_ == Reach::down && answers_ >= kAnswersToReturn) returned(now, pace);
    if (reach_ != Reach::down) reach_ = Reach::up;
    // From when it was asked: the pace holds whatever an answer takes.
    enter(Phase::idle, std::max(asked_at_ + pace.interval, now));
}

void Probe::failed(Steady now, const Pace& pace) noexcept {
    answers_ = 0;
    ++failures_;
    if (reach_ == Reach::up && failures_ >= kFailuresToLose) lost(now, pace);
    if (reach_ != Reach::up) reach_ = Reach::down;
    enter(Phase::resting, now + base::backoff(pace.interval, failures_, kMostWaitIntervals * pace.interval));
}

void Probe::lost(Steady now, const Pace& pace) noexcept {
    const std::int64_t calm = (now - lost_at_) / (kCalmIntervals * pace.interval);
    losses_ = calm >= losses_ ? 1 : losses_ - static_cast<int>(calm) + 1;
    lost_at_ = now;
    reach_ = Reach::down;
}

// One that was never up has not been lost.
void Probe::returned(Steady now, const Pace& pace) noexcept {
    const int intervals = losses_ == 0 ? 0 : std::min(kHoldIntervals << std::min(losses_ - 1, 16), kMostHoldIntervals);
    held_until_ = now + intervals * pace.interval;
    reach_ = Reach::up;
}

void Probe::hurry(Steady now, const Pace& pace) noexcept {
    if (phase_ == Phase::idle) due_ = std::min(due_, std::max(asked_at_ + pace.interval, now));
}

void Probe::settled(Steady) noexcept {
    failures_ = 0;
    reach_ = Reach::up;
    enter(Phase::settled, {std::numeric_limits<std::int64_t>::max()});
}

}  // namespace steward::route
