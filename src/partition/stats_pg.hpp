// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>

#include "partition/info_pg.hpp"
#include "partition/stats.hpp"

namespace steward::partition {

struct SetStats {
    Oid parent = InvalidOid;
    Stats stats;
    std::optional<std::int64_t> default_rows;  // exactly 0 or an estimate; nothing without a default partition
};

SetStats stats_of(InfoQuery& query, const ShownSet& shown);

// The locks that a query over all of the table takes.
std::int64_t locks_of(InfoQuery& query, Oid table);

// What the lock table holds as the manual counts it: max_locks_per_transaction * (max_connections + max_prepared_transactions).
std::int64_t lock_capacity();

}  // namespace steward::partition
