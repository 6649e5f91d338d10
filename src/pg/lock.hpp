// SPDX-License-Identifier: PostgreSQL
//
// Locks on other people's tables. Whoever waits for a strong lock makes everybody behind it wait too, so we ask without
// queueing first, queue only for a short time, and can name who is in the way.
#pragma once

#include <string>
#include <vector>

#include "pg/postgres.hpp"

namespace steward::pg {

struct Blocker {
    int pid = 0;
    std::string state;       // of its session
    std::string query;       // as the current user may see it
    double age_seconds = 0;  // of its transaction
};

// "process 4711 (idle in transaction for 312 s: UPDATE events SET ...)"
std::string describe(const Blocker& blocker);

// Who holds a lock on the relation that conflicts with `mode`, the oldest transaction first. Needs a transaction.
std::vector<Blocker> blockers(Oid relation, LOCKMODE mode);

// True when this session's own transaction holds any lock on the relation.
bool is_locked_by_me(Oid relation);

// Takes the lock until the end of the transaction: asks for up to `patience_ms` without queueing. False when it stays taken.
bool lock_politely(Oid relation, LOCKMODE mode, int patience_ms);

// The same for a lock of our own making, in EXCLUSIVE mode, of the transaction or of the session.
bool lock_tag_politely(const LOCKTAG& tag, bool is_session, int patience_ms);

const char* lock_mode_name(LOCKMODE mode);  // "SHARE UPDATE EXCLUSIVE"
// Of a mode as pg_locks has it: "ShareUpdateExclusiveLock".
const char* lock_mode_name(const std::string& server_name);

}  // namespace steward::pg
