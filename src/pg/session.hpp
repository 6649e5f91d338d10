// SPDX-License-Identifier: PostgreSQL
//
// What one piece of work leaves behind in a session for the next. Background workers only.
#pragma once

#include <set>
#include <string>

#include "pg/postgres.hpp"

namespace steward::pg {

// The libraries this process has loaded, without what the server and PL/pgSQL bring: each may keep things in the process
// that nobody else knows of, such as a connection of dblink's or a variable of PL/Perl's.
std::set<std::string> loaded_libraries();

// The lock a new connection takes on its database, up to the end of the transaction. False when it would have to wait:
// somebody drops, renames or copies the database and waits for everybody to be gone.
bool lock_database_now();

// What a SIGHUP has announced since the last call.
void reload_settings();

// As DISCARD ALL: settings, roles, prepared statements, cursors, temporary tables, advisory locks, LISTENs, sequences. Cached
// plans stay: their users hold nothing else, and an outdated one is made anew. In a transaction of its own; false when that
// failed and the session is good for nothing more.
bool discard_session();

}  // namespace steward::pg
