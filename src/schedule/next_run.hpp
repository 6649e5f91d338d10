// SPDX-License-Identifier: PostgreSQL
//
// When a schedule is due next.
//
// Where the clocks change by up to three hours (Vixie cron 4's rules):
//   - a fixed job (neither minute nor hour begins with '*') whose time the clock jumps over runs at the end of the gap,
//     once however many of its times are skipped; one whose time comes twice runs the first time only;
//   - a wildcard job follows real time: lost in the gap, in both passes where time comes twice.
// A larger change is a correction of the clock (the date line): what it skips is not made up for, what it repeats runs
// again. Two changes within a day of each other are not told apart; the closest ones of any zone are four days apart.
#pragma once

#include <optional>

#include "base/time.hpp"
#include "schedule/expression.hpp"

namespace steward::schedule {

// The whole second that `at` lies in, since 1970-01-01 UTC.
std::int64_t floor_seconds(base::Instant at);

// The largest change of a zone's offset that is daylight saving and not a correction.
inline constexpr std::int64_t kLargestShiftSeconds = 3 * 3600;

// The first run strictly after `after`. Nothing for events, and where there is none within kHorizonDays. Steps of
// 'every' are counted from `anchor`, both ways, so that a clock set back does not stop a job: anchor + n x step.
std::optional<base::Instant> next_run(const Expression& expression, const base::Zone& zone, base::Instant after,
                                      base::Instant anchor);

// The anchor that is counted from: within the range of time, and so in every zone.
base::Instant usable_anchor(base::Instant anchor);

// A change of a zone's offset: the first second with the new one.
struct Shift {
    std::int64_t at = 0;  // seconds since 1970-01-01 UTC
    std::int64_t offset_before = 0;
    std::int64_t offset_after = 0;

    std::int64_t size() const { return offset_after - offset_before; }
    bool is_gap() const { return size() > 0 && size() <= kLargestShiftSeconds; }
    bool is_overlap() const { return size() < 0 && -size() <= kLargestShiftSeconds; }
    std::int64_t local_before() const { return at + offset_before; }  // what the clock would have shown, and
    std::int64_t local_after() const { return at + offset_after; }    // what it shows
};

// A shift in (from, to]: looked for only where the offsets at both ends differ.
std::optional<Shift> find_shift(const base::Zone& zone, std::int64_t from, std::int64_t to);

}  // namespace steward::schedule
