// SPDX-License-Identifier: PostgreSQL
//
// How a page of the board follows from the one before.
#pragma once

#include "route/board.hpp"
#include "route/primary.hpp"

namespace steward::route {

// The nodes of a page that are registered in one database; they stand in its order.
Nodes nodes_of(const Page& page, std::uint32_t database) noexcept;

// `page` has what was heard. How far standbys are behind is heard from a primary: where none is certain, it stays what it was
// on the page before, and only gets older. The epoch grows with any change of members, roles, timelines and the certain
// primary. Returns whether there is a certain primary in each database.
bool follow(Page& page, const Page& before, const Around& around) noexcept;

}  // namespace steward::route
