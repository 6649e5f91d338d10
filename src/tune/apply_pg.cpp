// SPDX-License-Identifier: PostgreSQL
//
// steward.apply_tuning() and steward.revert_tuning().
#include "tune/apply_pg.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "base/time.hpp"
#include "capture/capture_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "tune/check_pg.hpp"
#include "tune/read_pg.hpp"

namespace steward::tune {

void check_caller(const char* function, const Settings& settings) {
    const bool is_allowed = pg::call([] { return superuser(); });
    if (!is_allowed)
        throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "permission denied for function {}", function)
            .hint("Superusers may change the settings of the server.");
    const auto forbidden = settings.find("allow_alter_system");
    if (forbidden != settings.end() && forbidden->second.current.value == "off")
        throw pg::PgError(ERRCODE_FEATURE_NOT_SUPPORTED, "ALTER SYSTEM is not allowed in this server")
            .hint("Its settings are managed from outside: steward.tune_config() writes them for other tools.");
}

void check_transaction(const char* function) {
    if (RecoveryInProgress())
        throw pg::PgError(ERRCODE_READ_ONLY_SQL_TRANSACTION,
                          "settings of a standby cannot be written down before they are changed")
            .hint("Run what steward.tune_config('alter_system') writes.");
    if (IsTransactionBlock())
        throw pg::PgError(ERRCODE_ACTIVE_SQL_TRANSACTION, "steward.{}() cannot run inside a transaction block",
                          function)
            .hint("A rollback would not undo it: call it by itself.");
}

namespace {

std::string current_role() {
    pg::SafePath path;
    return pg::query("SELECT current_user").at(0).text(0);
}

// Nothing when the server's own checks take the value.
std::optional<std::string> refusal(const std::string& parameter, const std::string& value) {
    auto failure = pg::attempt(pg::Bounded::subtransaction, [&] {
        const char* name = parameter.c_str();
        const char* text = value.c_str();
        pg::call(
            [&] { set_config_option(name, text, PGC_POSTMASTER, PGC_S_FILE, GUC_ACTION_SET, false, ERROR, false); });
    });
    if (!failure) return std::nullopt;
    return failure->message;
}

// The names a caller wants; nothing: all.
std::optional<std::vector<std::string>> wanted_names(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    pg::SafePath path;
    std::vector<std::string> names;
    for (const pg::Row& row : pg::query("SELECT DISTINCT lower(name) FROM unnest($1) name WHERE name IS NOT NULL",
                                        {pg::Parameter::of(TEXTARRAYOID, PG_GETARG_DATUM(index))}))
        names.push_back(row.text(0));
    return names;
}

std::vector<Advice> chosen(std::vector<Advice> all, const std::optional<std::vector<std::string>>& names) {
    std::vector<Advice> rows;
    for (Advice& advice : all)
        if (advice.row.kind == Kind::setting && advice.current &&
            (names ? std::find(names->begin(), names->end(), advice.row.parameter) != names->end()
                   : advice.row.severity != Severity::ok))
            rows.push_back(std::move(advice));
    if (!names) return rows;
    for (const std::string& name : *names)
        if (std::none_of(rows.begin(), rows.end(), [&](const Advice& advice) { return advice.row.parameter == name; }))
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "nothing is recommended for parameter \"{}\"", name)
                .hint("SELECT parameter FROM steward.tune(); lists what is.");
    return rows;
}

// 0: none.
std::int64_t watch_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return 0;
    constexpr std::int64_t kLeast = base::kMicrosPerSecond;
    constexpr std::int64_t kMost = 30LL * 24 * 3600 * base::kMicrosPerSecond;
    const pg::SafePath path;
    const auto micros = pg::query("SELECT (extract(epoch FROM $1) * 1000000)::bigint",
                                  {pg::Parameter::of(INTERVALOID, PG_GETARG_DATUM(index))})
                            .at(0)
                            .number(0);
    if (micros < kLeast || micros > kMost)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "watch is out of range")
            .hint("An interval from 1 second to 30 days.");
    capture::require_shared();
    return micros;
}

// What the server's own checks take of the rows; what they refuse has its outcome already.
Order order_of(const std::vector<Advice>& rows, std::map<std::string, Applied>& outcomes) {
    Order order{Order::What::apply, current_role(), {}, 0, 0};
    for (const Advice& advice : rows) {
        const Row& row = advice.row;
        if (auto why = refusal(row.parameter, row.value))
            outcomes[row.parameter] = {row.parameter, {}, {}, "refused", why};
        else
            order.values.push_back({row.parameter, row.value});
    }
    return order;
}

Changes changes_of(const Order& order) {
    Changes changes;
    for (const Order::Value& value : order.values) changes[value.parameter] = value.value;
    return changes;
}

Datum apply_tuning(FunctionCallInfo fcinfo) {
    constexpr int kNames = 9;
    if (PG_ARGISNULL(0)) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "dry_run must not be null");
    const bool is_dry = PG_GETARG_BOOL(0);
    const Settings settings = read_settings();
    check_caller("apply_tuning", settings);
    if (!is_dry) check_transaction("apply_tuning");
    const Input input = read_input(fcinfo, 1, settings);
    if (input.build.version != PG_VERSION_NUM / 10000)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE,
                          "settings of version {} cannot be applied to a server of version {}", input.build.version,
                          PG_VERSION_NUM / 10000)
            .hint("Leave the option \"version\" out.");
    const auto rows = chosen(read_advice(input, settings), wanted_names(fcinfo, kNames));
    std::map<std::string, Applied> outcomes;
    Order order = order_of(rows, outcomes);
    order.watch_micros = watch_argument(fcinfo, kNames + 1);
    refuse(errors_of(changes_of(order), Scope::cluster, input.machine));
    if (!is_dry && !order.values.empty())
        for (Applied& applied : carry_out(order)) outcomes[applied.parameter] = std::move(applied);
    pg::ResultSet result(fcinfo);
    for (const Advice& advice : rows) {
        Applied& outcome = outcomes[advice.row.parameter];
        if (outcome.outcome.empty()) outcome.outcome = is_dry ? "to be applied" : "applied";
        if (outcome.outcome == "applied" && advice.row.needs_restart)
            outcome.detail = order.watch_micros > 0 ? "It waits for a restart, which begins the watch anew."
                                                    : "It waits for a restart.";
        result.add({advice.row.parameter, advice.current, advice.row.value, advice.row.needs_restart ? "true" : "false",
                    outcome.outcome, outcome.detail});
    }
    return result.done();
}

Datum revert_tuning(FunctionCallInfo fcinfo) {
    const Settings settings = read_settings();
    check_caller("revert_tuning", settings);
    check_transaction("revert_tuning");
    pg::ResultSet result(fcinfo);
    for (const Applied& applied : carry_out({Order::What::revert, current_role(), {}, 0, 0})) {
        const auto known = settings.find(applied.parameter);
        const bool needs_restart = known != settings.end() && known->second.needs_restart;
        result.add({applied.parameter, applied.before, applied.after, needs_restart ? "true" : "false", applied.outcome,
                    applied.detail});
    }
    return result.done();
}

}  // namespace

}  // namespace steward::tune

using namespace steward;

STEWARD_FUNCTION(steward_apply_tuning) {
    return pg::entry([&] { return tune::apply_tuning(fcinfo); });
}

STEWARD_FUNCTION(steward_revert_tuning) {
    return pg::entry([&] { return tune::revert_tuning(fcinfo); });
}
