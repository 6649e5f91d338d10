// SPDX-License-Identifier: PostgreSQL
#include "pg/lock.hpp"

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace steward::pg {

namespace {

constexpr int kPollMs = 5;
constexpr std::size_t kShownQueryBytes = 80;

LOCKTAG tag_of(Oid relation) {
    LOCKTAG tag;
    SET_LOCKTAG_RELATION(tag, MyDatabaseId, relation);
    return tag;
}

struct Pids {
    int* pid;
    int count;
};

Pids conflicting_pids(Oid relation, LOCKMODE mode) {
    LOCKTAG tag = tag_of(relation);
    return call([&] {
        int count = 0;
        VirtualTransactionId* holders = GetLockConflicts(&tag, mode, &count);
        Pids found{static_cast<int*>(palloc(sizeof(int) * static_cast<std::size_t>(count + 1))), 0};
        for (int i = 0; i < count; ++i) {
            PGPROC* process = backend_of(holders[i]);
            if (process != nullptr) found.pid[found.count++] = process->pid;
        }
        return found;
    });
}

}  // namespace

std::string describe(const Blocker& blocker) {
    return fmt::format("process {} ({} for {:.0f} s: {})", blocker.pid,
                       blocker.state.empty() ? "active" : blocker.state, blocker.age_seconds,
                       base::cut_utf8(blocker.query, kShownQueryBytes));
}

std::vector<Blocker> blockers(Oid relation, LOCKMODE mode) {
    std::vector<Blocker> result;
    Pids found = conflicting_pids(relation, mode);
    if (found.count == 0) return result;
    std::string list = "{";
    for (int i = 0; i < found.count; ++i) list += fmt::format("{}{}", i == 0 ? "" : ",", found.pid[i]);
    list += "}";
    SafePath path;
    auto rows = query(
        "SELECT p.pid, coalesce(a.state, a.backend_type, 'active'), regexp_replace(coalesce(a.query, ''), '\\s+', ' ', "
        "'g'), "
        "date_part('epoch', clock_timestamp() - coalesce(a.xact_start, a.backend_start)) "
        "FROM unnest($1::int4[]) AS p(pid) LEFT JOIN pg_stat_activity a ON a.pid = p.pid ORDER BY 4 DESC NULLS LAST",
        {list});
    for (const Row& row : rows)
        result.push_back({static_cast<int>(row.number(0)), row.text(1), row.text(2), row.real(3)});
    return result;
}

bool is_locked_by_me(Oid relation) {
    LOCKTAG tag = tag_of(relation);
    for (LOCKMODE mode = AccessShareLock; mode <= AccessExclusiveLock; ++mode)
        if (lock_held_by_me(tag, mode)) return true;
    return false;
}

namespace {

template <class Try>
bool poll(int patience_ms, Try&& attempt) {
    for (int waited = 0;; waited += kPollMs) {
        if (attempt()) return true;
        if (waited >= patience_ms) return false;
        check_interrupts();
        pg_usleep(kPollMs * 1000L);
    }
}

}  // namespace

bool lock_politely(Oid relation, LOCKMODE mode, int patience_ms) {
    return poll(patience_ms, [&] { return call([&] { return ConditionalLockRelationOid(relation, mode); }); });
}

bool lock_tag_politely(const LOCKTAG& tag, bool is_session, int patience_ms) {
    return poll(patience_ms, [&] {
        return call([&] { return LockAcquire(&tag, ExclusiveLock, is_session, true) != LOCKACQUIRE_NOT_AVAIL; });
    });
}

const char* lock_mode_name(LOCKMODE mode) {
    static constexpr const char* kNames[] = {
        "NONE",  "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
        "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};
    return mode >= 0 && mode <= AccessExclusiveLock ? kNames[mode] : "UNKNOWN";
}

const char* lock_mode_name(const std::string& server_name) {
    LOCKMODE mode = AccessShareLock;
    while (mode <= AccessExclusiveLock && server_name != GetLockmodeName(DEFAULT_LOCKMETHOD, mode)) ++mode;
    return lock_mode_name(mode);
}

}  // namespace steward::pg
