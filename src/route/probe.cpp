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
    if (reach_ != Reach::down || answers_ >= kAnswersToReturn) reach_ = Reach::up;
    // From when it was asked: the pace holds whatever an answer takes.
    enter(Phase::idle, std::max(asked_at_ + pace.interval, now));
}

void Probe::failed(Steady now, const Pace& pace) noexcept {
    answers_ = 0;
    ++failures_;
    if (reach_ != Reach::up || failures_ >= kFailuresToLose) reach_ = Reach::down;
    enter(Phase::resting, now + base::backoff(pace.interval, failures_, kMostWaitIntervals * pace.interval));
}

void Probe::settled(Steady) noexcept {
    failures_ = 0;
    reach_ = Reach::up;
    enter(Phase::settled, {std::numeric_limits<std::int64_t>::max()});
}

}  // namespace steward::route
