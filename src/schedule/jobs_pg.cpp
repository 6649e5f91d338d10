// SPDX-License-Identifier: PostgreSQL
//
// steward.schedule(), schedule_at(), alter_job() and unschedule(): a job read from a user's words, checked, and stored.
#include "schedule/jobs_pg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"
#include "schedule/command_pg.hpp"
#include "schedule/expression.hpp"
#include "schedule/roles_pg.hpp"

namespace steward::schedule {

namespace {

void check_name(const std::string& name) {
    if (!name.empty() && name.size() <= base::kMaxIdentifierBytes) return;
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid job name \"{}\"", name)
        .hint("A name of 1 to {} bytes.", base::kMaxIdentifierBytes);
}

std::string instant_text(TimestampTz at) { return base::format_instant(pg::from_server(at), base::utc()); }

// The moment is read off the clock, not off the transaction: who types slowly should hear of it.
void check_ahead(const std::string& name, TimestampTz at) {
    if (TIMESTAMP_NOT_FINITE(at))
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "job \"{}\" cannot run at infinity", name);
    if (at > pg::call([] { return GetCurrentTimestamp(); })) return;
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "job \"{}\" cannot run at {}, which is past", name,
                      base::format_instant(pg::from_server(at), pg::session_zone()))
        .hint("Give a later instant, or run the command now.");
}

Job new_job(const std::string& name) {
    check_name(name);
    Job job;
    job.name = name;
    return job;
}

}  // namespace

void apply_wish(Job& job, const Wish& wish) {
    if (wish.schedule) {
        Expression expression = pg::value_or_throw(parse_schedule(*wish.schedule));
        job.schedule = expression.text;
        job.run_at = std::nullopt;
    }
    if (wish.run_at) {
        job.run_at = wish.run_at;
        job.schedule = std::nullopt;
    }
    if (wish.timezone) job.timezone = pg::canonical_zone_name(*wish.timezone);
    if (wish.command) {
        check_command(job.name, *wish.command);
        job.command = *wish.command;
    }
    if (wish.role) {
        check_job_role(*wish.role);
        job.role = *wish.role;
        job.role_name = role_name(job.role);
    }
    if (wish.options) apply_options(job.policies, *wish.options, job.timezone);
}

// The same words twice are the same job: a script that is run again moves no "every 15 minutes" and forgets no missed run.
bool is_rescheduled(const Job& before, const Job& after) {
    return before.id == 0 || before.schedule != after.schedule || before.run_at != after.run_at ||
           (before.timezone != after.timezone && after.schedule);
}

Job defined_job(const std::string& name, const std::optional<Job>& before, Wish wish) {
    if (before) check_may_manage(*before);
    Job job = before ? *before : new_job(name);
    job.schedule = std::nullopt;
    job.run_at = std::nullopt;
    job.policies = default_policies();
    if (!wish.timezone) wish.timezone = pg::database_zone_name();
    if (!wish.role) wish.role = GetUserId();
    apply_wish(job, wish);
    return job;
}

std::int64_t define_job(const std::string& name, Wish wish) {
    std::optional<Job> before = find_job(name);
    Job job = defined_job(name, before, std::move(wish));
    return store_job(job, is_rescheduled(before.value_or(Job{}), job));
}

void rename_job(Job& job, const std::string& name) {
    if (name == job.name) return;
    check_name(name);
    if (find_job(name))
        throw pg::PgError(ERRCODE_DUPLICATE_OBJECT, "job \"{}\" already exists", name).hint("Choose another name.");
    rename_in_edges(job.name, name);
    job.name = name;
}

void check_followers(const std::string& job, const std::vector<std::string>& names) {
    if (names.empty()) return;
    std::string shown;
    for (const std::string& name : names) shown += (shown.empty() ? "\"" : ", \"") + name + "\"";
    throw pg::PgError(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                      "job \"{}\" cannot be unscheduled: other jobs run after it", job)
        .detail("They are {}.", shown)
        .hint("Unschedule them first, or change their options after, on_success and on_failure.");
}

namespace {

std::string required_text(FunctionCallInfo fcinfo, int index, const char* what) {
    auto value = pg::optional_text_argument(fcinfo, index);
    if (!value) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "{} must not be null", what);
    return *value;
}

std::optional<std::string> json_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    const char* json =
        pg::call([&] { return DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(index))); });
    return std::string(json);
}

std::int64_t define_and_check(const std::string& name, const Wish& wish) {
    lock_jobs();
    std::int64_t id = define_job(name, wish);
    check_edges({name});
    warn_when_idle({name});
    return id;
}

Datum schedule(FunctionCallInfo fcinfo) {
    std::string name = required_text(fcinfo, 0, "name");
    Wish wish;
    wish.schedule = pg::optional_text_argument(fcinfo, 1);
    wish.command = required_text(fcinfo, 2, "command");
    wish.timezone = pg::optional_text_argument(fcinfo, 3);
    wish.role = pg::optional_oid_argument(fcinfo, 4);
    wish.options = json_argument(fcinfo, 5);
    return Int64GetDatum(define_and_check(name, wish));
}

Datum schedule_at(FunctionCallInfo fcinfo) {
    std::string name = required_text(fcinfo, 0, "name");
    if (PG_ARGISNULL(1)) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "at must not be null");
    Wish wish;
    TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
    wish.command = required_text(fcinfo, 2, "command");
    wish.role = pg::optional_oid_argument(fcinfo, 3);
    wish.options = json_argument(fcinfo, 4);
    check_ahead(name, at);
    wish.run_at = instant_text(at);
    return Int64GetDatum(define_and_check(name, wish));
}

Datum alter_job(FunctionCallInfo fcinfo) {
    std::string name = required_text(fcinfo, 0, "name");
    Wish wish;
    wish.schedule = pg::optional_text_argument(fcinfo, 1);
    wish.command = pg::optional_text_argument(fcinfo, 2);
    wish.timezone = pg::optional_text_argument(fcinfo, 3);
    wish.role = pg::optional_oid_argument(fcinfo, 4);
    wish.options = json_argument(fcinfo, 5);
    lock_jobs();
    const Job before = managed_job(name);
    Job job = before;
    apply_wish(job, wish);
    if (auto new_name = pg::optional_text_argument(fcinfo, 6)) rename_job(job, *new_name);
    store_job(job, is_rescheduled(before, job));
    check_edges({job.name});
    return Int64GetDatum(job.id);
}

Datum unschedule(FunctionCallInfo fcinfo) {
    std::string name = required_text(fcinfo, 0, "name");
    lock_jobs();
    Job job = managed_job(name);
    check_followers(job.name, followers(job.name));
    drop_job(job);
    return Int64GetDatum(job.id);
}

}  // namespace

}  // namespace steward::schedule

STEWARD_FUNCTION(steward_schedule) {
    return steward::pg::entry([&] { return steward::schedule::schedule(fcinfo); });
}

STEWARD_FUNCTION(steward_schedule_at) {
    return steward::pg::entry([&] { return steward::schedule::schedule_at(fcinfo); });
}

STEWARD_FUNCTION(steward_alter_job) {
    return steward::pg::entry([&] { return steward::schedule::alter_job(fcinfo); });
}

STEWARD_FUNCTION(steward_unschedule) {
    return steward::pg::entry([&] { return steward::schedule::unschedule(fcinfo); });
}
