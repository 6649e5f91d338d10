// SPDX-License-Identifier: PostgreSQL
//
// Nodes for tests of who is primary and who is chosen.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.hpp"
#include "route/ranking.hpp"

namespace steward::route {

inline constexpr std::int64_t kSecond = 1'000'000;
inline constexpr std::int64_t kOurs = 77;
inline constexpr Around kAround{{1000 * kSecond}, 5 * kSecond, kOurs};

inline BoardNode node_at(int slot, bool is_standby, std::uint32_t timeline = 1) {
    BoardNode node;
    node.slot = slot;
    copy_short(node.name, fmt::format("n{}", slot));
    node.has_facts = true;
    node.reach = Reach::up;
    node.instance = static_cast<std::uint64_t>(slot) + 1;
    node.system_identifier = kOurs;
    node.is_standby = is_standby;
    node.timeline = timeline;
    node.flushed = {1000};
    node.replayed = {1000};
    node.max_connections = 100;
    node.seen_at = kAround.now;
    node.measured = {{1000}, 0, kAround.now, true};
    return node;
}

inline View saw(const BoardNode& primary) {
    return {true, primary.instance, primary.timeline, primary.timeline, kAround.now};
}

// A primary and standbys, of which all have seen it; the last one is this server.
inline std::vector<BoardNode> cluster(int count) {
    std::vector<BoardNode> nodes{node_at(0, false)};
    nodes[0].view = saw(nodes[0]);
    for (int i = 1; i < count; ++i) {
        nodes.push_back(node_at(i, true));
        nodes.back().view = saw(nodes[0]);
    }
    nodes.back().is_self = true;
    return nodes;
}

inline void lose(BoardNode& node) {
    node.is_missing = true;
    node.reach = Reach::down;
}

inline Scene scene_of(const std::vector<BoardNode>& nodes, const Horizon& horizon) {
    return {nodes, certain_primary(nodes, kAround), horizon, false, kAround, nullptr, 0, 1};
}

inline std::string write_target(const std::vector<BoardNode>& nodes) {
    const Primary primary = certain_primary(nodes, kAround);
    return primary.is_certain() ? nodes[static_cast<std::size_t>(primary.index)].name : reason_of(primary, nodes);
}

}  // namespace steward::route
