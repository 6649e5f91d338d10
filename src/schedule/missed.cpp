// SPDX-License-Identifier: PostgreSQL
#include "schedule/missed.hpp"

#include <algorithm>

namespace steward::schedule {

std::optional<base::Instant> last_due(const Definition& job, base::Instant after, base::Instant until) {
    auto found = next_due(job, after);
    if (!found || *found > until) return std::nullopt;
    // The stretch before `until` that holds one, found by doubling it; then it is cut in halves.
    base::Instant low = *found;
    base::Instant high = until;
    for (std::int64_t stretch = base::kMicrosPerSecond; stretch < until.micros - low.micros; stretch *= 2) {
        const base::Instant from{until.micros - stretch};
        const auto due = next_due(job, from);
        if (due && *due <= until) {
            low = *due;
            break;
        }
        high = from;
    }
    while (low < high) {
        // What is due right behind the best one so far settles the matter in most cases.
        const auto next = next_due(job, low);
        if (!next || *next > until) break;
        low = *next;
        const base::Instant middle{low.micros + (high.micros - low.micros) / 2};
        const auto due = next_due(job, middle);
        if (due && *due <= until) {
            low = *due;
        } else {
            high = middle;
        }
    }
    return low;
}

int count_due(const Definition& job, base::Instant after, base::Instant until, int limit) {
    int count = 0;
    for (auto due = next_due(job, after); due && *due <= until && count < limit; due = next_due(job, *due)) ++count;
    return count;
}

bool is_fixed(const Definition& job) {
    const Calendar* calendar = job.schedule ? job.schedule->calendar() : nullptr;
    return calendar && !calendar->is_wildcard();
}

bool is_marked(const Definition& job, base::Instant due) {
    if (job.run_at || !job.schedule) return true;
    const Calendar* calendar = job.schedule->calendar();
    if (calendar && !calendar->has_seconds) return true;
    const auto next = next_due(job, due);
    return !next || next->micros - due.micros >= kMarkedPeriodMicros;
}

}  // namespace steward::schedule
