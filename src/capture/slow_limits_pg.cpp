// SPDX-License-Identifier: PostgreSQL
#include "capture/slow_limits_pg.hpp"

#include <cstring>
#include <vector>

#include "base/text.hpp"
#include "capture/slow_pg.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/shmem.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace steward::capture {

namespace {

// Those of this session's database, as of so many changes.
SlowLimit limits[SlowLimits::kMost];
int limit_count = 0;
std::uint64_t changes_seen = 0;

void refresh() noexcept {
    pg::Locked locked(shared().limits_lock, LW_SHARED);
    changes_seen = shared().limits.changes();
    limit_count = shared().limits.copy(MyDatabaseId, limits);
}

int replace(Oid database, const SlowLimit* by, int count) noexcept {
    pg::Locked locked(shared().limits_lock);
    return shared().limits.replace(database, by, count);
}

SlowLimit limit_of(const pg::Row& row) {
    bool is_of_query = row.is_null(0);
    std::uint64_t subject = is_of_query ? static_cast<std::uint64_t>(row.number(1)) : name_hash(row.text(0));
    auto millis = [&](std::size_t column) {
        return row.is_null(column) ? kAsSet : static_cast<int>(row.number(column));
    };
    return {MyDatabaseId, is_of_query, subject, millis(2), millis(3)};
}

}  // namespace

Thresholds thresholds_of(std::uint64_t queryid) noexcept {
    if (shared().limits.changes() != changes_seen) refresh();
    Thresholds as_set{slow_threshold, critical_threshold, false};
    if (limit_count == 0) return as_set;
    return thresholds_by(limits, limit_count, queryid, name_hash({application_name, strlen(application_name)}), as_set);
}

void load_slow_limits() {
    if (!has_shared()) return;
    pg::AsExtensionOwner as_extension;
    pg::set_local("lock_timeout", "100ms");
    std::vector<SlowLimit> found;
    for (const pg::Row& row : pg::query("SELECT application, queryid, slow_ms, critical_ms FROM steward.slow_thresholds"
                                        " ORDER BY queryid, application"))
        found.push_back(limit_of(row));
    int placed = replace(MyDatabaseId, found.data(), static_cast<int>(found.size()));
    auto without = static_cast<int>(found.size()) - placed;
    if (without == 0) return;
    pg::call([&] {
        ereport(WARNING,
                (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                 errmsg("%d rows of table \"steward.slow_thresholds\" find no room and are not heeded", without),
                 errhint("Delete rows: all databases of the server together may have %d.", SlowLimits::kMost)));
    });
}

void forget_slow_limits(Oid database) noexcept {
    if (has_shared()) replace(database, nullptr, 0);
}

}  // namespace steward::capture
