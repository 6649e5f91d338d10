// SPDX-License-Identifier: PostgreSQL
//
// get_optimal_connection(): out of shared memory alone, and without a lock.
#include "pg/databases.hpp"
#include "pg/guard.hpp"
#include "pg/srf.hpp"
#include "route/connection_text.hpp"
#include "route/ranking.hpp"
#include "route/request_pg.hpp"

namespace steward::route {

namespace {

// ---- What was asked for ----------------------------------------------------------------------------------------------

Request request_of(FunctionCallInfo fcinfo) {
    Request request = read_request(fcinfo, {1, 2, 3});
    if (PG_ARGISNULL(0))
        throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "read_only must not be null")
            .hint("true for reads, false for writes.");
    request.is_read_only = PG_GETARG_BOOL(0);
    request.max_rows = pg::optional_int_argument(fcinfo, 4).value_or(1);
    if (auto strategy = pg::optional_text_argument(fcinfo, 5))
        request.strategy = pg::value_or_throw(parse_strategy(*strategy));
    refuse_faulty(request);
    return request;
}

// Differs from call to call and from process to process; nobody gains by guessing it.
std::uint64_t next_random() {
    static std::uint64_t state = 0;
    if (state == 0 && !pg_strong_random(&state, sizeof(state))) state = static_cast<std::uint64_t>(MyProcPid);
    return state += 0x9e3779b97f4a7c15U;
}

// ---- What is answered ------------------------------------------------------------------------------------------------

struct Offer {
    const BoardNode* node;
    const Candidate* candidate;
    std::string connection_string, connection_uri, multi_host_uri, reason;
    std::optional<std::string> jdbc_url;
    TimestampTz as_of;
    TimestampTz valid_until;
    std::uint64_t topology_epoch;
};

// Prepared anew where members have changed. No database is renamed while somebody is in it.
struct Names {
    std::uint64_t topology_epoch = 0;
    std::optional<DatabaseName> database;
    std::vector<Endpoint> endpoints;  // one a node
};

const Names& names_of(const Scene& scene) {
    static auto* names = new Names();
    if (!names->database) names->database.emplace(pg::current_database());
    if (names->topology_epoch == scene.topology_epoch) return *names;
    names->topology_epoch = 0;
    names->endpoints.clear();
    names->endpoints.reserve(scene.nodes.size());
    for (const BoardNode& node : scene.nodes) names->endpoints.emplace_back(node.host, node.port);
    names->topology_epoch = scene.topology_epoch;
    return *names;
}

Access access_of(const BoardNode& node, const Request& request) {
    if (!request.is_read_only) return Access::write;
    return node.is_standby ? Access::read_standby : Access::read_primary;
}

// This one first, then all others in their order.
Endpoints endpoints_of(std::size_t row, const Choice& choice, const Names& names, const Request& request) {
    const std::size_t most = request.is_read_only ? 1 + kMostSpares : kMaxNodes;
    Endpoints endpoints;
    endpoints.reserve(most);
    auto add = [&](int index) {
        if (endpoints.size() < most) endpoints.push_back(&names.endpoints[static_cast<std::size_t>(index)]);
    };
    add(choice.nodes[row]);
    for (std::size_t i = 0; i < choice.nodes.size(); ++i)
        if (i != row) add(choice.nodes[i]);
    for (int spare : choice.spare) add(spare);
    return endpoints;
}

Offer offer_of(std::size_t row, const Choice& choice, const Scene& scene, const Request& request, const Names& names,
               const Moment& moment) {
    const BoardNode& node = scene.nodes[static_cast<std::size_t>(choice.nodes[row])];
    const Candidate& candidate = choice.candidates[row];
    const Access access = access_of(node, request);
    const Endpoints endpoints = endpoints_of(row, choice, names, request);
    return {&node,
            &candidate,
            connection_string(*endpoints[0], *names.database, access),
            connection_uri({endpoints[0]}, *names.database, access),
            connection_uri(endpoints, *names.database, access),
            choice_reason(row, choice, scene, request),
            jdbc_url(endpoints, *names.database, access),
            moment.of(node.seen_at),
            moment.of(valid_until(candidate, request, scene.around, pace().interval)),
            scene.topology_epoch};
}

void fill(NodeRow<18>& row, const Offer& offer) {
    row.put_text(offer.node->name);
    row.put_text(offer.node->host);
    row.put(Int32GetDatum(offer.node->port));
    row.put_role(*offer.node);
    row.put_text(offer.connection_string);
    row.put_text(offer.connection_uri);
    row.put_text(offer.multi_host_uri);
    if (offer.jdbc_url)
        row.put_text(*offer.jdbc_url);
    else
        row.put_null();
    row.put_lag(offer.candidate->lag);
    row.put_position(*offer.node);
    row.put_real(offer.candidate->score);
    row.put_text(offer.reason);
    row.put(TimestampTzGetDatum(offer.as_of));
    row.put(TimestampTzGetDatum(offer.valid_until));
    row.put_number(static_cast<std::int64_t>(offer.topology_epoch));
}

void tell_of_no_nodes() {
    pg::call([] {
        ereport(NOTICE, (errmsg("no servers of this database are known"),
                         errhint("steward.register_node() registers them on the primary; a server that has just been "
                                 "started knows them in a moment.")));
    });
}

Datum get_optimal_connection(FunctionCallInfo fcinfo) {
    require_board();
    pg::DatumResult result(fcinfo);
    const Request request = request_of(fcinfo);
    const Scene scene = read_scene();
    if (scene.nodes.empty()) tell_of_no_nodes();
    // What the session asked for last.
    static auto* ranking = new Ranking();
    const bool is_round = request.is_read_only && request.strategy == Strategy::round_robin;
    const std::uint64_t turn = is_round ? shared().turn.fetch_add(1, std::memory_order_relaxed) : 0;
    const Choice choice = choose(scene, request, *ranking, next_random(), turn);
    if (choice.nodes.empty()) return result.done();
    if (request.is_read_only)
        shared().assigned[scene.nodes[static_cast<std::size_t>(choice.nodes[0])].slot].add(scene.around.now);
    const Names& names = names_of(scene);
    const Moment moment{scene.around.now, GetCurrentTimestamp()};
    std::vector<Offer> offers;
    offers.reserve(choice.nodes.size());
    for (std::size_t i = 0; i < choice.nodes.size(); ++i)
        offers.push_back(offer_of(i, choice, scene, request, names, moment));
    pg::put_rows<NodeRow<18>>(result, offers.size(), [&](std::size_t i, NodeRow<18>& row) { fill(row, offers[i]); });
    return result.done();
}

}  // namespace

}  // namespace steward::route

STEWARD_FUNCTION(steward_get_optimal_connection) {
    return steward::pg::entry([&] { return steward::route::get_optimal_connection(fcinfo); });
}
