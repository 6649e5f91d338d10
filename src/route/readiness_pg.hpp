// SPDX-License-Identifier: PostgreSQL
//
// The servers of the cluster as far as this session can ask them.
#pragma once

#include "route/readiness.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

// Asks each registered node that is up, and waits for it at most steward.route_probe_timeout. With a transaction open and a
// safe path.
Cluster look_at_cluster();

}  // namespace steward::route
