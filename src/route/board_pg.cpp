// SPDX-License-Identifier: PostgreSQL
#include "route/board_pg.hpp"

#include <algorithm>

#include "pg/guard.hpp"
#include "pg/extension.hpp"
#include "route/facts_pg.hpp"
#include "route/fence_pg.hpp"
#include "route/lease.hpp"

extern "C" {
#include "storage/procarray.h"
}

namespace steward::route {

namespace {

// Each process has one: they are large.
Page& scratch() {
    static Page page;
    return page;
}

Around around_now() { return {steady_now(), fresh_for(), pg::system_identifier()}; }

void take_facts(BoardNode& node, const Facts& facts) {
    node.instance = facts.instance;
    node.system_identifier = facts.system_identifier;
    node.is_standby = facts.is_standby;
    node.timeline = facts.timeline;
    node.flushed = facts.flushed;
    node.replayed = facts.replayed;
}

// What this server knows of itself is the present.
void take_self(BoardNode& node, const Facts& own, Steady now) {
    take_facts(node, own);
    node.newest_timeline = std::max(node.newest_timeline, own.timeline);
    node.seen_at = now;
    node.is_missing = false;
}

BoardNode node_of(const Watch& watch) {
    const Node& registered = watch.node();
    BoardNode node;
    node.slot = watch.slot();
    node.database = watch.database();
    copy_short(node.name, registered.name);
    registered.host.copy(node.host, kMaxHostBytes);
    node.port = registered.port;
    copy_short(node.zone, registered.placement.zone);
    node.weight = registered.placement.weight;
    node.is_in_maintenance = registered.placement.is_in_maintenance;
    return node;
}

void take_slot(BoardNode& node, const NodeSlot& slot) noexcept {
    node.is_self = slot.is_self;
    node.has_facts = slot.has_facts;
    node.is_missing = slot.error[0] != '\0';
    node.reach = slot.reach;
    take_facts(node, slot.facts);
    node.newest_timeline = slot.newest_timeline;
    node.connections = slot.facts.connections;
    node.max_connections = slot.facts.max_connections;
    node.seen_at = slot.asked_at;
    node.round_trip = slot.is_self ? 0 : slot.round_trip;
    node.held_until = slot.held_until;
    node.view = slot.view;
    node.measured = slot.measured;
}

}  // namespace

bool write_board(const std::vector<std::unique_ptr<Watch>>& watches, bool is_complete) {
    static Page before;
    Page& page = scratch();
    shared().board.read(before);
    page.count = 0;
    for (const auto& watch : watches) page.nodes[page.count++] = node_of(*watch);
    std::sort(page.nodes, page.nodes + page.count, [](const BoardNode& a, const BoardNode& b) {
        return a.database != b.database ? a.database < b.database : std::string_view(a.name) < b.name;
    });
    const Facts own = own_position();
    const int connections = pg::call([] { return CountDBConnections(InvalidOid); });
    const Around around = around_now();
    {
        const Shared& state = shared();
        pg::Locked locked(state.lock, LW_SHARED);
        page.horizon = state.horizon;
        for (BoardNode* node = page.nodes; node != page.nodes + page.count; ++node) {
            take_slot(*node, state.nodes[node->slot]);
            if (!node->is_self) continue;
            take_self(*node, own, around.now);
            node->connections = connections;
            node->max_connections = MaxConnections;
            node->measured = state.measured;
        }
    }
    const bool is_settled = follow(page, before, around);
    shared().board.publish(page);
    if (is_complete || page.count > 0) renew_lease(lease_of(page, around));
    return is_settled;
}

Scene read_scene() {
    Page& page = scratch();
    shared().board.read(page);
    const Facts own = own_position();
    const Around around = around_now();
    for (int i = 0; i < page.count; ++i)
        if (page.nodes[i].is_self) take_self(page.nodes[i], own, around.now);
    const Horizon horizon = own.is_standby ? page.horizon : Horizon{own.flushed, around.now, true};
    const Nodes nodes = nodes_of(page, MyDatabaseId);
    static KnownPrimary known;
    known.look({page.number, own.timeline, own.is_standby, around.fresh_for}, nodes, around);
    return {nodes,          known.primary(), horizon, !own.is_standby, around, shared().assigned, page.topology_epoch,
            known.version()};
}

}  // namespace steward::route
