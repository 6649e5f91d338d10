// SPDX-License-Identifier: PostgreSQL
//
// The board as the prober fills it, and as a session reads it.
#pragma once

#include <memory>
#include <vector>

#include "route/candidates.hpp"
#include "route/page.hpp"
#include "route/watch_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

// By the prober; is_complete: there are no nodes but these. Returns whether there is a certain primary wherever nodes are
// registered.
bool write_board(const std::vector<std::unique_ptr<Watch>>& watches, bool is_complete);

// What is known now of the nodes of the session's database: of this server by itself, of the others by the prober. It holds
// until the next call.
Scene read_scene();

}  // namespace steward::route
