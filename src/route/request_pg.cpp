// SPDX-License-Identifier: PostgreSQL
#include "route/request_pg.hpp"

#include <cmath>

#include "pg/guard.hpp"
#include "pg/srf.hpp"

namespace steward::route {

namespace {

// Whoever waits longer for a standby than that waits for any.
constexpr double kMostStalenessMicros = 1e15;

std::optional<std::int64_t> staleness_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    const double micros = std::round(pg::seconds_of(*PG_GETARG_INTERVAL_P(index)) * 1e6);
    return static_cast<std::int64_t>(std::fmax(std::fmin(micros, kMostStalenessMicros), -1.0));
}

}  // namespace

Request read_request(FunctionCallInfo fcinfo, RequestArguments at) {
    Request request;
    request.max_staleness = staleness_argument(fcinfo, at.max_staleness);
    if (!PG_ARGISNULL(at.min_lsn)) request.min_lsn = {PG_GETARG_LSN(at.min_lsn)};
    request.zone = pg::optional_text_argument(fcinfo, at.zone).value_or("");
    return request;
}

void refuse_faulty(const Request& request) {
    if (auto fault = fault_of(request)) throw pg::error_from(*fault);
}

void require_board() {
    if (has_shared()) return;
    throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      "choosing a server needs the library \"pg_steward\" to be preloaded")
        .hint("Put pg_steward into shared_preload_libraries and restart the server.");
}

}  // namespace steward::route
