// SPDX-License-Identifier: PostgreSQL
//
// steward.tune() and steward.tune_config(): what this server, or another one, should be set to, and why.
#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/srf.hpp"
#include "tune/read_pg.hpp"

namespace steward::tune {

namespace {

Datum tune(FunctionCallInfo fcinfo) {
    const Settings settings = read_settings();
    const Input input = read_input(fcinfo, 0, settings);
    pg::ResultSet rows(fcinfo);
    for (const Advice& advice : read_advice(input, settings)) {
        const Row& row = advice.row;
        rows.add({row.parameter, advice.current, row.value, row.needs_restart ? "true" : "false",
                  std::string(name_of(row.severity)), row.reason, std::string(name_of(row.kind))});
    }
    return rows.done();
}

Datum tune_config(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "format must not be null");
    const Format format = pg::value_or_throw(parse_format(pg::text_argument(fcinfo, 0)));
    const Settings settings = read_settings();
    const Input input = read_input(fcinfo, 1, settings);
    pg::ResultSet rows(fcinfo);
    for (const std::string& line : config_lines(format, read_advice(input, settings), title_of(input)))
        rows.add({line});
    return rows.done();
}

}  // namespace

}  // namespace steward::tune

using namespace steward;

STEWARD_FUNCTION(steward_tune) {
    return pg::entry([&] { return tune::tune(fcinfo); });
}

STEWARD_FUNCTION(steward_tune_config) {
    return pg::entry([&] { return tune::tune_config(fcinfo); });
}
