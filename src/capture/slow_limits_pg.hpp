// SPDX-License-Identifier: PostgreSQL
//
// steward.slow_thresholds: a worker that looks into the database reads it (schedule/loader_pg.cpp), at server start and after each
// change; sessions never do.
#pragma once

#include "capture/slow_limits.hpp"
#include "pg/postgres.hpp"

namespace steward::capture {

// In this session. What it costs is paid where a statement is slow, and once a second a query.
Thresholds thresholds_of(std::uint64_t queryid) noexcept;

// Reads the table of this database, in a transaction. Throws 55P03 when somebody has locked it.
void load_slow_limits();
// There are none any more.
void forget_slow_limits(Oid database) noexcept;

}  // namespace steward::capture
