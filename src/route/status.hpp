// SPDX-License-Identifier: PostgreSQL
//
// One row a server, out of three sources: what was registered, what the prober knows, and what this server's own processes
// that send WAL know. What to think of it is said in `verdict` and `detail`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "route/facts.hpp"
#include "route/lag.hpp"
#include "route/node.hpp"
#include "route/probe.hpp"
#include "route/rate.hpp"
#include "route/topology.hpp"

namespace steward::route {

// What is known of one node; of this server it is what it says now.
struct Known {
    bool is_self = false;
    Reach reach = Reach::unknown;
    bool has_facts = false;
    Facts facts;
    Steady seen_at;
    std::string last_contact;  // as an instant of SQL; empty: never
    std::string error;
    Measured measured;
    Reign reign;
    std::optional<double> replay_rate;  // bytes a second
};

// A process of this server that sends WAL, or a slot that nobody uses.
struct Sender {
    std::string application_name;
    std::string host;
    std::string state;
    std::string sync_state;
    Lsn sent, written, flushed, replayed;
    std::string reply_time;
    std::string slot_name;
    std::string slot_wal_status;
    std::optional<std::int64_t>
        safe_wal_size;      // until the slot loses WAL, or the disk is full; nothing: nobody knows, or it has lost some
    bool is_active = true;  // false: only the slot is there
};

struct Surroundings {
    std::int64_t system_identifier = 0;
    std::string self_name;  // of this server where it is not registered
    Facts self;
    Horizon horizon;  // what the primary has, as far as is known here
    bool is_prober_running = false;
    Steady now;
    std::int64_t fresh_for = 0;
    std::string now_text;
    std::optional<double> wal_rate = {};         // of the primary, lately, in bytes a second
    std::optional<double> hourly_wal_rate = {};  // of this server, where it is the primary
};

struct StatusRow {
    std::string node_name;
    std::optional<Node> node;  // nothing: not registered
    std::string role;          // empty: unknown
    std::string state;
    Facts facts;
    Sender sender;
    Lag lag;
    std::optional<std::uint64_t> receive_lag_bytes;  // of which it has not received
    std::optional<std::uint64_t> replay_lag_bytes;   // received, and not replayed
    std::optional<double> catch_up_seconds;
    std::optional<double> slot_hours_left;
    std::string last_contact;
    std::string verdict;
    std::string detail;
};

struct Registered {
    Node node;
    std::optional<Known> known;
};

std::vector<StatusRow> status_rows(const std::vector<Registered>& nodes, std::vector<Sender> senders,
                                   const Surroundings& surroundings);

}  // namespace steward::route
