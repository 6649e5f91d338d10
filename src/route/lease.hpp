// SPDX-License-Identifier: PostgreSQL
//
// Up to when a primary may take commits without hearing more: as long as more than half of the nodes have lately answered it and
// none knows of another primary. One that is cut off from the others stops by itself, where these promote one of themselves.
#pragma once

#include "route/primary.hpp"

namespace steward::route {

// Of this server, by the nodes of one database; 0 when it has none.
Steady lease_of(Nodes nodes, const Around& around) noexcept;

// By all databases in which there are nodes.
Steady lease_of(const Page& page, const Around& around) noexcept;

}  // namespace steward::route
