// SPDX-License-Identifier: PostgreSQL
//
// Whether a server is set up as replication needs it: this one, by what it says of itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "route/finding.hpp"
#include "route/readiness.hpp"

namespace steward::route {

struct HbaRule {
    std::string type;
    std::string database;  // items, with commas
    std::string method;
    std::string error;
};

struct ReplicationSetup {
    bool is_standby = false;
    bool is_preloaded = false;
    bool has_nodes = false;
    std::map<std::string, std::string> settings;
    std::vector<Slot> slots;
    std::size_t standbys_without_slot = 0;
    std::size_t senders = 0;
    std::vector<std::string> standbys;
    std::optional<std::vector<HbaRule>> hba;     // nothing: it may not be read
    std::vector<std::string> replication_roles;  // that may log in
    std::size_t replication_superusers = 0;      // of them
    bool is_archiving_failing = false;
    std::string receiver_state;  // of a standby
    bool has_password_in_conninfo = false;
};

std::vector<Finding> replication_setup(const ReplicationSetup& setup);

}  // namespace steward::route
