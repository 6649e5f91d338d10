// SPDX-License-Identifier: PostgreSQL
#include "route/candidates.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace steward::route {

namespace {

// All WAL there was when it had nothing to miss is replayed: what it lacks came later. Otherwise what it lacked is now older
// by what has gone by. The less of the two.
std::optional<std::int64_t> most_stale(const BoardNode& node, const Horizon& horizon, Steady now) noexcept {
    std::optional<std::int64_t> most;
    if (horizon.is_known && node.replayed >= horizon.flushed) most = now - horizon.at;
    if (node.measured.is_known && node.replayed >= node.measured.replayed) {
        const std::int64_t aged = node.measured.age + (now - node.measured.at);
        most = most ? std::min(*most, aged) : aged;
    }
    if (most) most = std::max<std::int64_t>(*most, 0);
    return most;
}

Fitness fitness_of_claimant(const Primary& primary, int index, const Request& request) noexcept {
    if (primary.is_certain()) return index == primary.index ? Fitness::the_primary : Fitness::uncertain;
    // Without a bound it will do where only votes are missing.
    const bool is_bounded = request.max_staleness.has_value() || request.min_lsn.is_valid();
    const bool is_alone = index == primary.index && primary.doubt == Doubt::outvoted;
    return is_alone && !is_bounded ? Fitness::the_primary : Fitness::uncertain;
}

Fitness fitness_of(const BoardNode& node, int index, const Candidate& candidate, const Scene& scene,
                   const Request& request) noexcept {
    if (node.is_in_maintenance) return Fitness::in_maintenance;
    if (!node.has_facts) return Fitness::never_seen;
    if (!is_of_cluster(node, scene.around)) return Fitness::other_cluster;
    if (!is_fresh(node, scene.around) || (!node.is_self && node.reach == Reach::down)) return Fitness::missing;
    if (!node.is_standby) return fitness_of_claimant(scene.primary, index, request);
    if (node.timeline != scene.primary.timeline) return Fitness::other_timeline;
    if (scene.around.now < node.held_until) return Fitness::held;
    if (node.replayed < request.min_lsn) return Fitness::before_lsn;
    if (!request.max_staleness) return Fitness::fit;
    if (!candidate.most_stale) return Fitness::lag_unknown;
    return *candidate.most_stale <= *request.max_staleness ? Fitness::fit : Fitness::too_stale;
}

// Also of what was asked lately, and is not yet among its connections.
double load_of(const BoardNode& node, double assigned) noexcept {
    return (node.connections + assigned) / std::max(node.max_connections, 1);
}

double score_by_bound(const BoardNode& node, const Candidate& candidate, const Request& request) noexcept {
    double lag_share = 0;
    if (request.max_staleness && *request.max_staleness > 0 && candidate.most_stale)
        lag_share = static_cast<double>(*candidate.most_stale) / static_cast<double>(*request.max_staleness);
    return score_of(candidate.load, node.weight, lag_share);
}

}  // namespace

std::optional<base::Failure> fault_of(const Request& request) {
    if (request.max_staleness && *request.max_staleness < 0)
        return base::Failure{base::kInvalidParameter, "max_staleness must not be negative", "",
                             "Give an interval like '2 seconds', or NULL for reads that may be of any age."};
    if (request.max_rows <= 0)
        return base::Failure{base::kInvalidParameter,
                             fmt::format("max_rows must be at least 1, not {}", request.max_rows), "",
                             "Each row is a node, the best one first."};
    return std::nullopt;
}

Candidate judge(int index, const Scene& scene, const Request& request) noexcept {
    const BoardNode& node = scene.nodes[static_cast<std::size_t>(index)];
    const Primary& primary = scene.primary;
    // What this server has is no measure for others when it is not certain that it is the primary.
    const Horizon horizon = scene.is_horizon_own && !primary.is_certain() ? Horizon() : scene.horizon;
    Candidate candidate;
    candidate.is_for_writes = primary.is_certain() && primary.index == index;
    if (node.has_facts && is_of_cluster(node, scene.around)) {
        if (node.is_standby) {
            candidate.most_stale = most_stale(node, horizon, scene.around.now);
            candidate.lag =
                lag_of({node.replayed, node.seen_at}, horizon, node.measured, scene.around.now, scene.around.fresh_for);
        } else if (candidate.is_for_writes) {
            candidate.most_stale = 0;
            candidate.lag = {0, 0, LagKind::exact};
        }
    }
    if (scene.assigned != nullptr) candidate.assigned = scene.assigned[node.slot].count(scene.around.now);
    candidate.load = load_of(node, candidate.assigned);
    candidate.for_reads = fitness_of(node, index, candidate, scene, request);
    candidate.score = score_by_bound(node, candidate, request);
    return candidate;
}

Steady valid_until(const Candidate& candidate, const Request& request, const Around& around,
                   std::int64_t interval) noexcept {
    Steady until = around.now + interval;
    if (request.is_read_only && request.max_staleness && candidate.for_reads == Fitness::fit)
        until = std::min(until, around.now + (*request.max_staleness - candidate.most_stale.value_or(0)));
    return until;
}

}  // namespace steward::route
