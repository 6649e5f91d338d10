// SPDX-License-Identifier: PostgreSQL
//
// One registered node as the prober watches it: its connection, when it is asked, and what its answers say. Nothing here
// waits; the prober waits for the sockets of all.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "route/peer_pg.hpp"
#include "route/resolver_pg.hpp"
#include "route/shared_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

// This server among the places of shared memory, which are the others'.
inline constexpr int kOwnServer = -1;

// Something that has happened to a node.
struct News {
    int slot = 0;
    Change change;
    bool was_primary = false;
    std::string why;
};

// What the prober and all it watches share.
struct ProberState {
    std::vector<News> news;         // since the prober looked
    bool has_seen_primary = false;  // likewise
    bool is_standby = false;
    bool is_gathered = false;            // no socket has been opened or closed since the prober looked
    bool is_changed = false;             // something that the board has not yet
    bool is_hurried = false;             // it is not certain who is primary
    std::uint32_t horizon_timeline = 0;  // of the primary that was believed last
};

class Watch {
public:
    // `slot`: its place in shared memory; `first`: when it is asked for the first time.
    Watch(Oid in_database, std::string name_of_database, Node registered, int its_slot, Steady first,
          ProberState& state);

    Oid database() const { return database_; }
    const std::string& database_name() const { return database_name_; }
    const Node& node() const { return node_; }
    void place(const Placement& placement);
    int slot() const { return slot_; }
    bool is_self() const { return is_self_; }
    const Sightings& sightings() const { return sightings_; }

    // Does what is due.
    void step();
    Steady next_wake() const { return probe_.next_wake(); }
    void hurry() { probe_.hurry(steady_now(), hurried_pace()); }

    struct Waited {
        pgsocket socket;
        std::uint32_t events;
        bool operator==(const Waited&) const = default;
    };
    std::optional<Waited> waited() const;
    bool is_connecting() const { return probe_.is_connecting(); }
    // What it waited for has come.
    void happened();

private:
    void begin_connection();
    void connect();
    void ask();
    void answered();
    void learn_from_primary(const Answer& answer);
    void fail(const std::string& why);
    std::optional<Change> see(const Facts& facts);
    void publish(const std::string& error, const Answer* answer);
    void tell_change(Reach before, const std::string& why);

    Oid database_;
    std::string database_name_;
    Node node_;
    int slot_;
    Probe probe_;
    ProberState& state_;
    Sightings sightings_;
    bool is_self_ = false;
    std::unique_ptr<Resolver> resolver_;
    std::unique_ptr<Peer> peer_;
    std::vector<std::string> addresses_;  // the last that were found
    // What was asked for: a place in shared memory or this server, and the position.
    std::vector<std::pair<int, Lsn>> asked_;
};

}  // namespace steward::route
