// SPDX-License-Identifier: PostgreSQL
//
// The plan of maintenance as it stands now: what steward.maintenance_plan() shows is what steward.maintain() runs.
#pragma once

#include <vector>

#include "maintain/plan.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

struct Order {
    Oid role = InvalidOid;  // whose tables
    Wishes wishes;
    std::optional<std::int64_t> disk_bytes;  // the most that a step may take beside what is there
};

// Of the arguments (budget interval, actions text[], wal_bytes bigint, disk_bytes bigint) from `first` on. Throws 22023.
Order order_of(FunctionCallInfo fcinfo, int first);

std::vector<Step> make_plan(const Order& order);
// The steps for one table; none when it is gone.
std::vector<Step> make_plan_of_table(const Order& order, RelationId table);

}  // namespace steward::maintain
