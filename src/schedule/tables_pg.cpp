// SPDX-License-Identifier: PostgreSQL
#include "schedule/tables_pg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/transaction.hpp"

namespace steward::schedule {

namespace {

struct Table {
    const char* name;
    LOCKMODE read;
    LOCKMODE record;
};

// The row of a job is locked by the foreign key of its progress.
constexpr Table kTables[] = {
    {"job_definitions", AccessShareLock, RowShareLock}, {"job_progress", AccessShareLock, RowExclusiveLock},
    {"job_history", AccessShareLock, RowExclusiveLock}, {"job_groups", AccessShareLock, AccessShareLock},
    {"job_pause", AccessShareLock, AccessShareLock},    {"job_home", AccessShareLock, AccessShareLock},
    {"job_places", AccessShareLock, AccessShareLock},
};

// The first that is not to be had now, or that somebody has just dropped.
const char* lock_all(Use use) {
    Oid schema = get_namespace_oid("steward", true);
    for (const Table& table : kTables) {
        Oid relation = OidIsValid(schema) ? get_relname_relid(table.name, schema) : InvalidOid;
        LOCKMODE mode = use == Use::read ? table.read : table.record;
        if (!OidIsValid(relation) || !ConditionalLockRelationOid(relation, mode)) return table.name;
    }
    return nullptr;
}

}  // namespace

void lock_tables(Use use) {
    pg::set_local("lock_timeout", fmt::format("{}ms", std::max(DeadlockTimeout / 2, 1)));
    const char* taken = pg::call([&] { return lock_all(use); });
    if (taken == nullptr) return;
    throw pg::PgError(ERRCODE_LOCK_NOT_AVAILABLE, "table \"steward.{}\" is locked by somebody else", taken)
        .hint("It is tried again.");
}

bool gave_way(const pg::ErrorReport& failure) { return failure.sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE; }

}  // namespace steward::schedule
