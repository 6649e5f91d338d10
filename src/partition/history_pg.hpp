// SPDX-License-Identifier: PostgreSQL
//
// steward.partition_log (which users see as steward.partition_history) and steward.partition_trash: written as the
// extension's owner, in the transaction of the step.
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
// It lies in the schema or tablespace of its policy; until then every maintenance tries (plan_retention()).
void note_moved(Oid partition);
// A partition that leaves its table at top level lies in the trash before it has left, and without a time to go if the worker dies
// meanwhile: only now may it be dropped one day. Where that was missed, the next maintenance does it (plan_trash()).
void start_grace(Oid partition);

}  // namespace steward::partition
