// SPDX-License-Identifier: PostgreSQL
//
// get_optimal_connection() and steward.connection_candidates: out of shared memory alone, and without a lock.
#include <cmath>
#include <cstring>

#include "pg/databases.hpp"
#include "pg/datum_rows.hpp"
#include "pg/guard.hpp"
#include "pg/srf.hpp"
#include "route/board_pg.hpp"
#include "route/connection_text.hpp"
#include "route/ranking.hpp"

extern "C" {
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"
}

namespace steward::route {

namespace {

// Whoever waits longer for a standby than that waits for any.
constexpr double kMostStalenessMicros = 1e15;

void require_shared() {
    if (has_shared()) return;
    throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      "choosing a server needs the library \"pg_steward\" to be preloaded")
        .hint("Put pg_steward into shared_preload_libraries and restart the server.");
}

// ---- What was asked for ----------------------------------------------------------------------------------------------

std::optional<std::int64_t> staleness_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    const double micros = std::round(pg::seconds_of(*PG_GETARG_INTERVAL_P(index)) * 1e6);
    return static_cast<std::int64_t>(std::fmax(std::fmin(micros, kMostStalenessMicros), -1.0));
}

Request request_of(FunctionCallInfo fcinfo, int staleness, int lsn, int zone) {
    Request request;
    request.max_staleness = staleness_argument(fcinfo, staleness);
    if (!PG_ARGISNULL(lsn)) request.min_lsn = {PG_GETARG_LSN(lsn)};
    request.zone = pg::optional_text_argument(fcinfo, zone).value_or("");
    return request;
}

void refuse(const Request& request) {
    if (auto fault = fault_of(request)) throw pg::error_from(*fault);
}

Request request_of(FunctionCallInfo fcinfo) {
    Request request = request_of(fcinfo, 1, 2, 3);
    if (PG_ARGISNULL(0))
        throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "read_only must not be null")
            .hint("true for reads, false for writes.");
    request.is_read_only = PG_GETARG_BOOL(0);
    request.max_rows = pg::optional_int_argument(fcinfo, 4).value_or(1);
    if (auto strategy = pg::optional_text_argument(fcinfo, 5))
        request.strategy = pg::value_or_throw(parse_strategy(*strategy));
    refuse(request);
    return request;
}

// Differs from call to call and from process to process; nobody gains by guessing it.
std::uint64_t next_random() {
    static std::uint64_t state = 0;
    if (state == 0 && !pg_strong_random(&state, sizeof(state))) state = static_cast<std::uint64_t>(MyProcPid);
    return state += 0x9e3779b97f4a7c15U;
}

// ---- What is answered ------------------------------------------------------------------------------------------------

struct Moment {
    Steady steady;
    TimestampTz wall;
    TimestampTz of(Steady at) const { return wall + (at - steady); }
};

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

template <int columns>
struct Row : pg::DatumRow<columns> {
    void put_text(const std::string& text) { pg::DatumRow<columns>::put_text(text.data(), text.size()); }
    void put_text(const char* text) { pg::DatumRow<columns>::put_text(text, std::strlen(text)); }
    void put_role(const BoardNode& node) {
        if (node.has_facts)
            put_text(node.is_standby ? "standby" : "primary");
        else
            this->put_null();
    }
    template <class Number>
    void put_optional(const std::optional<Number>& number) {
        if (number)
            this->put_number(static_cast<std::int64_t>(*number));
        else
            this->put_null();
    }
    void put_seconds(const std::optional<std::int64_t>& micros) {
        if (micros)
            this->put_real(static_cast<double>(*micros) / 1e6);
        else
            this->put_null();
    }
    void put_lag(const Lag& lag) {
        put_optional(lag.bytes);
        put_seconds(lag.micros);
        put_text(name_of(lag.kind));
    }
    void put_position(const BoardNode& node) {
        if (node.is_standby && node.replayed.is_valid())
            this->put(LSNGetDatum(node.replayed.value));
        else
            this->put_null();
        if (node.timeline != 0)
            this->put_number(node.timeline);
        else
            this->put_null();
    }
};

void fill(Row<18>& row, const Offer& offer) {
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
    require_shared();
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
    pg::put_rows<Row<18>>(result, offers.size(), [&](std::size_t i, Row<18>& row) { fill(row, offers[i]); });
    return result.done();
}

// ---- Why -------------------------------------------------------------------------------------------------------------

struct Judged {
    Candidate candidate;
    std::string for_reads, for_writes;
};

void fill(Row<24>& row, const BoardNode& node, const Judged& judged, const Moment& moment) {
    const Candidate& candidate = judged.candidate;
    row.put_text(node.name);
    row.put_text(node.host);
    row.put(Int32GetDatum(node.port));
    row.put_role(node);
    row.put(BoolGetDatum(candidate.is_for_writes));
    row.put_text(judged.for_writes);
    row.put(BoolGetDatum(candidate.for_reads == Fitness::fit || candidate.for_reads == Fitness::the_primary));
    row.put_text(judged.for_reads);
    row.put_real(candidate.score);
    row.put_seconds(candidate.most_stale);
    row.put_lag(candidate.lag);
    row.put_position(node);
    if (node.zone[0] != '\0')
        row.put_text(node.zone);
    else
        row.put_null();
    row.put(Int32GetDatum(node.weight));
    row.put(BoolGetDatum(node.is_in_maintenance));
    if (node.has_facts) {
        row.put(Int32GetDatum(node.connections));
        row.put(Int32GetDatum(node.max_connections));
    } else {
        row.put_null();
        row.put_null();
    }
    row.put_real(candidate.assigned);
    row.put_real(static_cast<double>(node.round_trip) / 1000);
    row.put(BoolGetDatum(node.is_self));
    if (node.has_facts)
        row.put(TimestampTzGetDatum(moment.of(node.seen_at)));
    else
        row.put_null();
}

Datum node_candidates(FunctionCallInfo fcinfo) {
    require_shared();
    pg::DatumResult result(fcinfo);
    Request request = request_of(fcinfo, 0, 1, 2);
    request.is_read_only = true;
    refuse(request);
    const Scene scene = read_scene();
    const Moment moment{scene.around.now, GetCurrentTimestamp()};
    std::vector<Judged> judged;
    judged.reserve(scene.nodes.size());
    for (int i = 0; i < static_cast<int>(scene.nodes.size()); ++i) {
        const Candidate candidate = judge(i, scene, request);
        judged.push_back({candidate, read_reason(i, candidate, scene, request), write_reason(i, scene)});
    }
    pg::put_rows<Row<24>>(result, judged.size(),
                          [&](std::size_t i, Row<24>& row) { fill(row, scene.nodes[i], judged[i], moment); });
    return result.done();
}

}  // namespace

}  // namespace steward::route

STEWARD_FUNCTION(steward_get_optimal_connection) {
    return steward::pg::entry([&] { return steward::route::get_optimal_connection(fcinfo); });
}

STEWARD_FUNCTION(steward_node_candidates) {
    return steward::pg::entry([&] { return steward::route::node_candidates(fcinfo); });
}
