// SPDX-License-Identifier: PostgreSQL
//
// How the launcher's workers lock the tables of the room: all at once or none, and waiting for nobody. Whoever drops or
// alters the extension then never meets them in a circle; they give way and come back later.
#pragma once

#include "pg/error.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

enum class Use { read, record };

// Within an AsExtensionOwner block, before its first statement; the statements after it wait for no row longer than half of
// deadlock_timeout, so that the server never looks for a deadlock because of us. Throws 55P03.
void lock_tables(Use use);

// Whether it failed only because somebody was in the way.
bool gave_way(const pg::ErrorReport& failure);

}  // namespace steward::schedule
