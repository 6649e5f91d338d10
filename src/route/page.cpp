// SPDX-License-Identifier: PostgreSQL
#include "route/page.hpp"

#include <algorithm>
#include <cstring>

namespace steward::route {

namespace {

const BoardNode* same_node(const Page& page, const BoardNode& node) noexcept {
    for (int i = 0; i < page.count; ++i) {
        const BoardNode& known = page.nodes[i];
        if (known.slot == node.slot && known.database == node.database && std::strcmp(known.name, node.name) == 0)
            return &known;
    }
    return nullptr;
}

bool is_changed(const BoardNode& a, const BoardNode& b) noexcept {
    return std::strcmp(a.host, b.host) != 0 || a.port != b.port || a.is_in_maintenance != b.is_in_maintenance ||
           a.has_facts != b.has_facts || a.is_standby != b.is_standby || a.timeline != b.timeline ||
           a.is_certain_primary != b.is_certain_primary;
}

}  // namespace

Nodes nodes_of(const Page& page, std::uint32_t database) noexcept {
    const BoardNode* end = page.nodes + page.count;
    const BoardNode* first = std::find_if(page.nodes, end, [&](const BoardNode& n) { return n.database == database; });
    const BoardNode* last = std::find_if(first, end, [&](const BoardNode& n) { return n.database != database; });
    return {first, static_cast<std::size_t>(last - first)};
}

bool follow(Page& page, const Page& before, const Around& around) noexcept {
    bool is_settled = true;
    bool is_horizon_certain = false;
    bool is_other = page.count != before.count;
    for (int first = 0; first < page.count;) {
        const Nodes nodes = nodes_of(page, page.nodes[first].database);
        const Primary primary = certain_primary(nodes, around);
        is_settled &= primary.is_certain();
        is_horizon_certain |= primary.is_certain();
        const int end = first + static_cast<int>(nodes.size());
        for (int i = first; i < end; ++i) {
            BoardNode& node = page.nodes[i];
            node.is_certain_primary = primary.is_certain() && primary.index == i - first;
            const BoardNode* known = same_node(before, node);
            if (!primary.is_certain()) node.measured = known == nullptr ? Measured{} : known->measured;
            is_other |= known == nullptr || is_changed(node, *known);
        }
        first = end;
    }
    if (!is_horizon_certain) page.horizon = before.horizon;
    page.topology_epoch = before.topology_epoch + (is_other ? 1 : 0);
    return is_settled;
}

}  // namespace steward::route
