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

Fitness fitness_of(const BoardNode& node, int index, const Candidate& candidate, const Primary& primary,
                   const Scene& scene, const Request& request) noexcept {
    if (node.is_in_maintenance) return Fitness::in_maintenance;
    if (!node.has_facts) return Fitness::never_seen;
    if (!is_of_cluster(node, scene.around)) return Fitness::other_cluster;
    if (!is_fresh(node, scene.around) || (!node.is_self && node.reach == Reach::down)) return Fitness::missing;
    if (!node.is_standby) return fitness_of_claimant(primary, index, request);
    if (node.timeline != primary.timeline) return Fitness::other_timeline;
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

Contender contender_of(int index, const Candidate& candidate, const BoardNode& node, const Request& request) {
    Contender contender;
    contender.index = index;
    contender.is_in_zone = request.zone.empty() || request.zone == node.zone;
    contender.weight = node.weight;
    contender.load = candidate.load;
    contender.round_trip = node.round_trip;
    contender.lag_micros = candidate.lag.micros;
    contender.lag_bytes = candidate.lag.bytes.value_or(0);
    contender.score = candidate.score;
    return contender;
}

std::vector<Contender> contenders_for_reads(const Scene& scene, const Judged& judged, const Request& request) {
    std::vector<Contender> contenders;
    contenders.reserve(judged.candidates.size());
    if (request.strategy == Strategy::primary_only) return contenders;
    for (std::size_t i = 0; i < judged.candidates.size(); ++i)
        if (judged.candidates[i].for_reads == Fitness::fit)
            contenders.push_back(contender_of(static_cast<int>(i), judged.candidates[i], scene.nodes[i], request));
    return contenders;
}

// Wherever the primary goes, it will be one of these.
void add_other_nodes(Choice& choice, const Scene& scene) {
    choice.spare.reserve(scene.nodes.size());
    for (std::size_t i = 0; i < scene.nodes.size(); ++i) {
        const BoardNode& node = scene.nodes[i];
        const bool is_foreign = node.has_facts && !is_of_cluster(node, scene.around);
        if (static_cast<int>(i) != choice.nodes.front() && !node.is_in_maintenance && !is_foreign)
            choice.spare.push_back(static_cast<int>(i));
    }
}

void judge_node(Candidate& candidate, int index, const Horizon& horizon, const Primary& primary, const Scene& scene,
                const Request& request) noexcept {
    const BoardNode& node = scene.nodes[static_cast<std::size_t>(index)];
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
    candidate.for_reads = fitness_of(node, index, candidate, primary, scene, request);
    candidate.score = score_by_bound(node, candidate, request);
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

Judged judge(const Scene& scene, const Request& request) {
    Judged judged{certain_primary(scene.nodes, scene.around), {}};
    const Primary& primary = judged.primary;
    judged.candidates.resize(scene.nodes.size());
    // What this server has is no measure for others when it is not certain that it is the primary.
    const Horizon horizon = scene.is_horizon_own && !primary.is_certain() ? Horizon() : scene.horizon;
    const int count = static_cast<int>(scene.nodes.size());
    const int first = request.is_read_only ? 0 : std::max(primary.index, 0);
    const int end = request.is_read_only ? count : primary.index + 1;
    for (int i = first; i < end; ++i)
        judge_node(judged.candidates[static_cast<std::size_t>(i)], i, horizon, primary, scene, request);
    return judged;
}

Choice choose(const Scene& scene, const Judged& judged, const Request& request, std::uint64_t random,
              std::uint64_t turn) {
    Choice choice;
    const int primary = judged.primary.index;
    if (!request.is_read_only) {
        if (!judged.primary.is_certain()) return choice;
        choice.nodes.push_back(primary);
        add_other_nodes(choice, scene);
        return choice;
    }
    const auto rows = static_cast<std::size_t>(request.max_rows);
    choice.nodes =
        order(contenders_for_reads(scene, judged, request), rows + kMostSpares, request.strategy, random, turn);
    if (primary >= 0 && judged.candidates[static_cast<std::size_t>(primary)].for_reads == Fitness::the_primary) {
        choice.is_fallback = choice.nodes.empty();
        choice.nodes.push_back(primary);
    }
    if (choice.nodes.size() <= rows) return choice;
    // The first row's URI has all of them.
    choice.spare.assign(choice.nodes.begin() + request.max_rows, choice.nodes.end());
    choice.nodes.resize(rows);
    return choice;
}

Steady valid_until(const Candidate& candidate, const Request& request, const Around& around,
                   std::int64_t interval) noexcept {
    Steady until = around.now + interval;
    if (request.is_read_only && request.max_staleness && candidate.for_reads == Fitness::fit)
        until = std::min(until, around.now + (*request.max_staleness - candidate.most_stale.value_or(0)));
    return until;
}

}  // namespace steward::route
