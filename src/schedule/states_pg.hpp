// SPDX-License-Identifier: PostgreSQL
//
// How jobs stand, for whoever asks in a session.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "schedule/job.hpp"
#include "pg/postgres.hpp"

namespace steward::schedule {

// Why no job of the cluster runs at present; null when they do.
const char* scheduler_problem();

// The jobs of this database whose role the current user is a member of, with that role; all for members of pg_monitor.
std::map<std::int64_t, Oid> visible_jobs();

// The jobs of this database as a launcher would read them.
std::vector<Definition> read_definitions();

}  // namespace steward::schedule
