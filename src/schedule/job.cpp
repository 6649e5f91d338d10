// SPDX-License-Identifier: PostgreSQL
#include "schedule/job.hpp"

#include <algorithm>
#include <array>

#include "base/backoff.hpp"
#include "schedule/next_run.hpp"

namespace steward::schedule {

namespace {

constexpr std::array kOverlaps = {"skip", "queue", "replace", "parallel"};
constexpr std::array kMissed = {"skip", "once", "all"};
constexpr std::array kRunOns = {"primary", "standby", "any"};
constexpr std::array kOutcomes = {"succeeded", "failed", "cancelled", "timed_out", "terminated", "interrupted"};
constexpr std::array kKinds = {"scheduled", "missed", "retry", "manual", "chained", "event"};

template <class Enum, std::size_t N>
std::optional<Enum> enum_of(const std::array<const char*, N>& names, std::string_view name) {
    for (std::size_t i = 0; i < N; ++i)
        if (name == names[i]) return static_cast<Enum>(i);
    return std::nullopt;
}

// What may pass by itself: lost connections, conflicts with other transactions, a shortage, a server that restarts,
// trouble outside the server.
constexpr std::array kTransient = {"08", "40", "53", "58", "55P03", "55006", "57P01", "57P02", "57P03"};

bool covers(std::string_view listed, std::string_view sqlstate) {
    return listed == sqlstate || (listed.size() == 2 && sqlstate.substr(0, 2) == listed);
}

bool is_listed(const Retry& retry, std::string_view sqlstate) {
    const auto matches = [&](std::string_view listed) { return covers(listed, sqlstate); };
    if (retry.on.empty()) return std::any_of(kTransient.begin(), kTransient.end(), matches);
    return std::any_of(retry.on.begin(), retry.on.end(), matches);
}

constexpr std::string_view kQueryCanceled = "57014";

std::int64_t day_of(base::LocalTime at) {
    const std::int64_t days = at.micros / base::kMicrosPerDay;
    return at.micros % base::kMicrosPerDay < 0 ? days - 1 : days;
}

// The last instant before the first day behind `day` that is not excluded.
base::Instant end_of_excluded(const Definition& job, std::int64_t day) {
    const auto& days = job.excluded_days;
    for (auto it = std::lower_bound(days.begin(), days.end(), day); it != days.end() && *it <= day; ++it) day = *it + 1;
    return {base::to_instant({day * base::kMicrosPerDay}, *job.zone).micros - 1};
}

}  // namespace

const char* name_of(Overlap overlap) { return kOverlaps.at(static_cast<std::size_t>(overlap)); }
const char* name_of(Missed missed) { return kMissed.at(static_cast<std::size_t>(missed)); }
const char* name_of(RunOn run_on) { return kRunOns.at(static_cast<std::size_t>(run_on)); }
const char* name_of(Outcome outcome) { return kOutcomes.at(static_cast<std::size_t>(outcome)); }
const char* name_of(Kind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }
std::optional<Overlap> overlap_of(std::string_view name) { return enum_of<Overlap>(kOverlaps, name); }
std::optional<Missed> missed_of(std::string_view name) { return enum_of<Missed>(kMissed, name); }
std::optional<RunOn> run_on_of(std::string_view name) { return enum_of<RunOn>(kRunOns, name); }
std::optional<Outcome> outcome_of(std::string_view name) { return enum_of<Outcome>(kOutcomes, name); }

bool is_allowed(const Definition& job, base::Instant at) {
    if (job.valid_from && at < *job.valid_from) return false;
    if (job.valid_until && at >= *job.valid_until) return false;
    return job.excluded_days.empty() || !std::binary_search(job.excluded_days.begin(), job.excluded_days.end(),
                                                            day_of(base::to_local(at, *job.zone)));
}

std::optional<base::Instant> next_due(const Definition& job, base::Instant after) {
    if (job.run_at) return *job.run_at > after ? job.run_at : std::nullopt;
    if (!job.schedule || job.schedule->event()) return std::nullopt;
    if (job.valid_from) after = std::max(after, base::Instant{job.valid_from->micros - 1});
    const base::Instant horizon{after.micros + kHorizonDays * base::kMicrosPerDay};
    while (after < horizon) {
        const auto due = next_run(*job.schedule, *job.zone, after, job.anchor);
        if (!due || (job.valid_until && *due >= *job.valid_until)) return std::nullopt;
        if (is_allowed(job, *due)) return due;
        // Where midnight comes twice, the excluded day does not end the first time.
        after = std::max(*due, end_of_excluded(job, day_of(base::to_local(*due, *job.zone))));
    }
    return std::nullopt;
}

bool is_retried(const Retry& retry, Outcome outcome, std::string_view sqlstate, int attempt) {
    if (attempt > retry.limit) return false;
    switch (outcome) {
    case Outcome::succeeded:
    case Outcome::cancelled: return false;
    case Outcome::failed: return is_listed(retry, sqlstate);
    case Outcome::timed_out: return is_listed(retry, kQueryCanceled);
    case Outcome::terminated:
    case Outcome::interrupted: return true;
    }
    return false;
}

std::int64_t backoff_micros(const Retry& retry, int attempt, double jitter) {
    const std::int64_t first = std::max<std::int64_t>(retry.delay_micros, 0);
    const std::int64_t delay = base::backoff(first, attempt, std::max(first, kMaxBackoffMicros));
    return delay + static_cast<std::int64_t>(static_cast<double>(delay) * 0.2 * std::clamp(jitter, 0.0, 1.0));
}

}  // namespace steward::schedule
