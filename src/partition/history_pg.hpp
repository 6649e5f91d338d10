// SPDX-License-Identifier: PostgreSQL
//
// steward.partition_history and steward.partition_trash: written as the extension's owner, in the transaction of the step.
#pragma once

#include <string>
#include <vector>

#include "partition/execute_pg.hpp"
#include "partition/plan.hpp"

namespace steward::partition {

struct HistoryRow {
    StepResult result;
    std::string blocked_by;
    double duration_ms = 0;
    std::string sql;
};

void write_history(const std::vector<HistoryRow>& rows);

void put_in_trash(const PlanStep& step, const Policy& policy, Oid retired_by);
void take_out_of_trash(Oid partition);

}  // namespace steward::partition
