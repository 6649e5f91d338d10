// SPDX-License-Identifier: PostgreSQL
//
// Errands: small work on one object of a database that committed transactions ask of the launcher, beside the jobs. However
// many ask, one errand waits for an object; who asks while it runs lets it run once more. One that achieves nothing comes
// back more and more rarely. They live in shared memory and are lost with it: an errand only makes something happen sooner.
//
//   free -> waiting -> starting -> running -> free, waiting again, or resting (done for now, but not to come back at once)
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace steward::schedule {

struct Errand {
    enum class State : std::uint8_t { free, waiting, starting, running, resting };
    State state;
    bool is_asked_again;
    std::uint8_t doublings;
    std::uint32_t token;  // of this start: a worker that comes late finds another one
    std::uint32_t database;
    std::uint32_t object;
    std::int64_t not_before;  // microseconds
};

enum class ErrandEnd {
    useful,
    idle,     // there was nothing it could do
    blocked,  // somebody was in the way: to be tried again
    failed,   // to be tried again, but not for ever
};

inline constexpr std::int64_t kErrandPauseMicros = base::kMicrosPerSecond;
inline constexpr int kMostErrandDoublings = 8;

// True when the launcher has to hear of it. Without room the request is forgotten. It begins at `earliest`, or later.
bool ask_errand(Errand* errands, int count, std::uint32_t database, std::uint32_t object, base::Instant now,
                base::Instant earliest) noexcept;

// The one that is to be started now: -1: none.
int due_errand(const Errand* errands, int count, base::Instant now) noexcept;
// When the next of those that wait may start.
std::optional<base::Instant> next_errand(const Errand* errands, int count) noexcept;

void end_errand(Errand& errand, ErrandEnd end, base::Instant now) noexcept;

}  // namespace steward::schedule
