// SPDX-License-Identifier: PostgreSQL
//
// What this server says of itself.
#pragma once

#include "route/facts.hpp"
#include "route/lag.hpp"

#include "pg/spi.hpp"
#include "pg/srf.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

struct OwnFacts {
    Facts facts;
    // Of a standby, by what its WAL receiver has heard of the server above it.
    Horizon heard;
};

std::optional<Lsn> lsn_of(const pg::Row& row, std::size_t column);

// Cells of the room's views and of what a server says.
pg::Cell lsn_or_null(Lsn lsn);
pg::Cell pid_or_null(const Blocker& blocker);

// With a transaction open and a safe path.
OwnFacts own_facts();
// The part of it that needs no transaction: all but the WAL receiver, conflicts and whether replay is paused.
Facts own_position();

}  // namespace steward::route
