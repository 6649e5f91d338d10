// SPDX-License-Identifier: PostgreSQL
//
// steward.connection_candidates: why each node is or is not chosen.
#include <vector>

#include "pg/guard.hpp"
#include "route/request_pg.hpp"

namespace steward::route {

namespace {

struct Judged {
    Candidate candidate;
    std::string for_reads, for_writes;
};

void fill(NodeRow<24>& row, const BoardNode& node, const Judged& judged, const Moment& moment) {
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
    require_board();
    pg::DatumResult result(fcinfo);
    Request request = read_request(fcinfo, {0, 1, 2});
    request.is_read_only = true;
    refuse_faulty(request);
    const Scene scene = read_scene();
    const Moment moment{scene.around.now, GetCurrentTimestamp()};
    std::vector<Judged> judged;
    judged.reserve(scene.nodes.size());
    for (int i = 0; i < static_cast<int>(scene.nodes.size()); ++i) {
        const Candidate candidate = judge(i, scene, request);
        judged.push_back({candidate, read_reason(i, candidate, scene, request), write_reason(i, scene)});
    }
    pg::put_rows<NodeRow<24>>(result, judged.size(),
                              [&](std::size_t i, NodeRow<24>& row) { fill(row, scene.nodes[i], judged[i], moment); });
    return result.done();
}

}  // namespace

}  // namespace steward::route

STEWARD_FUNCTION(steward_node_candidates) {
    return steward::pg::entry([&] { return steward::route::node_candidates(fcinfo); });
}
