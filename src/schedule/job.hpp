// SPDX-License-Identifier: PostgreSQL
//
// A job as the launcher knows it: when it runs and under which policy. What it runs stays in its database.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "schedule/expression.hpp"

namespace steward::schedule {

// Bounds of the policies, each named once.
inline constexpr int kMaxParallel = 100;
inline constexpr int kMaxRetries = 100;
inline constexpr int kMinPriority = -100;
inline constexpr int kMaxPriority = 100;
inline constexpr std::size_t kMaxExcludedDates = 1000;
// Of a missed policy `all`: no more runs than this are made up for.
inline constexpr int kMaxMissedRuns = 1000;
// Doubling the delay of retries ends here.
inline constexpr std::int64_t kMaxBackoffMicros = base::kMicrosPerDay;
// Jobs that run more often than this leave no mark in their database when they start, only when they end.
inline constexpr std::int64_t kMarkedPeriodMicros = 10 * base::kMicrosPerSecond;

struct JobKey {
    std::uint32_t database = 0;
    std::int64_t job = 0;
    auto operator<=>(const JobKey&) const = default;
};

using RunId = std::int64_t;

// What happens to a run that is due while an earlier one of the same job runs.
enum class Overlap { skip, queue, replace, parallel };
// What happens to the runs that were due while nobody could start them.
enum class Missed { skip, once, all };
enum class RunOn { primary, standby, any };
enum class Outcome { succeeded, failed, cancelled, timed_out, terminated, interrupted };
// Why a run is made.
enum class Kind { scheduled, missed, retry, manual, chained, event };

const char* name_of(Overlap overlap);
const char* name_of(Missed missed);
const char* name_of(RunOn run_on);
const char* name_of(Outcome outcome);
const char* name_of(Kind kind);
std::optional<Overlap> overlap_of(std::string_view name);
std::optional<Missed> missed_of(std::string_view name);
std::optional<RunOn> run_on_of(std::string_view name);
std::optional<Outcome> outcome_of(std::string_view name);

// A clock set back by more than this is a correction: it is believed, whatever was handled before.
inline constexpr std::int64_t kLargestStepBackMicros = 3 * base::kMicrosPerHour;

struct Retry {
    int limit = 0;
    std::int64_t delay_micros = 30 * base::kMicrosPerSecond;  // before the first; doubled for each further one
    std::vector<std::string> on;  // SQLSTATEs or their two-character classes; empty: the transient ones
};

// What its database remembers of a job.
struct Progress {
    std::optional<base::Instant> handled_until;  // everything due up to here has been started, skipped or given up
    std::optional<base::Instant> last_due;
    std::optional<base::Instant> last_ended_at;
    std::optional<Outcome> last_outcome;
    std::string last_sqlstate;
    int last_attempt = 0;
    std::optional<double> usual_ms;  // of its successful runs
};

struct Definition {
    JobKey key;
    std::string name;
    std::uint32_t role = 0;
    std::optional<Expression> schedule;   // none: only by hand, after other jobs, or at run_at
    std::optional<base::Instant> run_at;  // runs once
    const base::Zone* zone = nullptr;
    base::Instant anchor;  // when this schedule was given
    Overlap overlap = Overlap::skip;
    int max_parallel = 1;  // with Overlap::parallel
    Missed missed = Missed::once;
    std::optional<std::int64_t> missed_within_micros;
    Retry retry;
    int priority = 0;
    std::string group;
    int group_limit = 0;                   // 0: none
    std::vector<std::int64_t> after;       // runs when all of them have ended since it last ran
    std::vector<std::int64_t> on_success;  // ... have succeeded
    std::vector<std::int64_t> on_failure;  // runs when any of them has failed
    RunOn run_on = RunOn::primary;
    std::optional<base::Instant> valid_from;
    std::optional<base::Instant> valid_until;
    std::vector<std::int64_t> excluded_days;  // days since 1970-01-01 of its zone's calendar, sorted
    bool is_paused = false;
    std::optional<base::Instant> paused_until;
    std::string paused_reason;
    std::string broken;  // why it can never start, from what reading it found; empty: it can
    Progress progress;
};

// The first run strictly after `after` that validity and excluded dates allow; nothing when there is none.
std::optional<base::Instant> next_due(const Definition& job, base::Instant after);

// Whether validity and excluded dates allow a run at this instant: from valid_from on, and before valid_until.
bool is_allowed(const Definition& job, base::Instant at);

// Whether a run that ended so is tried again.
bool is_retried(const Retry& retry, Outcome outcome, std::string_view sqlstate, int attempt);

// How long after the end of `attempt` (1 = the first run) the next one begins; `jitter` in [0, 1) spreads it by a fifth.
std::int64_t backoff_micros(const Retry& retry, int attempt, double jitter);

}  // namespace steward::schedule
