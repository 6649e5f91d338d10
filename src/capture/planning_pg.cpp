// SPDX-License-Identifier: PostgreSQL
//
// Statements get their ids and are planned: hooks as those in hooks_pg.cpp.
#include "capture/timing_pg.hpp"

namespace steward::capture {

namespace {

planner_hook_type previous_planner = nullptr;
post_parse_analyze_hook_type previous_analyze = nullptr;

planner_hook_type plan_way;

// PostgreSQL 13 leaves the id to others; two tables of one name are told apart by their OIDs.
std::uint64_t own_queryid(const Query* query, const Source& source) noexcept {
    std::uint64_t id = fingerprint_of(source);
    ListCell* cell = nullptr;
    foreach (cell, query->rtable) {
        const auto* relation = static_cast<const RangeTblEntry*>(lfirst(cell));
        if (relation->rtekind == RTE_RELATION) id = mix(id ^ relation->relid);
    }
    return id == 0 ? 1 : id;
}

template <class... Rest>
void on_analyze(ParseState* state, Query* query, Rest... rest) {
    if (previous_analyze != nullptr) previous_analyze(state, query, rest...);
    if (query->queryId == 0 && query->utilityStmt == nullptr && mode != kOff)
        query->queryId = own_queryid(query, source_of(state->p_sourcetext, query->stmt_location, query->stmt_len));
}

template <class... Rest>
PlannedStmt* plan_next(Query* query, const char* text, Rest... rest) {
    return previous_planner != nullptr ? previous_planner(query, text, rest...)
                                       : standard_planner(query, text, rest...);
}

template <class Own, class... Rest>
PlannedStmt* plan_watched(Query* query, const char* text, Rest... rest) {
    Own own;
    const char* frame = frame_of(__builtin_frame_address(0));
    forget_left(frame);
    if (query->queryId == 0 || !is_counting()) return plan_next(query, text, rest...);
    Source source = source_of(text, query->stmt_location, query->stmt_len);
    Flight* flight = begin(query, static_cast<std::uint64_t>(query->queryId), source);
    if (flight == nullptr) return plan_next(query, text, rest...);
    Watch watch;
    enter(watch, flight, frame);
    std::int64_t since = flight->running_since = now_ns();
    own.pause();
    PlannedStmt* plan = plan_next(query, text, rest...);
    own.resume();
    if (!leave(watch, flight)) return plan;
    flight->sums[kPlans] = 1;
    flight->sums[kPlanNs] = now_ns() - since;
    if (planned != nullptr) flush_planned();
    planned = flight;
    flight->query = nullptr;
    own.pause();
    return plan;
}

template <class... Rest>
PlannedStmt* on_plan(Query* query, const char* text, Rest... rest) {
    return plan_way(query, text, rest...);
}

}  // namespace

void choose_planning_way(Way way) noexcept {
    if (way == Way::past)
        plan_way = plan_next;
    else if (way == Way::timed)
        plan_way = plan_watched<Timed>;
    else
        plan_way = plan_watched<Untimed>;
}

void install_planning_hooks() {
    if (!pg::kServerHasQueryId) {
        previous_analyze = post_parse_analyze_hook;
        post_parse_analyze_hook = on_analyze;
    }
    pg::want_query_id();
    previous_planner = planner_hook;
    planner_hook = on_plan;
}

}  // namespace steward::capture
