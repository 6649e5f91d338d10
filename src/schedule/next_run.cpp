// SPDX-License-Identifier: PostgreSQL
//
// The wall clock jumps ahead (then the local time looked for may be missing) or back (then it shows some times again).
// So the first matching local time after the one that is shown now is the answer, except close to a change: close to
// `after`, where a match may lie behind it in local time and yet be still to come, and at the match itself. These two
// places are looked at, and nothing between them: a search over eight years asks for a handful of offsets.
#include "schedule/next_run.hpp"

#include <algorithm>

#include "base/number.hpp"
#include "schedule/calendar.hpp"

namespace steward::schedule {

namespace {

// No change of the clock is as large: behind it, what a later change repeats lies ahead in local time.
constexpr std::int64_t kNearSeconds = 26 * 3600;
constexpr std::int64_t kHorizonSeconds = kHorizonDays * kSecondsPerDay;
constexpr std::int64_t kEndSeconds = base::kEndMicros / base::kMicrosPerSecond;

base::Instant instant_of(std::int64_t seconds) { return base::Instant{seconds * base::kMicrosPerSecond}; }

std::int64_t offset_at(const base::Zone& zone, std::int64_t seconds) {
    return zone.offset_seconds(instant_of(seconds));
}

// The first second in (from, to] that has another offset than `from`; the one at `to` is another one.
Shift shift_between(const base::Zone& zone, std::int64_t from, std::int64_t offset, std::int64_t to) {
    while (to - from > 1) {
        const std::int64_t middle = from + (to - from) / 2;
        (offset_at(zone, middle) == offset ? from : to) = middle;
    }
    return Shift{to, offset, offset_at(zone, to)};
}

class Search {
public:
    Search(const Calendar& calendar, const base::Zone& zone, std::int64_t after)
        : calendar_(calendar),
          zone_(zone),
          is_fixed_(!calendar.is_wildcard()),
          from_(after),
          offset_(offset_at(zone, after)),
          first_(after + offset_ + 1),
          last_(std::min(after + offset_ + kHorizonSeconds, kEndSeconds) + kSecondsPerDay) {
        skip_second_pass();
    }

    std::optional<std::int64_t> run() {
        while (const auto match = first_match(calendar_, first_, last_)) {
            const auto found = *match - offset_ - from_ <= kNearSeconds ? near(*match) : far(*match);
            if (found) {
                return found;
            }
        }
        return std::nullopt;
    }

private:
    // Shortly behind a change back, a fixed job has had its run already until the clock shows new times.
    void skip_second_pass() {
        if (!is_fixed_) {
            return;
        }
        const std::int64_t from = from_ - kLargestShiftSeconds;
        const std::int64_t offset = offset_at(zone_, from);
        if (offset != offset_) {
            const Shift shift = shift_between(zone_, from, offset, from_);
            if (shift.is_overlap()) {
                first_ = std::max(first_, shift.local_before());
            }
        }
    }

    std::optional<std::int64_t> near(std::int64_t match) {
        const std::int64_t at = match - offset_;
        if (offset_at(zone_, at) == offset_) {
            return at;
        }
        return pass(shift_between(zone_, from_, offset_, at), match);
    }

    std::optional<std::int64_t> far(std::int64_t match) {
        const std::int64_t horizon = from_ + kNearSeconds;
        if (offset_at(zone_, horizon) != offset_) {
            return pass(shift_between(zone_, from_, offset_, horizon), match);
        }
        const base::LocalTime local{match * base::kMicrosPerSecond};
        const std::int64_t at = floor_seconds(base::to_instant(local, zone_));
        const std::int64_t offset = offset_at(zone_, at);
        if (at + offset == match) {
            return at;
        }
        return pass(Shift{at, offset_at(zone_, at - 1), offset}, match);
    }

    // To a change that comes before the match does, or instead of it, and on behind it.
    std::optional<std::int64_t> pass(const Shift& shift, std::int64_t match) {
        if (is_fixed_ && shift.is_gap() && match < shift.local_after()) {
            return shift.at;
        }
        from_ = shift.at;
        offset_ = shift.offset_after;
        first_ = is_fixed_ && shift.is_overlap() ? shift.local_before() : shift.local_after();
        return std::nullopt;
    }

    const Calendar& calendar_;
    const base::Zone& zone_;
    bool is_fixed_;
    std::int64_t from_;  // an instant that has been dealt with, and the offset in force from there on
    std::int64_t offset_;
    std::int64_t first_;  // the first and the last local time that are looked at
    std::int64_t last_;
};

std::optional<base::Instant> next_in_calendar(const Calendar& calendar, const base::Zone& zone, base::Instant after) {
    const std::int64_t second = floor_seconds(after);
    const auto found = Search(calendar, zone, second).run();
    if (!found || *found - second > kHorizonSeconds || *found >= kEndSeconds) {
        return std::nullopt;
    }
    return instant_of(*found);
}

std::optional<base::Instant> next_step(const Every& every, const base::Zone& zone, base::Instant after,
                                       base::Instant anchor) {
    const base::Int128 passed = static_cast<base::Int128>(after.micros) - anchor.micros;
    if (every.step.days == 0) {
        const base::Int128 n = base::floor_div(passed, every.step.micros) + 1;
        const base::Int128 at = anchor.micros + n * every.step.micros;
        return at < base::kEndMicros ? std::optional(base::Instant{static_cast<std::int64_t>(at)}) : std::nullopt;
    }
    // The first step behind what the wall clock shows, or a later one while it shows times again.
    const base::LocalTime origin = base::to_local(anchor, zone);
    const base::Int128 step = static_cast<base::Int128>(every.step.days) * base::kMicrosPerDay;
    const base::Int128 shown = static_cast<base::Int128>(base::to_local(after, zone).micros) - origin.micros;
    auto n = static_cast<std::int64_t>(base::floor_div(shown, step)) + 1;
    // A clock shows no more than a day again: the answer is among the first steps.
    constexpr int kTries = 4;
    for (int tries = 0; tries < kTries; ++tries, ++n) {
        const auto local = base::add(origin, every.step, n);
        const base::Instant at = local ? base::to_instant(*local, zone) : after;
        if (at > after) {
            return at.micros < base::kEndMicros ? std::optional(at) : std::nullopt;
        }
    }
    return std::nullopt;
}

}  // namespace

std::int64_t floor_seconds(base::Instant at) {
    return at.micros / base::kMicrosPerSecond - (at.micros % base::kMicrosPerSecond < 0 ? 1 : 0);
}

base::Instant usable_anchor(base::Instant anchor) {
    return base::Instant{
        std::clamp(anchor.micros, base::kMinMicros + base::kMicrosPerDay, base::kEndMicros - base::kMicrosPerDay)};
}

std::optional<Shift> find_shift(const base::Zone& zone, std::int64_t from, std::int64_t to) {
    const std::int64_t offset = offset_at(zone, from);
    if (from >= to || offset_at(zone, to) == offset) {
        return std::nullopt;
    }
    return shift_between(zone, from, offset, to);
}

std::optional<base::Instant> next_run(const Expression& expression, const base::Zone& zone, base::Instant after,
                                      base::Instant anchor) {
    const std::int64_t end = base::kEndMicros - 1;
    if (after.micros >= end) {
        return std::nullopt;
    }
    after = std::max(after, base::Instant{base::kMinMicros - 1});
    anchor = usable_anchor(anchor);
    if (const Calendar* calendar = expression.calendar()) {
        return next_in_calendar(*calendar, zone, after);
    }
    if (const Every* every = expression.every()) {
        return next_step(*every, zone, after, anchor);
    }
    return std::nullopt;
}

}  // namespace steward::schedule
