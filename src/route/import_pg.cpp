// SPDX-License-Identifier: PostgreSQL
//
// Nodes taken over from another tool: Patroni by its REST interface, pg_auto_failover by its monitor, repmgr by its table.
#include <algorithm>

#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "route/http_pg.hpp"
#include "route/import.hpp"
#include "route/nodes_pg.hpp"
#include "route/shared_pg.hpp"

namespace steward::route {

namespace {

constexpr char kPatroniMembers[] = "SELECT m.name, m.host, m.port, concat_ws(', ', m.role, m.state) "
                                   "FROM jsonb_to_recordset($1::jsonb -> 'members') AS m(name text, host text, port "
                                   "integer, role text, state text) ORDER BY m.name";
constexpr char kPatroniSystem[] = "SELECT $1::jsonb ->> 'database_system_identifier'";
// Of the groups in which somebody has our system, whatever the monitor's version has of columns.
constexpr char kAutoFailover[] =
    "WITH node AS (SELECT to_jsonb(n) AS n FROM pgautofailover.node n) "
    "SELECT n ->> 'nodename', coalesce(n ->> 'nodehost', n ->> 'nodename'), n ->> 'nodeport', n ->> 'reportedstate' "
    "FROM node WHERE n ->> 'goalstate' <> 'dropped' AND (NOT n ? 'sysidentifier' OR EXISTS (SELECT FROM node m WHERE "
    "m.n ->> 'sysidentifier' = $1 AND m.n -> 'formationid' = node.n -> 'formationid' "
    "AND m.n -> 'groupid' = node.n -> 'groupid')) ORDER BY 1";
constexpr char kRepmgr[] = "SELECT n.node_name, n.conninfo, n.type FROM repmgr.nodes n WHERE n.active AND n.type <> "
                           "'witness' ORDER BY n.node_id";

struct Source {
    std::string provider;
    std::string place;
    Patience patience;
};

[[noreturn]] void refuse_other_cluster(const Source& source, const std::string& identifier) {
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "the {} at that address keeps another cluster", source.provider)
        .detail("Its system identifier is {}, that of this server {}.", identifier, pg::system_identifier())
        .hint("Ask the one that keeps this cluster.");
}

std::string fetch(const HttpPlace& place, const char* path, const Source& source) {
    const HttpAnswer answer = http_get(place, path, source.patience);
    // Patroni says of itself with 503 that it is no primary.
    if (answer.status != 200 && answer.status != 503)
        throw RemoteError(fmt::format("it answered with status {}", answer.status));
    return answer.body;
}

std::vector<Foreign> ask_patroni(const Source& source) {
    const HttpPlace place = pg::value_or_throw(read_http_place(source.place));
    const std::string self = fetch(place, "/patroni", source);
    const std::string cluster = fetch(place, "/cluster", source);
    std::vector<Foreign> nodes;
    std::string identifier;
    auto failure = pg::attempt(pg::Bounded::subtransaction, [&] {
        identifier = pg::query(kPatroniSystem, {self}).at(0).text(0);
        for (const pg::Row& row : pg::query(kPatroniMembers, {cluster}))
            nodes.push_back({row.text(0), row.text(1), static_cast<int>(row.number(2)), {}, row.text(3)});
    });
    if (failure) throw RemoteError("its answer is not that of Patroni");
    if (!identifier.empty() && identifier != fmt::format("{}", pg::system_identifier()))
        refuse_other_cluster(source, identifier);
    return nodes;
}

std::vector<Remote::Row> ask_database(const Source& source, const std::string& sql,
                                      const std::vector<std::string>& values) {
    std::map<std::string, std::string> conninfo = read_conninfo(source.place);
    refuse_password(conninfo);
    conninfo.emplace("application_name", "pg_steward import");
    Remote remote(parameters_of(std::move(conninfo), source.patience), source.patience);
    return remote.query(sql, values);
}

std::vector<Foreign> ask_auto_failover(const Source& source) {
    std::vector<Foreign> nodes;
    for (const auto& row : ask_database(source, kAutoFailover, {fmt::format("{}", pg::system_identifier())}))
        nodes.push_back({row.at(0).value_or(""),
                         row.at(1).value_or(""),
                         std::atoi(row.at(2).value_or("").c_str()),
                         {},
                         row.at(3).value_or("")});
    if (nodes.empty())
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "that monitor keeps no node of this cluster")
            .detail("None has the system identifier {} of this server.", pg::system_identifier())
            .hint("Ask the one that keeps this cluster.");
    return nodes;
}

// Of its own connection what holds for ours, too; its role and its database are its own.
Foreign repmgr_node(const std::string& name, const std::string& conninfo, const std::string& type) {
    Foreign node{name, "", 5432, {}, type};
    try {
        std::map<std::string, std::string> values = read_conninfo(conninfo);
        node.host = values.count("host") != 0 ? values["host"] : values["hostaddr"];
        if (values.count("port") != 0) node.port = std::atoi(values["port"].c_str());
        for (const char* key : {"sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"})
            if (values.count(key) != 0) node.options.push_back({key, "string", values[key]});
    } catch (const pg::PgError&) {
        node.note = "its conninfo cannot be read";
    }
    return node;
}

std::vector<Foreign> ask_repmgr(const Source& source) {
    std::vector<Foreign> nodes;
    if (!source.place.empty()) {
        for (const auto& row : ask_database(source, kRepmgr, {}))
            nodes.push_back(repmgr_node(row.at(0).value_or(""), row.at(1).value_or(""), row.at(2).value_or("")));
        return nodes;
    }
    if (pg::query("SELECT to_regclass('repmgr.nodes') IS NULL").at(0).truth(0))
        throw pg::PgError(ERRCODE_UNDEFINED_TABLE, "there is no table repmgr.nodes in this database")
            .hint("Name the database that has it: source => 'dbname=repmgr'.");
    for (const pg::Row& row : pg::query(kRepmgr)) nodes.push_back(repmgr_node(row.text(0), row.text(1), row.text(2)));
    return nodes;
}

std::vector<Foreign> ask_provider(const Source& source) {
    const bool needs_place = source.provider == "patroni" || source.provider == "pg_auto_failover";
    if (!needs_place && source.provider != "repmgr")
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "unknown provider \"{}\"", source.provider)
            .hint("patroni, pg_auto_failover or repmgr.");
    if (needs_place && source.place.empty())
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "{} needs a source", source.provider)
            .hint("Of patroni it is http://host:port of its REST interface, of pg_auto_failover the connection string "
                  "of its monitor.");
    try {
        if (source.provider == "patroni") return ask_patroni(source);
        return source.provider == "repmgr" ? ask_repmgr(source) : ask_auto_failover(source);
    } catch (const RemoteError& error) {
        throw pg::PgError(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, "could not ask {}", source.provider)
            .detail("{}", error.what());
    }
}

std::vector<Node> registered_nodes() {
    std::vector<Node> nodes;
    for (const pg::Row& row : pg::query("SELECT name, host, port FROM steward.nodes ORDER BY name"))
        nodes.push_back({row.text(0), row.text(1), static_cast<int>(row.number(2)), {}});
    return nodes;
}

void carry_out(const ImportStep& step) {
    const Node& node = step.node;
    if (step.action == ImportStep::Action::add)
        pg::execute("INSERT INTO steward.nodes (name, host, port, options) VALUES ($1, $2, $3, $4::jsonb)",
                    {node.name, node.host, node.port, options_json(step.options)});
    else if (step.action == ImportStep::Action::move)
        pg::execute("UPDATE steward.nodes SET host = $2, port = $3 WHERE name = $1", {node.name, node.host, node.port});
}

Datum import_nodes(FunctionCallInfo fcinfo) {
    const pg::SafePath path;
    pg::ResultSet result(fcinfo);
    if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
        throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "provider, options and dry_run must not be null");
    const bool is_dry = PG_GETARG_BOOL(3);
    if (!is_dry) refuse_on_standby("import");
    const std::vector<NodeOption> options = read_options(jsonb_argument(fcinfo, 2));
    // What is wrong with them is said before anybody is asked.
    (void)pg::value_or_throw(read_registration("n", "h", 1, options));
    const Source source{pg::text_argument(fcinfo, 0), pg::optional_text_argument(fcinfo, 1).value_or(""),
                        Patience(2 * probe_timeout)};
    for (const ImportStep& step : plan_import(ask_provider(source), registered_nodes(), options)) {
        if (!is_dry) carry_out(step);
        result.add({name_of(step.action), step.node.name, step.node.host, fmt::format("{}", step.node.port),
                    step.detail.empty() ? pg::Cell() : pg::Cell(plain_line(step.detail, kErrorBytes))});
    }
    return result.done();
}

}  // namespace

}  // namespace steward::route

STEWARD_FUNCTION(steward_import_nodes) {
    return steward::pg::entry([&] { return steward::route::import_nodes(fcinfo); });
}
