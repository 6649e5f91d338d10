// SPDX-License-Identifier: PostgreSQL
//
// steward.explain_schedule(): what a schedule means, what surprises in it, and its next runs.
#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/srf.hpp"
#include "pg/zone.hpp"
#include "schedule/explain.hpp"

namespace steward::schedule {

namespace {

constexpr int kMinExplainedRuns = 1;
constexpr int kDefaultExplainedRuns = 5;
constexpr int kMaxExplainedRuns = 1000;

Expression schedule_argument(FunctionCallInfo fcinfo) {
    auto text = pg::optional_text_argument(fcinfo, 0);
    if (!text)
        throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "schedule must not be null")
            .hint("A job without a schedule runs by hand or after other jobs only.");
    return pg::value_or_throw(parse_schedule(*text));
}

int runs_argument(FunctionCallInfo fcinfo) {
    int runs = pg::optional_int_argument(fcinfo, 2).value_or(kDefaultExplainedRuns);
    if (runs < kMinExplainedRuns || runs > kMaxExplainedRuns)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "runs must be between {} and {}, not {}", kMinExplainedRuns,
                          kMaxExplainedRuns, runs);
    return runs;
}

base::Instant after_argument(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(3)) return pg::now();
    TimestampTz after = PG_GETARG_TIMESTAMPTZ(3);
    if (TIMESTAMP_NOT_FINITE(after))
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "runs cannot be counted from infinity")
            .hint("Leave out \"after\" for the runs from now on.");
    return pg::from_server(after);
}

Datum explain_schedule(FunctionCallInfo fcinfo) {
    const Expression expression = schedule_argument(fcinfo);
    const std::string zone_name =
        pg::canonical_zone_name(pg::optional_text_argument(fcinfo, 1).value_or(pg::database_zone_name()));
    const base::Zone& zone = pg::zone(zone_name);
    const int runs = runs_argument(fcinfo);
    base::Instant after = after_argument(fcinfo);
    pg::ResultSet rows(fcinfo);
    bool is_event = expression.event() != nullptr;
    rows.add({std::nullopt, std::nullopt,
              describe(expression) + (is_event ? "" : fmt::format(" Time zone {}.", zone_name))});
    for (const std::string& remark : remarks(expression)) rows.add({std::nullopt, std::nullopt, remark});
    // One by one: a search over years can be cancelled between them.
    const base::Instant anchor = after;
    for (int i = 0; i < runs; ++i) {
        pg::check_interrupts();
        auto found = explain(expression, zone, 1, after, anchor);
        if (found.empty()) break;
        const ExplainedRun& run = found.front();
        rows.add({base::format_instant(run.at, base::utc()), run.local_time,
                  run.note.empty() ? pg::Cell() : pg::Cell(run.note)});
        after = run.at;
    }
    return rows.done();
}

}  // namespace

}  // namespace steward::schedule

STEWARD_FUNCTION(steward_explain_schedule) {
    return steward::pg::entry([&] { return steward::schedule::explain_schedule(fcinfo); });
}
