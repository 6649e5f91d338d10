// SPDX-License-Identifier: PostgreSQL
//
// What is said of candidates, and of those chosen, in words.
#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "route/ranking.hpp"

namespace steward::route {

namespace {

std::string seconds(std::int64_t micros) { return fmt::format("{:.3f} s", static_cast<double>(micros) / 1e6); }

std::string place_of(const BoardNode& node) {
    std::string text;
    if (node.zone[0] != '\0') text += fmt::format(", zone {}", node.zone);
    if (node.max_connections > 0) text += fmt::format(", {} of {} connections", node.connections, node.max_connections);
    return text;
}

std::string staleness_of(const Candidate& candidate) {
    return candidate.most_stale ? fmt::format("at most {} behind", seconds(*candidate.most_stale))
                                : std::string("how far it is behind is unknown");
}

// What no standby could be, for the reason of going to the primary.
std::string want_of(const Request& request) {
    if (request.strategy == Strategy::primary_only) return "primary_only";
    std::string want = "no standby answers";
    if (request.max_staleness) want += fmt::format(" and is at most {} behind", seconds(*request.max_staleness));
    if (request.min_lsn.is_valid()) want += fmt::format(" and has replayed {}", format_lsn(request.min_lsn));
    return want;
}

}  // namespace

std::string read_reason(int index, const Candidate& candidate, const Scene& scene, const Request& request) {
    const BoardNode& node = scene.nodes[static_cast<std::size_t>(index)];
    switch (candidate.for_reads) {
    case Fitness::fit: return staleness_of(candidate) + place_of(node);
    case Fitness::the_primary: return "the primary: where no standby can be taken" + place_of(node);
    case Fitness::uncertain: return reason_of(scene.primary, scene.nodes);
    case Fitness::in_maintenance: return "in maintenance";
    case Fitness::never_seen: return "it has not answered yet";
    case Fitness::missing: return "it does not answer";
    case Fitness::other_cluster: return "it belongs to another cluster";
    case Fitness::other_timeline:
        return fmt::format("it is on timeline {}, the cluster on {}", node.timeline, scene.primary.timeline);
    case Fitness::held:
        return fmt::format("it has been lost and is back: taken again when it has answered for {} more",
                           seconds(node.held_until - scene.around.now));
    case Fitness::before_lsn:
        return fmt::format("it has replayed {}, not {}", format_lsn(node.replayed), format_lsn(request.min_lsn));
    case Fitness::lag_unknown: return "how far it is behind is unknown";
    case Fitness::too_stale:
        return fmt::format("it may be {} behind, more than {}", seconds(candidate.most_stale.value_or(0)),
                           seconds(request.max_staleness.value_or(0)));
    }
    return "";
}

std::string write_reason(int index, const Scene& scene) {
    const BoardNode& node = scene.nodes[static_cast<std::size_t>(index)];
    if (index == scene.primary.index || index == scene.primary.rival) return reason_of(scene.primary, scene.nodes);
    if (!node.has_facts) return "it has not answered yet";
    if (!is_of_cluster(node, scene.around)) return "it belongs to another cluster";
    if (!is_fresh(node, scene.around)) return "it does not answer";
    return node.is_standby ? "a standby" : "another node is the primary";
}

std::string choice_reason(std::size_t row, const Choice& choice, const Scene& scene, const Request& request) {
    const int index = choice.nodes[row];
    const Candidate& candidate = choice.candidates[row];
    const BoardNode& node = scene.nodes[static_cast<std::size_t>(index)];
    if (!request.is_read_only) return reason_of(scene.primary, scene.nodes);
    if (candidate.for_reads != Fitness::the_primary) return read_reason(index, candidate, scene, request);
    if (choice.is_fallback) return "the primary: " + want_of(request) + place_of(node);
    return "the primary, after the standbys" + place_of(node);
}

}  // namespace steward::route
