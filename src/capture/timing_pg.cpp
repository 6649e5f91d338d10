// SPDX-License-Identifier: PostgreSQL
#include "capture/timing_pg.hpp"

#include <algorithm>

namespace steward::capture {

namespace {

std::int64_t spent = 0;
std::int64_t clock_cost = 0;  // of reading it once
bool is_timing = false;
bool is_whole = false;  // since the end of a statement

// The least of some tries: others are interrupted.
std::int64_t cost_of_clock() noexcept {
    constexpr int kTries = 32;
    std::int64_t least = 1'000'000;
    for (int i = 0; i < kTries; ++i) {
        std::int64_t before = now_ns();
        least = std::min(least, now_ns() - before);
    }
    return least;
}

// How long a statement at top level has run that is not counted yet.
std::int64_t running_ns() noexcept {
    const Flight* outermost = flights.outermost();
    if (outermost == nullptr || outermost->running_since == 0) return 0;
    return outermost->sums[kTotalNs] + now_ns() - outermost->running_since;
}

}  // namespace

void Timed::pause() noexcept { spent += now_ns() - since_ - clock_cost; }

void Timed::end_statement() noexcept {
    if (is_whole) {
        is_timing = false;
        use_timed_hooks(false);
        note_overhead(std::max<std::int64_t>(spent, 0), running_ns());
    }
    is_whole = true;
    spent = 0;
}

void time_next_statement() noexcept {
    if (is_timing) return;
    if (clock_cost == 0) clock_cost = cost_of_clock();
    is_timing = true;
    is_whole = false;
    use_timed_hooks(true);
}

}  // namespace steward::capture
