// SPDX-License-Identifier: PostgreSQL
#include "route/watch_pg.hpp"

#include <algorithm>
#include <system_error>

#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/wal.hpp"
#include "pg/zone.hpp"
#include "route/facts_pg.hpp"

namespace steward::route {

Watch::Watch(Oid in_database, std::string name_of_database, Node registered, int its_slot, Steady first,
             ProberState& state)
    : database_(in_database),
      database_name_(std::move(name_of_database)),
      node_(std::move(registered)),
      slot_(its_slot),
      probe_(first),
      state_(state) {}

std::optional<Watch::Waited> Watch::waited() const {
    if (resolver_ != nullptr) return Waited{resolver_->socket(), WL_SOCKET_READABLE};
    if (peer_ != nullptr) return Waited{peer_->socket(), peer_->events()};
    return std::nullopt;
}

void Watch::step() {
    switch (probe_.due(steady_now())) {
    case Probe::Step::nothing: return;
    case Probe::Step::resolve: return begin_connection();
    case Probe::Step::ask: return ask();
    case Probe::Step::give_up: break;
    }
    if (resolver_ != nullptr && !addresses_.empty()) return connect();
    fail(resolver_ != nullptr     ? "its host name was not translated to an address in time"
         : probe_.is_connecting() ? "it did not let us in in time"
                                  : "it did not answer in time");
}

void Watch::begin_connection() {
    const std::string& host = node_.host;
    if (node_.is_socket()) return connect();
    if (is_address(host)) {
        addresses_ = {host};
        return connect();
    }
    try {
        state_.is_gathered = false;
        resolver_ = std::make_unique<Resolver>(host);
        probe_.resolving(steady_now(), pace());
    } catch (const std::system_error& error) {
        fail(fmt::format("could not look up its host name: {}", error.code().message()));
    }
}

void Watch::connect() {
    state_.is_gathered = false;
    resolver_.reset();
    probe_.connecting(steady_now(), pace());
    peer_ = std::make_unique<Peer>(node_, addresses_, database_name_, pace());
    // Begun in libpq, which wants its socket to be writable first.
    if (peer_->socket() < 0) fail(peer_->error());
}

void Watch::ask() {
    asked_.clear();
    asked_.reserve(kMaxNodes + 1);
    if (state_.is_standby) {
        asked_.emplace_back(kOwnServer, own_position().replayed);
        pg::Locked locked(shared().lock, LW_SHARED);
        for (int i = 0; i < kMaxNodes; ++i) {
            const NodeSlot& slot = shared().nodes[i];
            if (slot.is_used && !slot.is_self && slot.has_facts && slot.facts.is_standby)
                asked_.emplace_back(i, slot.facts.replayed);
        }
    }
    std::vector<Lsn> positions;
    positions.reserve(asked_.size());
    for (const auto& [slot, position] : asked_) positions.push_back(position);
    probe_.asked(steady_now(), pace());
    switch (peer_->ask(positions)) {
    case Peer::State::waiting: return;
    case Peer::State::ready: return answered();
    case Peer::State::failed: return fail(peer_->error());
    }
}

// Something came over its socket, or can be sent.
void Watch::happened() {
    if (resolver_ != nullptr) {
        auto outcome = resolver_->read();
        if (!outcome) return;
        if (!outcome->addresses.empty()) addresses_ = std::move(outcome->addresses);
        // Better those it had than none.
        return addresses_.empty() ? fail(outcome->error) : connect();
    }
    if (peer_ == nullptr) return;
    if (probe_.is_idle()) {
        if (!peer_->is_alive()) fail(peer_->error());
        return;
    }
    const Peer::State state = probe_.is_connecting() ? peer_->connect() : peer_->receive();
    if (state == Peer::State::failed) return fail(peer_->error());
    if (state == Peer::State::waiting) return;
    if (!probe_.is_connecting()) return answered();
    probe_.connected(steady_now());
    ask();
}

void Watch::answered() {
    const base::Result<Answer>& result = peer_->answer();
    if (!result) return fail(result.failure().message);
    const Answer answer = *result;
    const Reach before = probe_.reach();
    probe_.answered(steady_now(), pace());
    if (state_.is_hurried) hurry();
    learn_from_primary(answer);
    is_self_ = answer.facts.instance == shared().instance;
    if (is_self_) {
        state_.is_gathered = false;
        peer_.reset();
        probe_.settled(steady_now());
    }
    const bool was_primary = sightings_.was_primary();
    const std::optional<Change> change = see(answer.facts);
    publish("", &answer);
    tell_change(before, "");
    if (change) state_.news.push_back({slot_, *change, was_primary, ""});
}

// This server sees itself without asking.
std::optional<Change> Watch::see(const Facts& facts) {
    if (is_self_ || facts.system_identifier != pg::system_identifier()) return std::nullopt;
    state_.has_seen_primary |= !facts.is_standby;
    return sightings_.saw(facts, probe_.asked_at(), steady_now());
}

// Of two that call themselves primary, the one of the younger timeline.
void Watch::learn_from_primary(const Answer& answer) {
    const Facts& facts = answer.facts;
    if (!state_.is_standby || facts.is_standby || facts.system_identifier != pg::system_identifier() ||
        facts.timeline < state_.horizon_timeline)
        return;
    state_.horizon_timeline = facts.timeline;
    const Steady at = probe_.asked_at();
    Shared& state = shared();
    pg::Locked locked(state.lock);
    state.horizon = {facts.flushed, at, true};
    state.wal_rate.note(facts.flushed, at);
    if (!asked_.empty()) state.replay_rate.note(asked_[0].second, at);
    for (std::size_t i = 0; i < std::min(answer.ages.size(), asked_.size()); ++i) {
        const auto& [slot, position] = asked_[i];
        const Measured measured{position, answer.ages[i].value_or(0), at, answer.ages[i].has_value()};
        (slot == kOwnServer ? state.measured : state.nodes[slot].measured) = measured;
    }
}

void Watch::fail(const std::string& why) {
    const Reach before = probe_.reach();
    const std::string error = plain_line(why, kErrorBytes - 1);
    state_.is_gathered = false;
    resolver_.reset();
    peer_.reset();
    probe_.failed(steady_now(), pace());
    publish(error, nullptr);
    tell_change(before, error);
}

void Watch::place(const Placement& placement) {
    node_.placement = placement;
    state_.is_changed = true;
}

void Watch::publish(const std::string& error, const Answer* answer) {
    state_.is_changed = true;
    const Steady now = steady_now();
    const TimestampTz contact = pg::to_server(pg::now());
    Shared& state = shared();
    pg::Locked ring_locked(state.ring_lock, LW_SHARED);
    pg::Locked locked(state.lock);
    NodeSlot& slot = state.nodes[slot_];
    slot.reach = probe_.reach();
    const std::size_t length = error.copy(slot.error, kErrorBytes - 1);
    slot.error[length] = '\0';
    slot.held_until = probe_.held_until();
    if (answer == nullptr) return;
    const Facts& facts = answer->facts;
    slot.facts = facts;
    slot.has_facts = true;
    slot.is_self = facts.instance == state.instance;
    slot.seen_at = now;
    slot.reign = sightings_.reign();
    slot.asked_at = probe_.asked_at();
    slot.round_trip = now - slot.asked_at;
    slot.newest_timeline = std::max(slot.newest_timeline, facts.timeline);
    slot.view = answer->view;
    slot.view.at = slot.asked_at + -answer->view_age;
    slot.replay_rate.note(facts.replayed, now);
    slot.last_contact = contact;
    if (state_.is_standby || !facts.is_standby) return;
    auto age = state.ring.age(facts.replayed, {pg::flushed_lsn()}, now);
    slot.measured = {facts.replayed, age.value_or(0), now, age.has_value()};
}

void Watch::tell_change(Reach before, const std::string& why) {
    const Reach after = probe_.reach();
    if (after == before || (before == Reach::unknown && after == Reach::up)) return;
    const Change change{after == Reach::up ? EventKind::comeback : EventKind::loss, sightings_.timeline(), 0};
    state_.news.push_back({slot_, change, sightings_.was_primary(), why});
    const char* name = node_.name.c_str();
    const char* host = node_.host.c_str();
    const int port = node_.port;
    const char* reason = why.c_str();
    pg::call([&] {
        if (after == Reach::up)
            ereport(LOG, (errmsg("node \"%s\" (%s:%d) answers again", name, host, port)));
        else
            ereport(LOG, (errmsg("node \"%s\" (%s:%d) is lost: %s", name, host, port, reason)));
    });
}

}  // namespace steward::route
