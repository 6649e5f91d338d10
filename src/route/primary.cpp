// SPDX-License-Identifier: PostgreSQL
#include "route/primary.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace steward::route {

namespace {

bool has_view(const BoardNode& node, const Around& around) noexcept {
    return node.view.is_known && node.view.instance != 0 && is_fresh(node, around) &&
           around.now - node.view.at <= around.fresh_for;
}

bool is_primary(const BoardNode& node, const Around& around) noexcept {
    return !node.is_standby && is_fresh(node, around) && is_of_cluster(node, around);
}

// Timelines only grow: one that somebody was on once has begun, whoever answers now.
std::uint32_t newest_seen(Nodes nodes, const Around& around) noexcept {
    std::uint32_t newest = 0;
    for (const BoardNode& node : nodes)
        if (node.has_facts && is_of_cluster(node, around))
            newest = std::max({newest, node.timeline, node.newest_timeline});
    return newest;
}

// What others have seen, too; who has seen it tells others, and what was only told is not told on.
std::uint32_t newest_known(Nodes nodes, const Around& around) noexcept {
    std::uint32_t newest = newest_seen(nodes, around);
    for (const BoardNode& node : nodes)
        if (node.has_facts && is_of_cluster(node, around) && node.view.is_known)
            newest = std::max({newest, node.view.timeline, node.view.newest_timeline});
    return newest;
}

int index_of_instance(Nodes nodes, std::uint64_t instance) noexcept {
    for (std::size_t i = 0; i < nodes.size(); ++i)
        if (nodes[i].has_facts && nodes[i].instance == instance) return static_cast<int>(i);
    return -1;
}

// Another that calls itself primary, or is called so by somebody who sees it where we do not.
int rival_of(int index, Nodes nodes, const Around& around) noexcept {
    const BoardNode& claimant = nodes[static_cast<std::size_t>(index)];
    for (std::size_t i = 0; i < nodes.size(); ++i)
        if (static_cast<int>(i) != index && !is_same_server(nodes[i], claimant) && is_primary(nodes[i], around))
            return static_cast<int>(i);
    for (const BoardNode& node : nodes) {
        if (node.is_self || !has_view(node, around) || !is_of_cluster(node, around)) continue;
        if (node.view.instance == claimant.instance || node.view.timeline < claimant.timeline) continue;
        const int seen = index_of_instance(nodes, node.view.instance);
        if (seen >= 0 && seen != index) return seen;
    }
    return -1;
}

bool votes_for(const BoardNode& node, const BoardNode& claimant, const Around& around) noexcept {
    // We have found it ourselves.
    if (node.is_self || is_same_server(node, claimant)) return true;
    return has_view(node, around) && node.view.instance == claimant.instance && node.view.timeline == claimant.timeline;
}

void count(Primary& primary, Nodes nodes, const Around& around) noexcept {
    const BoardNode& claimant = nodes[static_cast<std::size_t>(primary.index)];
    bool is_all_seen = true;
    const BoardNode* other = nullptr;
    for (const BoardNode& node : nodes) {
        if (node.is_in_maintenance || (node.has_facts && !is_of_cluster(node, around))) continue;
        ++primary.voters;
        if (votes_for(node, claimant, around)) ++primary.votes;
        if (&node == &claimant) continue;
        other = &node;
        is_all_seen &= is_fresh(node, around);
    }
    // Of two nodes one is never more than half. The one that has been promoted since the other was seen is primary: on the
    // other side there is one that has not.
    const bool is_promoted_since = primary.voters == 2 && other != nullptr && !is_fresh(*other, around) &&
                                   other->has_facts && other->timeline < claimant.timeline;
    // Where all others have been seen, and say that they are standbys, nobody else is left.
    const bool is_certain = primary.votes * 2 > primary.voters || is_promoted_since || is_all_seen;
    primary.doubt = is_certain ? Doubt::none : Doubt::outvoted;
}

// Time alone changes something when what was heard is no longer the present.
Steady until_of(Nodes nodes, const Around& around) noexcept {
    Steady oldest = around.now;
    for (const BoardNode& node : nodes) {
        if (is_fresh(node, around)) oldest = std::min(oldest, node.seen_at);
        if (has_view(node, around)) oldest = std::min(oldest, node.view.at);
    }
    return oldest + around.fresh_for;
}

}  // namespace

// Without the library a server has no instance.
bool is_same_server(const BoardNode& a, const BoardNode& b) noexcept {
    return &a == &b || (a.instance != 0 && a.instance == b.instance);
}

bool is_fresh(const BoardNode& node, const Around& around) noexcept {
    return node.has_facts && !node.is_missing && around.now - node.seen_at <= around.fresh_for;
}

bool is_of_cluster(const BoardNode& node, const Around& around) noexcept {
    return node.system_identifier == around.system_identifier;
}

Primary certain_primary(Nodes nodes, const Around& around) noexcept {
    Primary primary;
    primary.timeline = newest_known(nodes, around);
    primary.until = until_of(nodes, around);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (!is_primary(nodes[i], around)) continue;
        if (primary.index < 0 || nodes[i].timeline > nodes[static_cast<std::size_t>(primary.index)].timeline)
            primary.index = static_cast<int>(i);
    }
    if (primary.index < 0) return primary;
    const BoardNode& claimant = nodes[static_cast<std::size_t>(primary.index)];
    primary.rival = rival_of(primary.index, nodes, around);
    if (primary.rival >= 0)
        primary.doubt = Doubt::split_brain;
    else if (claimant.timeline < primary.timeline)
        primary.doubt = Doubt::outdated;
    else if (claimant.is_in_maintenance)
        primary.doubt = Doubt::in_maintenance;
    else
        count(primary, nodes, around);
    return primary;
}

void KnownPrimary::look(const Origin& origin, Nodes nodes, const Around& around) noexcept {
    if (version_ != 0 && origin_ == origin && around.now <= primary_.until) return;
    origin_ = origin;
    primary_ = certain_primary(nodes, around);
    ++version_;
}

View view_of(Nodes nodes, const Around& around) noexcept {
    View view;
    view.is_known = true;
    view.newest_timeline = newest_seen(nodes, around);
    view.at = around.now;
    for (const BoardNode& node : nodes) {
        if (!is_primary(node, around) || node.timeline < view.timeline) continue;
        if (node.timeline == view.timeline && view.instance != node.instance) {
            // Two of one timeline: neither.
            view.instance = 0;
        } else {
            view.instance = node.instance;
            view.timeline = node.timeline;
            view.at = node.is_self ? around.now : node.seen_at;
        }
    }
    return view;
}

std::string reason_of(const Primary& primary, Nodes nodes) {
    if (primary.index < 0) return "no node says that it is the primary";
    const BoardNode& claimant = nodes[static_cast<std::size_t>(primary.index)];
    switch (primary.doubt) {
    case Doubt::none:
        return fmt::format("the primary of timeline {}, by {} of {} votes", claimant.timeline, primary.votes,
                           primary.voters);
    case Doubt::split_brain:
        return fmt::format("split brain: \"{}\" and \"{}\" both are primaries", claimant.name,
                           nodes[static_cast<std::size_t>(primary.rival)].name);
    case Doubt::outdated:
        return fmt::format("\"{}\" is the primary of timeline {}, but timeline {} has begun", claimant.name,
                           claimant.timeline, primary.timeline);
    case Doubt::in_maintenance: return fmt::format("\"{}\", the primary, is in maintenance", claimant.name);
    case Doubt::outvoted:
        // Who has two servers wonders why the one that lives does not do.
        return fmt::format("\"{}\" is seen as the primary by {} of {} nodes: {} are needed{}", claimant.name,
                           primary.votes, primary.voters, primary.voters / 2 + 1,
                           primary.voters == 2
                               ? ", since the other one, which does not answer, may have been promoted; "
                                 "a third node, or the option maintenance of that one, ends the doubt"
                               : "");
    case Doubt::nobody: break;
    }
    return "no node says that it is the primary";
}

}  // namespace steward::route
