// SPDX-License-Identifier: PostgreSQL
//
// One backup: made, looked at, recorded, and older ones removed.
#pragma once

#include "maintain/programs_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

// In a procedure that may commit, under the program's lock. Throws when there is no good backup, after that is recorded.
void make_backup(const AllowedProgram& program);

}  // namespace steward::maintain
