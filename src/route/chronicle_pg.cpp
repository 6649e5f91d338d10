// SPDX-License-Identifier: PostgreSQL
#include "route/chronicle_pg.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/zone.hpp"
#include "route/facts_pg.hpp"

extern "C" {
#include "utils/guc.h"
}

namespace steward::route {

namespace {

const Watch* watch_of(const Watches& watches, int slot) {
    auto found = std::find_if(watches.begin(), watches.end(), [&](const auto& watch) { return watch->slot() == slot; });
    return found == watches.end() ? nullptr : found->get();
}

// Of this server in a database: as it is registered there.
std::string own_name(const Watches& watches, Oid database) {
    for (const auto& watch : watches)
        if (watch->is_self() && watch->database() == database) return watch->node().name;
    return cluster_name != nullptr && *cluster_name != '\0' ? cluster_name : "this server";
}

std::set<Oid> databases_of(const Watches& watches) {
    std::set<Oid> databases;
    for (const auto& watch : watches) databases.insert(watch->database());
    return databases;
}

std::vector<KnownNode> known_nodes(const Watches& watches, Oid database, const Facts& own, Steady now) {
    std::vector<NodeSlot> slots(kMaxNodes);
    {
        pg::Locked locked(shared().lock, LW_SHARED);
        std::copy(std::begin(shared().nodes), std::end(shared().nodes), slots.begin());
    }
    std::vector<KnownNode> nodes;
    for (const auto& watch : watches) {
        if (watch->database() != database) continue;
        const NodeSlot& slot = slots.at(static_cast<std::size_t>(watch->slot()));
        if (watch->is_self())
            nodes.push_back({watch->node().name, true, own, Reach::up, 0});
        else
            nodes.push_back({watch->node().name, slot.has_facts, slot.facts, slot.reach, now - slot.seen_at});
    }
    return nodes;
}

void log_event(const Event& event) {
    const Event* e = &event;
    pg::call([&] {
        if (e->kind == EventKind::promotion)
            ereport(LOG, (errmsg("node \"%s\" has become a primary, on timeline %u", e->node, e->timeline)));
        else if (e->kind == EventKind::demotion)
            ereport(LOG, (errmsg("node \"%s\" is a standby now, on timeline %u", e->node, e->timeline)));
        else if (e->kind == EventKind::split_brain)
            ereport(LOG, (errmsg("split brain: nodes \"%s\" and \"%s\" are primaries of the same cluster", e->node,
                                 e->other),
                          errdetail("%s", e->detail)));
        else if (e->kind == EventKind::split_brain_end)
            ereport(LOG, (errmsg("split brain of nodes \"%s\" and \"%s\" has ended", e->node, e->other)));
    });
}

}  // namespace

struct Chronicle::Happening {
    Oid database = InvalidOid;
    std::string node;
    std::string other;
    Change change;
    bool was_primary = false;
    Lsn lsn;
    std::string detail;
};

void Chronicle::take(ProberState& state, const Watches& watches, Steady now) {
    see_self(watches, now);
    std::vector<News> all;
    all.swap(state.news);
    for (News& news : all) {
        const Watch* watch = watch_of(watches, news.slot);
        if (watch == nullptr) continue;
        Facts facts;
        {
            pg::Locked locked(shared().lock, LW_SHARED);
            facts = shared().nodes[news.slot].facts;
        }
        const Lsn lsn = facts.is_standby ? facts.replayed : facts.flushed;
        add({watch->database(), watch->node().name, "", news.change, news.was_primary, lsn, std::move(news.why)},
            watches);
        if (news.change.kind == EventKind::demotion) end_rivalries(watches, news.slot, watch->database());
    }
    if (state.has_seen_primary) look_for_rivals(watches);
    state.has_seen_primary = false;
}

void Chronicle::see_self(const Watches& watches, Steady now) {
    const Facts facts = own_position();
    const bool was_primary = self_.was_primary();
    const std::optional<Change> change = self_.saw(facts, now, now);
    {
        pg::Locked locked(shared().lock);
        shared().reign = self_.reign();
    }
    if (!change) return;
    const Lsn lsn = facts.is_standby ? facts.replayed : facts.flushed;
    for (Oid database : databases_of(watches))
        add({database, own_name(watches, database), "", *change, was_primary, lsn, ""}, watches);
}

// ---- Two primaries ------------------------------------------------------------------------------------------------------

void Chronicle::look_for_rivals(const Watches& watches) {
    for (auto one = watches.begin(); one != watches.end(); ++one) {
        const Watch& watch = **one;
        if (watch.is_self() || !watch.sightings().reign().is_primary) continue;
        if (reigned_together(watch.sightings().reign(), self_.reign()) && rivalries_.begin(watch.slot(), kOwnServer))
            begin_rivalry(watches, watch, nullptr);
        for (auto other = watches.begin(); other != one; ++other) {
            if ((*other)->database() == watch.database() && !watch.sightings().is_same_server((*other)->sightings()) &&
                reigned_together(watch.sightings().reign(), (*other)->sightings().reign()) &&
                rivalries_.begin(watch.slot(), (*other)->slot()))
                begin_rivalry(watches, watch, other->get());
        }
    }
}

// Without another one it is this server.
void Chronicle::begin_rivalry(const Watches& watches, const Watch& one, const Watch* other) {
    struct Side {
        std::string name;
        Facts facts;
    };
    Side older{one.node().name, {}};
    Side younger{other == nullptr ? own_name(watches, one.database()) : other->node().name, own_position()};
    {
        pg::Locked locked(shared().lock, LW_SHARED);
        older.facts = shared().nodes[one.slot()].facts;
        if (other != nullptr) younger.facts = shared().nodes[other->slot()].facts;
    }
    if (older.facts.timeline > younger.facts.timeline) std::swap(older, younger);
    const std::string detail =
        fmt::format("\"{}\" is at {} of timeline {}, \"{}\" at {} of timeline {}. One of them has to be stopped.",
                    older.name, format_lsn(older.facts.flushed), older.facts.timeline, younger.name,
                    format_lsn(younger.facts.flushed), younger.facts.timeline);
    const Change change{EventKind::split_brain, older.facts.timeline, 0};
    add({one.database(), older.name, younger.name, change, true, older.facts.flushed, detail}, watches);
}

void Chronicle::end_rivalries(const Watches& watches, int slot, Oid database) {
    const Watch* one = watch_of(watches, slot);
    for (int other : rivalries_.end(slot)) {
        const Watch* second = watch_of(watches, other);
        const Change change{EventKind::split_brain_end, one->sightings().timeline(), 0};
        add({database,
             one->node().name,
             second == nullptr ? own_name(watches, database) : second->node().name,
             change,
             false,
             {},
             ""},
            watches);
    }
}

// ---- Into memory --------------------------------------------------------------------------------------------------------

void Chronicle::add(Happening&& happening, const Watches& watches) {
    Event event{};
    event.database = happening.database;
    event.kind = happening.change.kind;
    event.was_primary = happening.was_primary;
    event.at = pg::to_server(pg::now());
    copy_short(event.seen_by, own_name(watches, happening.database));
    copy_short(event.node, happening.node);
    copy_short(event.other, happening.other);
    event.timeline = happening.change.timeline;
    event.previous_timeline = happening.change.previous_timeline;
    event.lsn = happening.lsn;
    happening.detail.copy(event.detail, kErrorBytes - 1);
    known_json(known_nodes(watches, happening.database, own_position(), steady_now()), kKnownBytes - 1)
        .copy(event.known, kKnownBytes - 1);
    {
        Shared& state = shared();
        pg::Locked locked(state.events_lock);
        event.number = ++state.events_added;
        state.events[(event.number - 1) % kMaxEvents] = event;
    }
    newest_[event.database] = event.number;
    log_event(event);
}

void Chronicle::write_down(bool is_standby, Steady now) {
    if (!is_standby) writer_.advance(newest_, now);
}

std::optional<Steady> Chronicle::next_wake(bool is_standby) const {
    return is_standby ? std::nullopt : writer_.next_wake();
}

}  // namespace steward::route
