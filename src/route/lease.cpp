// SPDX-License-Identifier: PostgreSQL
#include "route/lease.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "route/page.hpp"

namespace steward::route {

namespace {

bool sees_another(const BoardNode& node, const BoardNode& self) noexcept {
    return node.view.is_known && node.view.instance != 0 && node.view.instance != self.instance;
}

// A primary of an older timeline is no rival: it is that one which has to stop.
bool is_twin(const BoardNode& node, const BoardNode& self, const Around& around) noexcept {
    return !node.is_standby && is_fresh(node, around) && is_of_cluster(node, around) && !is_same_server(node, self) &&
           node.timeline >= self.timeline;
}

}  // namespace

Steady lease_of(Nodes nodes, const Around& around) noexcept {
    const auto self = std::find_if(nodes.begin(), nodes.end(), [](const BoardNode& node) { return node.is_self; });
    if (self == nodes.end() || self->is_standby) return {};
    if (certain_primary(nodes, around).timeline > self->timeline) return {};

    std::array<Steady, kMaxNodes> answers;
    std::size_t answered = 0;
    std::size_t voters = 0;
    for (const BoardNode& node : nodes) {
        if (is_twin(node, *self, around)) return {};
        if (node.is_in_maintenance || (node.has_facts && !is_of_cluster(node, around))) continue;
        ++voters;
        if (node.is_self)
            answers[answered++] = around.now;
        else if (node.has_facts && !sees_another(node, *self))
            answers[answered++] = node.seen_at;
    }
    const std::size_t majority = voters / 2 + 1;
    if (answered < majority) return {};
    std::sort(answers.begin(), answers.begin() + answered, std::greater<>());
    return answers[majority - 1] + around.fresh_for;
}

Steady lease_of(const Page& page, const Around& around) noexcept {
    Steady lease{std::numeric_limits<std::int64_t>::max()};
    for (int first = 0; first < page.count;) {
        const Nodes nodes = nodes_of(page, page.nodes[first].database);
        lease = std::min(lease, lease_of(nodes, around));
        first += static_cast<int>(nodes.size());
    }
    return lease;
}

}  // namespace steward::route
