// SPDX-License-Identifier: PostgreSQL
//
// Waiting without a snapshot.
#pragma once

#include "pg/postgres.hpp"

namespace steward::pg {

// In a procedure that a client CALLed by itself, inside a transaction block or not: lets go of the statement's snapshot.
// False where one is held all the same: then the call has to fail.
bool drop_snapshots_of_call(Oid procedure);

}  // namespace steward::pg
