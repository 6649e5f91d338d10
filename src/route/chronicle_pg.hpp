// SPDX-License-Identifier: PostgreSQL
//
// What happens to the servers of the cluster, kept in shared memory for everybody to see and written into
// steward.topology_event_log where this server is a primary, or has become one. The prober's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pg/worker.hpp"
#include "route/topology.hpp"
#include "route/watch_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

using Watches = std::vector<std::unique_ptr<Watch>>;

// Who writes events down: a worker of one database at a time, started when there is something new.
class EventWriter {
public:
    void advance(const std::map<Oid, std::uint64_t>& newest, Steady now);
    std::optional<Steady> next_wake() const;

private:
    struct Book {
        std::uint64_t written = 0;
        int failures = 0;
        Steady not_before;
    };
    void receive(Steady now);
    void fail(Book& book, Steady now);

    std::map<Oid, Book> books_;
    std::unique_ptr<pg::Helper> helper_;
    Oid database_ = InvalidOid;  // where it writes
    std::optional<Steady> next_;
};

class Chronicle {
public:
    // Of this server itself, then of all news.
    void take(ProberState& state, const Watches& watches, Steady now);
    void forget(int slot) { rivalries_.end(slot); }
    void write_down(bool is_standby, Steady now);
    std::optional<Steady> next_wake(bool is_standby) const;

private:
    struct Happening;
    void see_self(const Watches& watches, Steady now);
    void look_for_rivals(const Watches& watches);
    void begin_rivalry(const Watches& watches, const Watch& one, const Watch* other);
    void end_rivalries(const Watches& watches, int slot, Oid database);
    void add(Happening&& happening, const Watches& watches);

    Sightings self_;
    Rivalries rivalries_;
    std::map<Oid, std::uint64_t> newest_;  // of each database, the number of its last event
    EventWriter writer_;
};

}  // namespace steward::route
