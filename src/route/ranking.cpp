// SPDX-License-Identifier: PostgreSQL
#include "route/ranking.hpp"

#include <algorithm>

namespace steward::route {

namespace {

// ---- Ranking ---------------------------------------------------------------------------------------------------------

Contender contender_of(int index, const Candidate& candidate, const Scene& scene, const Request& request) {
    const BoardNode& node = scene.nodes[static_cast<std::size_t>(index)];
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

Contender contender_of(int index, const Scene& scene, const Request& request) {
    return contender_of(index, judge(index, scene, request), scene, request);
}

Ranking rank(const Scene& scene, const Request& request) {
    std::vector<Contender> contenders;
    contenders.reserve(scene.nodes.size());
    // Of several rows each has its place by what is known now.
    bool is_lasting = request.max_rows == 1;
    const int count = request.strategy == Strategy::primary_only ? 0 : static_cast<int>(scene.nodes.size());
    for (int i = 0; i < count; ++i) {
        const Candidate candidate = judge(i, scene, request);
        const BoardNode& node = scene.nodes[static_cast<std::size_t>(i)];
        if (candidate.for_reads == Fitness::fit)
            contenders.push_back(contender_of(i, candidate, scene, request));
        else
            // What is not right stays so until something is heard of it, but for this server, which knows its own position.
            is_lasting &= !(node.is_self && node.is_standby);
    }
    sort(contenders, request.strategy);

    Ranking ranking{request, is_lasting ? scene.version : 0, {}, {}, 0};
    ranking.nodes.reserve(contenders.size());
    for (const Contender& contender : contenders) ranking.nodes.push_back(contender.index);
    if (contenders.empty() || request.strategy != Strategy::balanced) return ranking;
    ranking.tier = tier_of(contenders.front());
    for (const Contender& contender : contenders) {
        if (tier_of(contender) != ranking.tier) break;
        const std::uint64_t before = ranking.sums.empty() ? 0 : ranking.sums.back();
        ranking.sums.push_back(before + static_cast<std::uint64_t>(contender.weight));
    }
    return ranking;
}

// ---- Choosing --------------------------------------------------------------------------------------------------------

// The place of the first to take, of two that are drawn the better one.
std::size_t place_to_begin(const Ranking& ranking, const Scene& scene, const Request& request, std::uint64_t random,
                           std::uint64_t turn) {
    if (request.strategy == Strategy::round_robin) return turn % ranking.nodes.size();
    if (ranking.sums.size() < 2) return 0;
    const auto [one, other] = draw_two(ranking.sums, random);
    return is_better(contender_of(ranking.nodes[other], scene, request),
                     contender_of(ranking.nodes[one], scene, request))
               ? other
               : one;
}

// The next ones in turn, or all others from the best on.
std::size_t place_of_nth(std::size_t n, std::size_t begin, std::size_t count, Strategy strategy) noexcept {
    if (strategy == Strategy::round_robin) return (begin + n) % count;
    return n == 0 ? begin : n <= begin ? n - 1 : n;
}

void offer(Choice& choice, int index, const Candidate& candidate, std::size_t rows) {
    if (choice.nodes.size() == rows) {
        choice.spare.push_back(index);
    } else {
        choice.nodes.push_back(index);
        choice.candidates.push_back(candidate);
    }
}

// Whether the ranking still holds for all that it offers.
bool choose_by(const Ranking& ranking, const Scene& scene, const Request& request, std::uint64_t random,
               std::uint64_t turn, Choice& choice) {
    const auto rows = static_cast<std::size_t>(request.max_rows);
    const std::size_t count = ranking.nodes.size();
    const std::size_t wanted = std::min(rows + kMostSpares, count);
    const std::size_t begin = count == 0 ? 0 : place_to_begin(ranking, scene, request, random, turn);
    choice.nodes.reserve(std::min(rows, count + 1));
    choice.spare.reserve(kMostSpares + 1);
    for (std::size_t n = 0; n < wanted; ++n) {
        const int index = ranking.nodes[place_of_nth(n, begin, count, request.strategy)];
        const Candidate candidate = judge(index, scene, request);
        if (candidate.for_reads != Fitness::fit) return false;
        offer(choice, index, candidate, rows);
    }
    choice.is_fallback = count == 0;
    const int primary = scene.primary.index;
    if (primary < 0) return true;
    const Candidate candidate = judge(primary, scene, request);
    if (candidate.for_reads == Fitness::the_primary) offer(choice, primary, candidate, rows);
    return true;
}

// What was given away since may have filled the first ones.
bool is_overtaken(const Ranking& ranking, const Choice& choice, const Scene& scene, const Request& request) {
    if (request.strategy != Strategy::balanced || ranking.nodes.empty()) return false;
    return tier_of(contender_of(choice.nodes[0], choice.candidates[0], scene, request)) != ranking.tier;
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

Choice choose_for_writes(const Scene& scene, const Request& request) {
    Choice choice;
    if (!scene.primary.is_certain()) return choice;
    choice.nodes.push_back(scene.primary.index);
    choice.candidates.push_back(judge(scene.primary.index, scene, request));
    add_other_nodes(choice, scene);
    return choice;
}

}  // namespace

Choice choose(const Scene& scene, const Request& request, Ranking& ranking, std::uint64_t random, std::uint64_t turn) {
    if (!request.is_read_only) return choose_for_writes(scene, request);
    if (ranking.version != 0 && ranking.version == scene.version && ranking.request == request) {
        Choice choice;
        const bool holds = choose_by(ranking, scene, request, random, turn, choice);
        if (holds && !is_overtaken(ranking, choice, scene, request)) return choice;
    }
    ranking = rank(scene, request);
    Choice choice;
    choose_by(ranking, scene, request, random, turn, choice);
    return choice;
}

}  // namespace steward::route
