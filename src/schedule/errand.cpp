// SPDX-License-Identifier: PostgreSQL
#include "schedule/errand.hpp"

#include <algorithm>

namespace steward::schedule {

namespace {

bool is_room(const Errand& errand, base::Instant now) noexcept {
    return errand.state == Errand::State::free ||
           (errand.state == Errand::State::resting && errand.not_before <= now.micros);
}

}  // namespace

bool ask_errand(Errand* errands, int count, std::uint32_t database, std::uint32_t object, base::Instant now,
                base::Instant earliest) noexcept {
    Errand* const end = errands + count;
    Errand* found = std::find_if(errands, end, [&](const Errand& errand) {
        return errand.state != Errand::State::free && errand.database == database && errand.object == object;
    });
    if (found == end) {
        found = std::find_if(errands, end, [&](const Errand& errand) { return is_room(errand, now); });
        if (found == end) return false;
        *found = Errand{Errand::State::waiting, false, 0, found->token, database, object, earliest.micros};
        return true;
    }
    switch (found->state) {
    case Errand::State::starting:
    case Errand::State::running: found->is_asked_again = true; return false;
    case Errand::State::resting:
        found->state = Errand::State::waiting;
        found->not_before = std::max(found->not_before, earliest.micros);
        return true;
    default: return false;
    }
}

int due_errand(const Errand* errands, int count, base::Instant now) noexcept {
    for (int i = 0; i < count; ++i)
        if (errands[i].state == Errand::State::waiting && errands[i].not_before <= now.micros) return i;
    return -1;
}

std::optional<base::Instant> next_errand(const Errand* errands, int count) noexcept {
    std::optional<base::Instant> next;
    for (int i = 0; i < count; ++i)
        if (errands[i].state == Errand::State::waiting && (!next || errands[i].not_before < next->micros))
            next = base::Instant{errands[i].not_before};
    return next;
}

void end_errand(Errand& errand, ErrandEnd end, base::Instant now) noexcept {
    if (end == ErrandEnd::useful) errand.doublings = 0;
    errand.not_before = now.micros + (kErrandPauseMicros << errand.doublings);
    bool is_hopeless = errand.doublings == kMostErrandDoublings;
    if (end != ErrandEnd::useful && !is_hopeless) ++errand.doublings;
    bool is_waiting = errand.is_asked_again || end == ErrandEnd::blocked || (end == ErrandEnd::failed && !is_hopeless);
    errand.state = is_waiting ? Errand::State::waiting : Errand::State::resting;
    errand.is_asked_again = false;
}

}  // namespace steward::schedule
