// SPDX-License-Identifier: PostgreSQL
#include "capture/timing_pg.hpp"

#include <algorithm>

namespace steward::capture {

namespace {

std::int64_t spent = 0;
bool is_timing = false;
bool is_whole = false;  // since the end of a statement

// How long a statement at top level has run that is not counted yet.
std::int64_t running_ns() noexcept {
    const Flight* outermost = flights.outermost();
    if (outermost == nullptr || outermost->running_since == 0) return 0;
    return outermost->sums[kTotalNs] + now_ns() - outermost->running_since;
}

}  // namespace

void Timed::pause() noexcept { spent += now_ns() - since_ - clock_reading_ns; }

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
    is_timing = true;
    is_whole = false;
    use_timed_hooks(true);
}

}  // namespace steward::capture
