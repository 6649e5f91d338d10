// SPDX-License-Identifier: PostgreSQL
//
// A standby that registers itself: it cannot write, so it has its primary do so.
#include "base/text.hpp"
#include "pg/databases.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "route/nodes_pg.hpp"
#include "route/remote_pg.hpp"
#include "route/shared_pg.hpp"

namespace steward::route {

namespace {

// The primary first connects back to look at us, which has a time of its own.
constexpr int kPatienceInTimeouts = 3;

std::map<std::string, std::string> way_to_primary(const std::optional<std::string>& given) {
    if (given) {
        auto conninfo = read_conninfo(*given);
        refuse_password(conninfo);
        return conninfo;
    }
    const std::string setting = pg::query("SELECT current_setting('primary_conninfo')").at(0).text(0);
    if (setting.empty())
        throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "primary_conninfo is not set")
            .hint("Say how to reach the primary: primary => 'host=... user=...'.");
    return read_conninfo(setting);
}

struct Request {
    std::string name, host, port, options;
    std::optional<std::string> primary;
};

void register_standby(const Request& request) {
    const pg::SafePath path;
    if (!RecoveryInProgress())
        throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "this server is not a standby")
            .hint("On a primary it is steward.register_node().");
    // Bad input is told here, where it was given.
    (void)pg::value_or_throw(
        read_registration(request.name, request.host, std::atoi(request.port.c_str()), read_options(request.options)));
    auto conninfo = way_to_primary(request.primary);
    // That of a WAL receiver names none, and means another one to libpq than the one we are in.
    if (!request.primary || conninfo.count("dbname") == 0) conninfo["dbname"] = pg::current_database();
    conninfo["application_name"] = "pg_steward registration";
    const Patience patience(std::int64_t{kPatienceInTimeouts} * probe_timeout);
    try {
        Remote primary(parameters_of(std::move(conninfo), patience), patience);
        primary.query("SELECT steward.register_node($1, $2, $3::integer, $4::jsonb)",
                      {request.name, request.host, request.port, request.options});
    } catch (const RemoteError& error) {
        const std::string& state = error.sqlstate;
        const int code = state.size() == 5 ? MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])
                                           : ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
        throw pg::PgError(code, "could not register \"{}\" at the primary", request.name)
            .detail("{}", error.what())
            .hint("The role that connects needs to be let into the database, and to be granted steward.register_node() "
                  "and the table steward.nodes.");
    }
}

}  // namespace

}  // namespace steward::route

STEWARD_FUNCTION(steward_register_standby) {
    using namespace steward;
    return pg::entry([&]() -> Datum {
        for (int i = 0; i < 4; ++i)
            if (PG_ARGISNULL(i))
                throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "name, host, port and options must not be null");
        route::register_standby({pg::text_argument(fcinfo, 0), pg::text_argument(fcinfo, 1),
                                 fmt::format("{}", PG_GETARG_INT32(2)), route::jsonb_argument(fcinfo, 3),
                                 pg::optional_text_argument(fcinfo, 4)});
        return Datum{0};
    });
}
