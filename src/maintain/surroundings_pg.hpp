// SPDX-License-Identifier: PostgreSQL
//
// What the server is like at this moment, as far as it decides what may be done. As the extension's owner.
#pragma once

#include <vector>

#include "maintain/plan.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

// Who is at which table, who keeps whom waiting, and how much room the indexes of `tables` have; `disk_bytes`: the most that a step
// may take beside what is there.
Surroundings read_surroundings(const std::vector<TableFacts>& tables, std::optional<std::int64_t> disk_bytes);

// What the ledger knows of earlier steps.
std::vector<Experience> read_experience();

}  // namespace steward::maintain
