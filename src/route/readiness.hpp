// SPDX-License-Identifier: PostgreSQL
//
// What a failover would cost now, and what would stop it or hurt after: who would be promoted, what would be lost, which slots,
// and which settings are in the way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "route/facts.hpp"
#include "route/finding.hpp"
#include "route/probe.hpp"

namespace steward::route {

struct Slot {
    std::string name;
    bool is_logical = false;
    bool is_active = false;
    std::string wal_status;
    bool is_failover = false;  // the server keeps a copy of it on standbys: PostgreSQL 17
    bool is_synced = false;    // such a copy
};

// A server of the cluster as far as it could be asked.
struct Member {
    std::string name;
    bool is_self = false;
    Reach reach = Reach::unknown;
    bool has_facts = false;
    Facts facts;
    std::optional<std::int64_t> loss;  // microseconds: the age of the oldest WAL that it has not received, at most
    std::optional<std::string> error;  // why its settings are unknown
    std::map<std::string, std::string> settings;
    std::vector<Slot> slots;
    std::vector<std::string> standbys;  // that stream from it, by application_name
};

struct Cluster {
    std::int64_t system_identifier = 0;
    bool is_prober_running = false;
    bool has_nodes = false;
    std::vector<Member> members;
};

std::vector<Finding> readiness(const Cluster& cluster);

}  // namespace steward::route
