// SPDX-License-Identifier: PostgreSQL
//
// Jobs by hand: run, cancel, pause, resume, and how many of a group may run at once.
#include <algorithm>

#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"
#include "schedule/home_pg.hpp"
#include "schedule/record_pg.hpp"
#include "schedule/roles_pg.hpp"
#include "schedule/shared_pg.hpp"
#include "schedule/states_pg.hpp"
#include "schedule/store_pg.hpp"

namespace steward::schedule {

namespace {

constexpr int kMaxGroupRunning = 1000;

void require_launcher() {
    const char* problem = scheduler_problem();
    if (problem == nullptr) return;
    throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "jobs do not run: {}", problem)
        .hint("steward.doctor() tells what to do about it.");
}

void require_here(const Job& job) {
    if (job.is_here) return;
    throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "job \"{}\" came with a dump or a copy of a database",
                      job.name)
        .hint("SELECT steward.resume_jobs() lets the jobs of this database run here.");
}

Datum run_job(FunctionCallInfo fcinfo) {
    Job job = managed_job(pg::text_argument(fcinfo, 0));
    require_launcher();
    require_here(job);
    if (job.role == InvalidOid)
        throw pg::PgError(ERRCODE_UNDEFINED_OBJECT, "role \"{}\" of job \"{}\" does not exist", job.role_name, job.name)
            .hint("steward.alter_job(..., role => ...) gives it another one.");
    if (!are_used_noted()) note_used(used_run_numbers());
    return Int64GetDatum(request_at_commit(job.id, job.role));
}

Datum cancel_run(FunctionCallInfo fcinfo) {
    if (!has_shared()) return BoolGetDatum(false);
    RunId number = PG_GETARG_INT64(0);
    std::vector<RunSlot> runs = run_slots();
    auto run = std::find_if(runs.begin(), runs.end(), [&](const RunSlot& slot) { return slot.run == number; });
    if (run == runs.end()) return BoolGetDatum(false);
    if (!may_act_as(run->role))
        throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "permission denied to cancel run {}", number)
            .hint("Whoever may SET ROLE to the role it runs as may cancel it.");
    return BoolGetDatum(stop_run(number, Stop::cancelled));
}

// ---- Pauses ----------------------------------------------------------------------------------------------------------

// What was due in a pause is not made up for afterwards, not even after a restart. A job that runs once still does. A pause
// that has ended by itself ended then, and not now.
constexpr char kForgetDue[] =
    "INSERT INTO steward.job_progress AS p (job_id, handled_until) SELECT job_id, least($2::timestamptz, "
    "clock_timestamp()) FROM steward.job_definitions WHERE schedule IS NOT NULL AND job_id = ANY ($1::bigint[]) "
    "ON CONFLICT (job_id) DO UPDATE SET handled_until = greatest(p.handled_until, excluded.handled_until)";

std::string ids_of(const std::vector<pg::Row>& rows) {
    std::string ids;
    for (const pg::Row& row : rows) ids += (ids.empty() ? "" : ",") + row.text(0);
    return "{" + ids + "}";
}

Datum pause_jobs(FunctionCallInfo fcinfo) {
    auto reason = pg::optional_text_argument(fcinfo, 0);
    if (!reason || reason->empty())
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "a pause needs a reason")
            .hint("Say it for those who will wonder: steward.pause_jobs('data centre moves').");
    pg::Parameter until = pg::Parameter::null();
    if (!PG_ARGISNULL(1)) {
        TimestampTz end = PG_GETARG_TIMESTAMPTZ(1);
        if (TIMESTAMP_NOT_FINITE(end) || end <= GetCurrentTimestamp())
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "a pause must end later than now, or not by itself")
                .hint("Leave out \"until\" for a pause that lasts until steward.resume_jobs().");
        until = pg::Parameter::timestamptz(end);
    }
    lock_jobs();
    if (auto name = pg::optional_text_argument(fcinfo, 2)) {
        Job job = managed_job(*name);
        pg::AsExtensionOwner as_extension;
        pg::execute("UPDATE steward.job_definitions SET is_paused = true, paused_reason = $2, paused_until = "
                    "$3::timestamptz WHERE job_id = $1",
                    {job.id, *reason, until});
        return Int32GetDatum(1);
    }
    check_may_manage_all("pause all jobs of this database");
    pg::AsExtensionOwner as_extension;
    pg::execute(
        "INSERT INTO steward.job_pause (reason, until) VALUES ($1, $2::timestamptz) ON CONFLICT (is_all) DO UPDATE "
        "SET reason = excluded.reason, until = excluded.until, paused_by = excluded.paused_by, "
        "paused_at = excluded.paused_at",
        {*reason, until});
    return Int32GetDatum(pg::query("SELECT count(*) FROM steward.job_definitions").at(0).number(0));
}

void resume_job(const Job& job) {
    require_here(job);
    if (!job.is_paused) return;
    pg::AsExtensionOwner as_extension;
    pg::execute("UPDATE steward.job_definitions SET is_paused = false, paused_reason = NULL, paused_until = NULL "
                "WHERE job_id = $1",
                {job.id});
    pg::execute(kForgetDue, {fmt::format("{{{}}}", job.id), job.paused_until});
}

void warn_about_roles() {
    auto rows = pg::query("SELECT string_agg(format('\"%s\" of job \"%s\"', role_name, name), ', ' ORDER BY name) "
                          "FROM steward.job_definitions WHERE role_oid = 0");
    if (rows.at(0).is_null(0)) return;
    const char* missing = rows[0].text(0).c_str();
    pg::call([&] {
        ereport(WARNING, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg_internal("roles of jobs do not exist: %s", missing),
                          errhint("Create them and call steward.resume_jobs() again, or give the jobs other roles by "
                                  "steward.alter_job().")));
    });
}

// What came with a dump or a copy belongs to this database from now on; roles are found by their names.
std::vector<pg::Row> take_over() {
    settle_home();
    auto rows =
        pg::query("UPDATE steward.job_definitions d SET system_identifier = $1, database_oid = $2, role_oid = "
                  "coalesce((SELECT r.oid FROM pg_roles r WHERE r.rolname = d.role_name), 0) FROM steward.job_places p "
                  "WHERE p.job_id = d.job_id AND (NOT p.is_here OR d.role_oid = 0) RETURNING d.job_id",
                  {pg::system_identifier(), pg::Parameter::oid(MyDatabaseId)});
    pg::execute("UPDATE steward.job_progress SET running = '{}', running_due = '{}', running_since = '{}' "
                "WHERE job_id = ANY ($1::bigint[])",
                {ids_of(rows)});
    return rows;
}

Datum resume_jobs(FunctionCallInfo fcinfo) {
    lock_jobs();
    if (auto name = pg::optional_text_argument(fcinfo, 0)) {
        Job job = managed_job(*name);
        resume_job(job);
        return Int32GetDatum(job.is_paused ? 1 : 0);
    }
    check_may_manage_all("resume all jobs of this database");
    pg::AsExtensionOwner as_extension;
    std::vector<pg::Row> resumed = take_over();
    pg::execute(kForgetDue, {ids_of(resumed), pg::Parameter::null()});
    if (auto pause = pg::query("DELETE FROM steward.job_pause RETURNING until"); !pause.empty()) {
        resumed = pg::query("SELECT job_id FROM steward.job_definitions WHERE NOT is_paused");
        pg::execute(kForgetDue, {ids_of(resumed), pause[0].optional(0)});
    }
    warn_about_roles();
    return Int32GetDatum(static_cast<std::int32_t>(resumed.size()));
}

Datum limit_job_group(FunctionCallInfo fcinfo) {
    auto group = pg::optional_text_argument(fcinfo, 0);
    if (!group || group->empty() || group->size() > base::kMaxIdentifierBytes)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid group name")
            .hint("A name of 1 to {} bytes.", base::kMaxIdentifierBytes);
    check_may_manage_all("limit groups of jobs");
    auto limit = pg::optional_int_argument(fcinfo, 1);
    set_group_limit(*group, limit);
    return Datum{0};
}

}  // namespace

void check_group_limit(const std::string& group, std::optional<std::int64_t> limit) {
    if (!limit || (*limit >= 1 && *limit <= kMaxGroupRunning)) return;
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "max_running of group \"{}\" must be between 1 and {}, not {}",
                      group, kMaxGroupRunning, *limit)
        .hint("NULL takes the limit away; steward.pause_jobs() keeps jobs from running.");
}

void set_group_limit(const std::string& group, std::optional<int> limit) {
    check_group_limit(group, limit);
    pg::AsExtensionOwner as_extension;
    if (!limit)
        pg::execute("DELETE FROM steward.job_groups WHERE group_name = $1", {group});
    else
        pg::execute(
            "INSERT INTO steward.job_groups (group_name, max_running) VALUES ($1, $2) ON CONFLICT (group_name) DO "
            "UPDATE SET max_running = excluded.max_running",
            {group, *limit});
}

}  // namespace steward::schedule

STEWARD_FUNCTION(steward_run_job) {
    return steward::pg::entry([&] { return steward::schedule::run_job(fcinfo); });
}

STEWARD_FUNCTION(steward_cancel_run) {
    return steward::pg::entry([&] { return steward::schedule::cancel_run(fcinfo); });
}

STEWARD_FUNCTION(steward_pause_jobs) {
    return steward::pg::entry([&] { return steward::schedule::pause_jobs(fcinfo); });
}

STEWARD_FUNCTION(steward_resume_jobs) {
    return steward::pg::entry([&] { return steward::schedule::resume_jobs(fcinfo); });
}

STEWARD_FUNCTION(steward_limit_job_group) {
    return steward::pg::entry([&] { return steward::schedule::limit_job_group(fcinfo); });
}
