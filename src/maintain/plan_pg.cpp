// SPDX-License-Identifier: PostgreSQL
#include "maintain/plan_pg.hpp"

#include <algorithm>

#include "base/array.hpp"
#include "base/text.hpp"
#include "maintain/facts_pg.hpp"
#include "maintain/maintain_pg.hpp"
#include "maintain/surroundings_pg.hpp"
#include "pg/guard.hpp"
#include "pg/srf.hpp"

namespace steward::maintain {

namespace {

std::set<Action> actions_of(Datum array) {
    const char* literal = pg::call([&] { return OidOutputFunctionCall(F_ARRAY_OUT, array); });
    std::set<Action> actions;
    for (const std::string& name : base::array_items(literal)) {
        const std::optional<Action> action = action_of(name);
        if (!action)
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "unknown action \"{}\"", name)
                .hint("Actions are freeze, vacuum, analyze, reindex and drop leftover; NULL stands for all of them.");
        actions.insert(*action);
    }
    if (actions.empty())
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "actions must name at least one action")
            .hint("NULL stands for all of them.");
    return actions;
}

std::optional<std::int64_t> bytes_argument(FunctionCallInfo fcinfo, int index, const char* name) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    const std::int64_t bytes = PG_GETARG_INT64(index);
    if (bytes < 0) throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "{} must not be less than 0", name);
    return bytes;
}

// The role's name, or its number where it has been dropped.
std::string role_name(Oid role) {
    const char* name = pg::call([&] { return GetUserNameFromId(role, true); });
    return name == nullptr ? fmt::format("{}", role) : name;
}

Datum maintenance_plan(FunctionCallInfo fcinfo) {
    pg::ResultSet rows(fcinfo);
    int number = 0;
    for (const Step& step : make_plan(order_of(fcinfo, 0))) {
        const Prediction& prediction = step.prediction;
        rows.add({fmt::format("{}", ++number), std::string(name_of(step.action)), step.object, role_name(step.owner),
                  fmt::format("{:.2f}", step.score), step.reason, std::string(step.lock_mode),
                  fmt::format("{:.1f}", prediction.seconds), fmt::format("{}", prediction.wal_bytes),
                  fmt::format("{}", prediction.disk_bytes), std::string(prediction.source),
                  std::string(name_of(step.verdict)), step.detail.empty() ? pg::Cell() : step.detail, step.sql});
    }
    return rows.done();
}

}  // namespace

Order order_of(FunctionCallInfo fcinfo, int first) {
    Order order;
    order.role = GetUserId();
    order.wishes.min_score = min_score();
    if (!PG_ARGISNULL(first)) {
        const double seconds = pg::seconds_of(*PG_GETARG_INTERVAL_P(first));
        if (seconds <= 0) throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "budget must be greater than 0");
        order.wishes.seconds = seconds;
    }
    if (!PG_ARGISNULL(first + 1)) order.wishes.actions = actions_of(PG_GETARG_DATUM(first + 1));
    order.wishes.wal_bytes = bytes_argument(fcinfo, first + 2, "wal_bytes");
    order.disk_bytes = bytes_argument(fcinfo, first + 3, "disk_bytes");
    return order;
}

namespace {

std::vector<Step> make_plan_in(const Order& order, std::optional<Oid> table) {
    const std::vector<TableFacts> tables = read_tables({order.role, table});
    const Surroundings around = read_surroundings(tables, order.disk_bytes);
    return plan_maintenance(tables, around, Predictor(read_experience()), order.wishes);
}

}  // namespace

std::vector<Step> make_plan(const Order& order) { return make_plan_in(order, std::nullopt); }

std::vector<Step> make_plan_of_table(const Order& order, RelationId table) {
    std::vector<Step> steps = make_plan_in(order, table);
    // Children come along.
    steps.erase(std::remove_if(steps.begin(), steps.end(), [&](const Step& step) { return step.table != table; }),
                steps.end());
    return steps;
}

}  // namespace steward::maintain

STEWARD_FUNCTION(steward_maintenance_plan) {
    return steward::pg::entry([&] { return steward::maintain::maintenance_plan(fcinfo); });
}
