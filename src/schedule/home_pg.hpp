// SPDX-License-Identifier: PostgreSQL
//
// Where jobs are at home: each says in which cluster and database it was scheduled, and runs nowhere else. The view
// steward.job_places compares; this keeps what it compares true over pg_upgrade.
#pragma once

#include "pg/postgres.hpp"

namespace steward::schedule {

// Jobs that pg_upgrade has carried over are at home in the new cluster; those that a dump or a copy brought are not. As the
// extension's owner, before jobs are read or written.
void settle_home();

}  // namespace steward::schedule
