// SPDX-License-Identifier: PostgreSQL
//
// Jobs that should have begun: as the launcher says, or, where there is none to ask, as the schedules and what has been
// recorded of them say.
#include <algorithm>
#include <optional>

#include "base/pack.hpp"
#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/zone.hpp"
#include "schedule/shared_pg.hpp"
#include "schedule/states_pg.hpp"
#include "schedule/wire_pg.hpp"

namespace steward::schedule {

namespace {

constexpr std::int64_t kLateMicros = base::kMicrosPerMinute;

bool fits_here(RunOn run_on) { return run_on == RunOn::any || (run_on == RunOn::standby) == RecoveryInProgress(); }

std::optional<base::Instant> overdue_since(const Definition& job, base::Instant now) {
    bool is_paused = job.is_paused && !(job.paused_until && *job.paused_until <= now);
    if (is_paused || !job.broken.empty() || !fits_here(job.run_on)) return std::nullopt;
    std::optional<base::Instant> handled = job.progress.handled_until;
    if (job.paused_until && (!handled || *handled < *job.paused_until)) handled = job.paused_until;
    std::optional<base::Instant> due;
    if (job.run_at) {
        if (!handled || *handled < *job.run_at) due = job.run_at;
    } else {
        due = next_due(job, std::max(handled.value_or(job.anchor), job.anchor));
    }
    if (!due || due->micros > now.micros - kLateMicros) return std::nullopt;
    return due;
}

void add(pg::ResultSet& rows, std::int64_t job, base::Instant due) {
    rows.add({fmt::format("{}", job), base::format_instant(due, base::utc())});
}

void add_from_tables(pg::ResultSet& rows, const std::map<std::int64_t, Oid>& visible) {
    base::Instant now = pg::now();
    for (const Definition& job : read_definitions())
        if (visible.count(job.key.job) != 0)
            if (auto due = overdue_since(job, now)) add(rows, job.key.job, *due);
}

void add_from_launcher(pg::ResultSet& rows, const std::map<std::int64_t, Oid>& visible) {
    TimestampTz limit = GetCurrentTimestamp() - kLateMicros;
    for (const JobSlot& slot : job_slots()) {
        // One that waits for its own earlier run is not late: that run is long.
        if (visible.count(slot.job) == 0 || slot.running > 0) continue;
        bool is_waiting = slot.queued > 0 && !TIMESTAMP_NOT_FINITE(slot.queued_since) && slot.queued_since < limit;
        bool is_forgotten = !TIMESTAMP_NOT_FINITE(slot.next_run) && slot.next_run != 0 && slot.next_run < limit;
        if (is_waiting || is_forgotten)
            add(rows, slot.job, pg::from_server(is_waiting ? slot.queued_since : slot.next_run));
    }
}

Datum overdue_jobs(FunctionCallInfo fcinfo) {
    pg::ResultSet rows(fcinfo);
    const auto visible = visible_jobs();
    if (scheduler_problem() != nullptr)
        add_from_tables(rows, visible);
    else
        add_from_launcher(rows, visible);
    return rows.done();
}

}  // namespace

std::vector<Definition> read_definitions() {
    pg::AsExtensionOwner as_extension;
    std::vector<Definition> jobs;
    for (const pg::Row& row : pg::query(kSelectDefinitions))
        jobs.push_back(decode_definition(MyDatabaseId, base::unpack(encode_definition(row))));
    return jobs;
}

}  // namespace steward::schedule

STEWARD_FUNCTION(steward_overdue_jobs) {
    return steward::pg::entry([&] { return steward::schedule::overdue_jobs(fcinfo); });
}
