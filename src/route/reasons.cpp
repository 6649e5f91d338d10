// SPDX-License-Identifier: PostgreSQL
//
// What is said of candidates, in words.
#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "route/candidates.hpp"

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

std::string read_reason(std::size_t index, const Scene& scene, const Judged& judged, const Request& request) {
    const BoardNode& node = scene.nodes[index];
    const Candidate& candidate = judged.candidates[index];
    switch (candidate.for_reads) {
    case Fitness::fit: return staleness_of(candidate) + place_of(node);
    case Fitness::the_primary: return "the primary: where no standby can be taken" + place_of(node);
    case Fitness::uncertain: return reason_of(judged.primary, scene.nodes);
    case Fitness::in_maintenance: return "in maintenance";
    case Fitness::never_seen: return "it has not answered yet";
    case Fitness::missing: return "it does not answer";
    case Fitness::other_cluster: return "it belongs to another cluster";
    case Fitness::other_timeline:
        return fmt::format("it is on timeline {}, the cluster on {}", node.timeline, judged.primary.timeline);
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

std::string write_reason(std::size_t index, const Scene& scene, const Judged& judged) {
    const BoardNode& node = scene.nodes[index];
    const bool is_spoken_of =
        static_cast<int>(index) == judged.primary.index || static_cast<int>(index) == judged.primary.rival;
    if (is_spoken_of) return reason_of(judged.primary, scene.nodes);
    if (!node.has_facts) return "it has not answered yet";
    if (!is_of_cluster(node, scene.around)) return "it belongs to another cluster";
    if (!is_fresh(node, scene.around)) return "it does not answer";
    return node.is_standby ? "a standby" : "another node is the primary";
}

std::string choice_reason(std::size_t index, const Scene& scene, const Judged& judged, const Request& request,
                          const Choice& choice) {
    const BoardNode& node = scene.nodes[index];
    if (!request.is_read_only) return reason_of(judged.primary, scene.nodes);
    if (judged.candidates[index].for_reads != Fitness::the_primary) return read_reason(index, scene, judged, request);
    if (choice.is_fallback) return "the primary: " + want_of(request) + place_of(node);
    return "the primary, after the standbys" + place_of(node);
}

}  // namespace steward::route
