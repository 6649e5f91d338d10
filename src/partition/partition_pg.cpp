// SPDX-License-Identifier: PostgreSQL
#include "partition/partition_pg.hpp"

#include "partition/execute_pg.hpp"
#include "pg/guc.hpp"

namespace steward::partition {

void init() {
    pg::define_setting("steward.partition_lock_timeout",
                       "Sets the longest time that one attempt to lock a table waits before it lets others pass.",
                       &lock_timeout_ms, {kMinLockTimeoutMs, kMaxLockTimeoutMs}, PGC_USERSET, GUC_UNIT_MS);
}

}  // namespace steward::partition
