// SPDX-License-Identifier: PostgreSQL
//
// EXPLAIN of a statement whose executor is there.
#pragma once

#include "pg/executor.hpp"

extern "C" {
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
}

namespace steward::pg {

// As EXPLAIN prints it without ANALYZE, in the current memory context.
inline StringInfo explain_plan(const QueryDesc* query, bool has_costs) {
    ExplainState* state = NewExplainState();
    state->costs = has_costs;
    state->format = EXPLAIN_FORMAT_TEXT;
    ExplainBeginOutput(state);
    ExplainPrintPlan(state, const_cast<QueryDesc*>(query));
    ExplainEndOutput(state);
    return state->str;
}

}  // namespace steward::pg
