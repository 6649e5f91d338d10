// SPDX-License-Identifier: PostgreSQL
//
// What the launcher's memory says of jobs and runs, for the views. Without a launcher there is nothing to say but why.
#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/zone.hpp"
#include "schedule/shared_pg.hpp"
#include "schedule/states_pg.hpp"

namespace steward::schedule {

const char* scheduler_problem() {
    if (!has_shared()) return "pg_steward is not in shared_preload_libraries";
    if (!is_launcher_running()) return "the launcher is not running";
    return nullptr;
}

// Ids of jobs tell little, but the reasons they wait for may name other people's groups and jobs.
std::map<std::int64_t, Oid> visible_jobs() {
    Oid user = GetUserId();
    pg::AsExtensionOwner as_extension;
    std::map<std::int64_t, Oid> jobs;
    for (const pg::Row& row :
         pg::query("SELECT job_id, role FROM steward.job_places WHERE pg_has_role($1, 'pg_monitor', "
                   "'USAGE') OR pg_has_role($1, role, 'MEMBER')",
                   {pg::Parameter::oid(user)}))
        jobs.emplace(row.number(0), row.is_null(1) ? InvalidOid : row.oid(1));
    return jobs;
}

namespace {

pg::Cell instant_cell(TimestampTz at) {
    if (TIMESTAMP_NOT_FINITE(at) || at == 0) return std::nullopt;
    return base::format_instant(pg::from_server(at), base::utc());
}

pg::Cell count_cell(std::int64_t count) { return fmt::format("{}", count); }

pg::Cell reason_cell(const JobSlot& slot) {
    if (slot.waiting_reason[0] == '\0') return std::nullopt;
    return slot.waiting_reason;
}

const char* shown_state(RunState state) {
    if (state == RunState::running) return "running";
    return state == RunState::starting ? "starting" : "waiting";
}

bool may_see(Oid role) {
    auto rows =
        pg::query("SELECT pg_catalog.pg_has_role('pg_monitor', 'USAGE') OR pg_catalog.pg_has_role($1, 'MEMBER')",
                  {pg::Parameter::oid(role)});
    return rows.at(0).truth(0);
}

Datum job_states(FunctionCallInfo fcinfo) {
    pg::ResultSet rows(fcinfo);
    if (!has_shared()) return rows.done();
    const auto visible = visible_jobs();
    for (const JobSlot& slot : job_slots()) {
        if (visible.count(slot.job) == 0) continue;
        rows.add({count_cell(slot.job), name_of(static_cast<JobState>(slot.state)), instant_cell(slot.next_run),
                  instant_cell(slot.queued_since), count_cell(slot.queued), count_cell(slot.running),
                  count_cell(slot.skipped), reason_cell(slot)});
    }
    return rows.done();
}

// What is due by itself has no number, and no slot of its own, before it starts.
void add_waiting(pg::ResultSet& rows, const std::vector<JobSlot>& jobs) {
    if (std::none_of(jobs.begin(), jobs.end(), [](const JobSlot& slot) { return slot.waiting_attempt != 0; })) return;
    const auto visible = visible_jobs();
    for (const JobSlot& slot : jobs) {
        auto job = visible.find(slot.job);
        if (slot.waiting_attempt == 0 || job == visible.end()) continue;
        rows.add({std::nullopt, count_cell(slot.job), count_cell(job->second),
                  name_of(static_cast<Kind>(slot.waiting_kind)), count_cell(slot.waiting_attempt),
                  instant_cell(slot.waiting_due), std::nullopt, "waiting", std::nullopt, reason_cell(slot)});
    }
}

Datum run_states(FunctionCallInfo fcinfo) {
    pg::ResultSet rows(fcinfo);
    if (!has_shared()) return rows.done();
    const std::vector<JobSlot> jobs = job_slots();
    std::map<Oid, bool> visible;
    for (const RunSlot& run : run_slots()) {
        if (run.state == RunState::ended) continue;
        auto role = visible.find(run.role);
        if (role == visible.end()) role = visible.emplace(run.role, may_see(run.role)).first;
        if (!role->second) continue;
        bool has_begun = run.state == RunState::running;
        pg::Cell reason;
        if (run.state == RunState::requested) {
            auto job = std::find_if(jobs.begin(), jobs.end(), [&](const JobSlot& slot) { return slot.job == run.job; });
            if (job != jobs.end()) reason = reason_cell(*job);
        }
        rows.add({count_cell(run.run), count_cell(run.job), count_cell(run.role), name_of(static_cast<Kind>(run.kind)),
                  count_cell(run.attempt), instant_cell(run.due),
                  has_begun ? instant_cell(run.started_at) : std::nullopt, shown_state(run.state),
                  has_begun ? count_cell(run.pid) : std::nullopt, reason});
    }
    add_waiting(rows, jobs);
    return rows.done();
}

}  // namespace

}  // namespace steward::schedule

STEWARD_FUNCTION(steward_scheduler_problem) {
    return steward::pg::entry([&]() -> Datum {
        const char* problem = steward::schedule::scheduler_problem();
        if (problem != nullptr) return steward::pg::text_datum(problem);
        fcinfo->isnull = true;
        return 0;
    });
}

STEWARD_FUNCTION(steward_cluster_identifier) {
    return steward::pg::entry([] { return Int64GetDatum(steward::pg::system_identifier()); });
}

STEWARD_FUNCTION(steward_job_states) {
    return steward::pg::entry([&] { return steward::schedule::job_states(fcinfo); });
}

STEWARD_FUNCTION(steward_run_states) {
    return steward::pg::entry([&] { return steward::schedule::run_states(fcinfo); });
}
