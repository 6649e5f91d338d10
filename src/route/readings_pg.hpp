// SPDX-License-Identifier: PostgreSQL
//
// The prober's reading of databases: it is attached to none, so a worker looks for registered nodes in one at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pg/worker.hpp"
#include "route/node.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

struct Reading {
    Oid database = InvalidOid;
    std::string database_name;
    std::vector<Node> nodes;
};

class Readings {
public:
    void want(Oid database, Steady not_before);
    // All that can be connected to; those known to have nodes that are gone are returned.
    std::vector<Oid> want_all(Steady now);
    void want_known(Steady now);

    // Takes what the worker has sent, starts the next one; a result when a database has been read.
    std::optional<Reading> advance(Steady now);
    std::optional<Steady> next_wake() const;
    // Nothing is left to be read.
    bool is_done() const { return helper_ == nullptr && wanted_.empty(); }

private:
    struct Wanted {
        Steady not_before;
        int failures = 0;
    };
    std::optional<Reading> start_next(Steady now);
    std::optional<Reading> receive(Steady now);
    void try_again(Steady now);

    std::map<Oid, Wanted> wanted_;
    std::set<Oid> known_;  // databases that have nodes
    std::unique_ptr<pg::Helper> helper_;
    Wanted taken_;
    Reading reading_;
};

}  // namespace steward::route
