// SPDX-License-Identifier: PostgreSQL
//
// The SQL functions that make, retire and maintain partitions.
#include "base/text.hpp"
#include "partition/catalog_pg.hpp"
#include "partition/relation_pg.hpp"
#include "partition/maintain_pg.hpp"
#include "partition/plan_pg.hpp"
#include "pg/guard.hpp"
#include "pg/script.hpp"
#include "pg/srf.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

Request request_of(Request::Kind kind, Oid parent, std::optional<int> periods) {
    Request request;
    request.kind = kind;
    request.parent = parent;
    request.periods = periods;
    request.acting_role = GetUserId();
    request.lock_timeout = lock_timeout_ms;
    request.timezone = std::string(pg::session_zone().name());
    return request;
}

Oid parent_argument(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "parent must not be null");
    return PG_GETARG_OID(0);
}

void check_periods(const char* what, std::optional<int> periods) {
    if (!periods || (*periods >= 0 && *periods <= kMaxPeriods)) return;
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "{} must be between 0 and {}, not {}", what, kMaxPeriods,
                      *periods);
}

void warn(const StepResult& result) {
    std::string message =
        fmt::format("{} of partition {} {}: {}", result.action,
                    result.partition.empty() ? result.parent : result.partition, result.outcome, result.detail);
    const char* primary = message.c_str();
    const char* hint = result.outcome == "postponed" ? "Call it again; what is done is not done twice." : nullptr;
    int code = result.outcome == "postponed" ? ERRCODE_LOCK_NOT_AVAILABLE : ERRCODE_WARNING;
    pg::call([&] {
        ereport(WARNING, (errcode(code), errmsg_internal("%s", primary), hint == nullptr ? 0 : errhint("%s", hint)));
    });
}

[[noreturn]] void fail(const StepResult& result, int done) {
    base::Failure failure{result.sqlstate.empty() ? "XX000" : result.sqlstate, result.detail, result.error_detail,
                          result.hint};
    auto add = [&](const std::string& sentence) { failure.detail += (failure.detail.empty() ? "" : " ") + sentence; };
    if (!result.partition.empty()) add(fmt::format("Step \"{}\" of {} failed.", result.action, result.partition));
    if (done > 0) add(fmt::format("{} {} finished before.", done, done == 1 ? "partition was" : "partitions were"));
    throw pg::error_from(failure);
}

// One table, named by hand: the caller is told at once what could not be done.
int count_done(const std::vector<StepResult>& results, Action action) {
    int done = 0;
    for (const StepResult& result : results)
        if (result.outcome == "done" && result.action == action_name(action)) ++done;
    for (const StepResult& result : results) {
        if (result.outcome == "failed") fail(result, done);
        if (result.outcome != "done") warn(result);
    }
    return done;
}

// Nobody reads the rows of a job's statement. What was not done is told by its notices, and a failure by how the run ends,
// unless that would take back what has been done.
void tell_job(const Maintained& done) {
    const StepResult* first = nullptr;
    int failed = 0;
    for (const StepResult& result : done.steps) {
        if (result.outcome != "done") warn(result);
        if (result.outcome != "failed") continue;
        if (first == nullptr) first = &result;
        ++failed;
    }
    if (first == nullptr || !done.is_committed) return;
    throw pg::error_from(
        {first->sqlstate.empty() ? "XX000" : first->sqlstate,
         fmt::format("partition maintenance failed in {} of {} steps", failed, done.steps.size()),
         fmt::format("{} of {}: {}", first->action, first->partition.empty() ? first->parent : first->partition,
                     first->full_detail()),
         "The others are done. The notices of the run and steward.partition_history have them all."});
}

std::string risk_of(const PlanStep& step) { return step.refusal.empty() ? std::string(step.risk) : "refused"; }

void add_plan(pg::ResultSet& rows, const Plan& plan, int& number) {
    for (const PlanStep& step : plan.steps) {
        bool is_refused = !step.refusal.empty();
        rows.add({fmt::format("{}", ++number), std::string(action_name(step.action)), step.object, step.sql,
                  std::string(step.lock_mode), step.locked_relation,
                  step.estimated_rows ? pg::Cell(fmt::format("{:.0f}", *step.estimated_rows)) : std::nullopt,
                  step.estimated_bytes ? pg::Cell(fmt::format("{}", *step.estimated_bytes)) : std::nullopt,
                  is_refused ? step.refusal : step.reason, risk_of(step)});
    }
}

Datum create_future_partitions(FunctionCallInfo fcinfo) {
    Oid parent = parent_argument(fcinfo);
    std::optional<int> periods = pg::optional_int_argument(fcinfo, 1);
    refuse_on_standby();
    check_periods("periods", periods);
    check_partitioned(parent);
    check_owner(parent);
    return Int32GetDatum(
        count_done(maintain(request_of(Request::Kind::future, parent, periods)).steps, Action::create));
}

Datum drop_old_partitions(FunctionCallInfo fcinfo) {
    Oid parent = parent_argument(fcinfo);
    std::optional<int> keep_periods = pg::optional_int_argument(fcinfo, 1);
    refuse_on_standby();
    check_periods("keep_periods", keep_periods);
    check_partitioned(parent);
    check_owner(parent);
    return Int32GetDatum(
        count_done(maintain(request_of(Request::Kind::retention, parent, keep_periods)).steps, Action::detach));
}

Datum maintain_partitions(FunctionCallInfo fcinfo) {
    refuse_on_standby();
    pg::ResultSet rows(fcinfo);
    Maintained done = maintain(request_of(Request::Kind::everything, InvalidOid, std::nullopt));
    if (pg::is_in_script()) tell_job(done);
    for (const StepResult& result : done.steps)
        rows.add({result.parent, result.action, result.partition.empty() ? std::nullopt : pg::Cell(result.partition),
                  result.outcome, result.detail.empty() ? std::nullopt : pg::Cell(result.full_detail())});
    return rows.done();
}

Datum empty_trash(FunctionCallInfo) {
    refuse_on_standby();
    auto done = maintain(request_of(Request::Kind::empty_trash, InvalidOid, std::nullopt));
    return Int32GetDatum(count_done(done.steps, Action::drop));
}

Datum partition_plan(FunctionCallInfo fcinfo) {
    std::optional<Oid> parent = pg::optional_oid_argument(fcinfo, 0);
    Ask ask;
    ask.now = PG_ARGISNULL(1) ? pg::now() : pg::from_server(PG_GETARG_TIMESTAMPTZ(1));
    pg::ResultSet rows(fcinfo);
    int number = 0;
    if (parent) {
        read_set(*parent);
        check_owner(*parent);
        add_plan(rows, plan_set(known_set(*parent, ask.now), ask), number);
        add_plan(rows, plan_trash(*parent, ask.now), number);
        return rows.done();
    }
    Oid role = GetUserId();
    for (const RegisteredSet& set : read_policies()) {
        if (!pg::call([&] { return pg::is_owner_of_table(set.parent, role); })) continue;
        add_plan(rows, plan_set(known_set(set.parent, set.policy), ask), number);
    }
    add_plan(rows, plan_trash(InvalidOid, ask.now), number);
    return rows.done();
}

}  // namespace

}  // namespace steward::partition

STEWARD_FUNCTION(steward_create_future_partitions) {
    return steward::pg::entry([&] { return steward::partition::create_future_partitions(fcinfo); });
}

STEWARD_FUNCTION(steward_drop_old_partitions) {
    return steward::pg::entry([&] { return steward::partition::drop_old_partitions(fcinfo); });
}

STEWARD_FUNCTION(steward_maintain_partitions) {
    return steward::pg::entry([&] { return steward::partition::maintain_partitions(fcinfo); });
}

STEWARD_FUNCTION(steward_empty_trash) {
    return steward::pg::entry([&] { return steward::partition::empty_trash(fcinfo); });
}

STEWARD_FUNCTION(steward_partition_plan) {
    return steward::pg::entry([&] { return steward::partition::partition_plan(fcinfo); });
}
