// SPDX-License-Identifier: PostgreSQL
//
// What this server knows of the nodes of the current database.
#pragma once

#include <vector>

#include "route/status.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

struct Picture {
    std::vector<Registered> nodes;
    Surroundings around;
};

// With a transaction open and a safe path.
Picture picture();

}  // namespace steward::route
