// SPDX-License-Identifier: PostgreSQL
#include "schedule/explain.hpp"

#include <algorithm>
#include <bit>

#include "base/text.hpp"
#include "schedule/calendar.hpp"
#include "schedule/next_run.hpp"
#include "schedule/words.hpp"

namespace steward::schedule {

namespace {

constexpr std::int64_t kLookSeconds = 26 * 3600;     // as far as a change of the clock can reach
constexpr std::int64_t kStrideSeconds = 2 * 86'400;  // changes are further apart than this
constexpr std::size_t kMostMonths = 3;

base::LocalTime local_time(std::int64_t seconds) { return base::LocalTime{seconds * base::kMicrosPerSecond}; }

std::string clock_of(std::int64_t local) {
    const std::int64_t second = local % kSecondsPerDay;
    return clock_text(static_cast<int>(second < 0 ? second + kSecondsPerDay : second));
}

// "2026-03-29 02:00-03:00"
std::string stretch(std::int64_t from, std::int64_t to) {
    const std::string from_date = base::format_date(local_time(from));
    const std::string to_date = base::format_date(local_time(to));
    return fmt::format("{} {}-{}{}", from_date, clock_of(from), from_date == to_date ? "" : to_date + " ",
                       clock_of(to));
}

std::string twice(std::int64_t local, std::string_view what) {
    return fmt::format("{} comes twice on {}, {}", clock_of(local), base::format_date(local_time(local)), what);
}

std::string gap_text(const Shift& shift) {
    return fmt::format("falls into the gap of {}, runs at its end", stretch(shift.local_before(), shift.local_after()));
}

class Notes {
public:
    void add(std::string text) { text_ += (text_.empty() ? "" : "; ") + std::move(text); }
    std::string take() && { return std::move(text_); }

private:
    std::string text_;
};

// What lies between one run and the next of a calendar.
class CalendarNotes {
public:
    CalendarNotes(const Calendar& calendar, const base::Zone& zone) : calendar_(calendar), zone_(zone) {}

    std::string of(std::int64_t previous, std::int64_t at) const {
        Notes notes;
        const std::int64_t local = at + zone_.offset_seconds(base::Instant{at * base::kMicrosPerSecond});
        note_gaps(notes, previous, at);
        note_overlap(notes, at, local);
        note_months(notes, previous, local);
        return std::move(notes).take();
    }

private:
    bool is_fixed() const { return !calendar_.is_wildcard(); }

    void note_gaps(Notes& notes, std::int64_t previous, std::int64_t at) const {
        for (std::int64_t from = previous; from < at; from += kStrideSeconds) {
            const auto shift = find_shift(zone_, from, std::min(from + kStrideSeconds, at));
            if (!shift || shift->size() < 0) continue;
            const auto skipped = first_match(calendar_, shift->local_before(), shift->local_after() - 1);
            if (!skipped) continue;
            if (is_fixed() && shift->is_gap()) {
                notes.add(fmt::format("{} {}", clock_of(*skipped), gap_text(*shift)));
            } else {
                notes.add(
                    fmt::format("nothing in the gap of {}", stretch(shift->local_before(), shift->local_after())));
            }
        }
    }

    void note_overlap(Notes& notes, std::int64_t at, std::int64_t local) const {
        const auto ahead = find_shift(zone_, at, at + kLookSeconds);
        if (ahead && ahead->size() < 0 && local >= ahead->local_after()) {
            notes.add(twice(local, is_fixed() && ahead->is_overlap() ? "runs in the first pass only"
                                                                     : "this is the first pass"));
        }
        const auto behind = find_shift(zone_, at - kLookSeconds, at);
        if (behind && behind->size() < 0 && local < behind->local_before()) {
            notes.add(twice(local, "this is the second pass"));
        }
    }

    // Months of the calendar in which it has no day.
    void note_months(Notes& notes, std::int64_t previous, std::int64_t local) const {
        const std::int64_t before = previous + zone_.offset_seconds(base::Instant{previous * base::kMicrosPerSecond});
        base::Civil month = base::civil_from(local_time(before));
        const base::Civil last = base::civil_from(local_time(local));
        std::vector<std::string> skipped;
        std::size_t more = 0;
        for (; month.year < last.year || (month.year == last.year && month.month < last.month);
             month.year += month.month == 12 ? 1 : 0, month.month = month.month % 12 + 1) {
            const bool is_meant = (calendar_.months >> month.month & 1) != 0;
            const int weekday = weekday_of_day(base::days_from_civil(month.year, month.month, 1));
            if (!is_meant || days_of_month(calendar_, base::days_in_month(month.year, month.month), weekday) != 0)
                continue;
            if (skipped.size() < kMostMonths) {
                skipped.push_back(fmt::format("{} {}", month_name(month.month), month.year));
            } else {
                ++more;
            }
        }
        if (skipped.empty()) return;
        if (more > 0) skipped.push_back(fmt::format("{} more", more));
        notes.add(fmt::format("{} {} no such day", join(skipped), skipped.size() > 1 ? "have" : "has"));
    }

    const Calendar& calendar_;
    const base::Zone& zone_;
};

std::string note_of_step(const Every& every, const base::Zone& zone, base::Instant at, base::Instant anchor) {
    if (every.step.days == 0) {
        return "";
    }
    const base::LocalTime origin = base::to_local(usable_anchor(anchor), zone);
    const base::LocalTime local = base::to_local(at, zone);
    const std::int64_t second = floor_seconds(at);
    const auto here = find_shift(zone, second - 1, second);
    if (here && here->size() > 0 &&
        (local.micros % base::kMicrosPerDay - origin.micros % base::kMicrosPerDay) % base::kMicrosPerDay != 0) {
        return gap_text(*here);
    }
    const auto ahead = find_shift(zone, second, second + kLookSeconds);
    const std::int64_t local_second = second + zone.offset_seconds(at);
    const bool is_twice = ahead && ahead->size() < 0 && local_second >= ahead->local_after();
    return is_twice ? twice(local_second, "runs in the first pass only") : "";
}

}  // namespace

std::vector<ExplainedRun> explain(const Expression& expression, const base::Zone& zone, int runs, base::Instant after,
                                  base::Instant anchor) {
    std::vector<ExplainedRun> result;
    while (static_cast<int>(result.size()) < runs) {
        const auto at = next_run(expression, zone, after, anchor);
        if (!at) {
            break;
        }
        ExplainedRun run{*at, base::format_instant(*at, zone), ""};
        if (const Calendar* calendar = expression.calendar()) {
            const std::int64_t from =
                std::max(floor_seconds(after), floor_seconds(*at) - kHorizonDays * kSecondsPerDay);
            run.note = CalendarNotes(*calendar, zone).of(from, floor_seconds(*at));
        } else if (const Every* every = expression.every()) {
            run.note = note_of_step(*every, zone, *at, anchor);
        }
        result.push_back(std::move(run));
        after = *at;
    }
    return result;
}

}  // namespace steward::schedule
