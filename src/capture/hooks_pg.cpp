// SPDX-License-Identifier: PostgreSQL
//
// Where the server says what it does. Each hook does its own little and goes on to whoever was there before; no object with a
// destructor lives over that call, since an error jumps over it. What differs between versions is only passed through.
#include <tuple>

#include "capture/flight_pg.hpp"

namespace steward::capture {

namespace {

planner_hook_type previous_planner = nullptr;
post_parse_analyze_hook_type previous_analyze = nullptr;
ExecutorStart_hook_type previous_start = nullptr;
ExecutorRun_hook_type previous_run = nullptr;
ExecutorFinish_hook_type previous_finish = nullptr;
ExecutorEnd_hook_type previous_end = nullptr;
ProcessUtility_hook_type previous_utility = nullptr;

// Once it is not off.
STEWARD_WITHIN bool is_counting() noexcept {
    return (mode == kAll || flights.depth() == 0) && !IsParallelWorker() && attach_session();
}

// ---- Hooks -----------------------------------------------------------------------------------------------------------

// What runs in frames that are no more on the stack has been left by an error.
inline void forget_left(const char* frame) noexcept {
    if (flights.depth() > 0) flights.forget_left(frame, on_lost);
}

const char* frame_of(void* address) noexcept { return static_cast<const char*>(address); }

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

template <class... Rest>
STEWARD_APART PlannedStmt* plan_watched(Query* query, const char* text, Rest... rest) {
    const char* frame = frame_of(__builtin_frame_address(0));
    forget_left(frame);
    if (query->queryId == 0 || !is_counting()) return plan_next(query, text, rest...);
    Source source = source_of(text, query->stmt_location, query->stmt_len);
    Flight* flight = begin(query, static_cast<std::uint64_t>(query->queryId), source);
    if (flight == nullptr) return plan_next(query, text, rest...);
    Watch watch;
    enter(watch, flight, frame);
    std::int64_t since = flight->running_since = now_ns();
    PlannedStmt* plan = plan_next(query, text, rest...);
    if (!leave(watch, flight)) return plan;
    flight->sums[kPlans] = 1;
    flight->sums[kPlanNs] = now_ns() - since;
    if (planned != nullptr) flush_planned();
    planned = flight;
    flight->query = nullptr;
    return plan;
}

template <class... Rest>
PlannedStmt* on_plan(Query* query, const char* text, Rest... rest) {
    return mode == kOff ? plan_next(query, text, rest...) : plan_watched(query, text, rest...);
}

void start_next(QueryDesc* query, int flags) {
    if (previous_start != nullptr)
        previous_start(query, flags);
    else
        standard_ExecutorStart(query, flags);
}

STEWARD_APART void start_watched(QueryDesc* query, int flags) {
    const char* frame = frame_of(__builtin_frame_address(0));
    forget_left(frame);
    auto queryid = static_cast<std::uint64_t>(query->plannedstmt->queryId);
    if (queryid == 0 || (flags & EXEC_FLAG_EXPLAIN_ONLY) != 0 || !is_counting()) return start_next(query, flags);
    Flight* flight = begin(query, queryid, source_of(query));
    if (flight == nullptr) {
        count_untimed(queryid, source_of(query));
        return start_next(query, flags);
    }
    Watch watch;
    enter(watch, flight, frame);
    start_next(query, flags);
    leave(watch, flight);
}

void on_start(QueryDesc* query, int flags) {
    return mode == kOff ? start_next(query, flags) : start_watched(query, flags);
}

template <class... Rest>
void run_next(QueryDesc* query, Rest... rest) {
    if (previous_run != nullptr)
        previous_run(query, rest...);
    else
        standard_ExecutorRun(query, rest...);
}

template <class... Rest>
STEWARD_APART void run_watched(QueryDesc* query, Rest... rest) {
    const char* frame = frame_of(__builtin_frame_address(0));
    forget_left(frame);
    Flight* flight = flights.find(query);
    if (flight == nullptr) return run_next(query, rest...);
    Watch watch;
    enter_measured(watch, flight, frame, note_error_of_query);
    run_next(query, rest...);
    if (leave_measured(watch, flight)) flight->sums[kRows] += static_cast<std::int64_t>(query->estate->es_processed);
}

template <class... Rest>
void on_run(QueryDesc* query, Rest... rest) {
    return flights.is_idle() ? run_next(query, rest...) : run_watched(query, rest...);
}

void finish_next(QueryDesc* query) {
    if (previous_finish != nullptr)
        previous_finish(query);
    else
        standard_ExecutorFinish(query);
}

STEWARD_APART void finish_watched(QueryDesc* query) {
    const char* frame = frame_of(__builtin_frame_address(0));
    Flight* flight = flights.find(query);
    if (flight == nullptr) return finish_next(query);
    Watch watch;
    enter_measured(watch, flight, frame, note_error_of_query);
    finish_next(query);
    leave_measured(watch, flight);
}

// It runs triggers and the rest of what changes data within WITH; there is nothing for it to do after a SELECT.
void on_finish(QueryDesc* query) {
    bool is_reading = query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE;
    return is_reading || flights.is_idle() ? finish_next(query) : finish_watched(query);
}

std::int64_t jit_ns_of(const JitInstrumentation& jit) noexcept {
    return pg::nanos_of(jit.generation_counter) + pg::nanos_of(jit.inlining_counter) +
           pg::nanos_of(jit.optimization_counter) + pg::nanos_of(jit.emission_counter);
}

STEWARD_APART void end_watched(const QueryDesc* query) noexcept {
    Flight* flight = flights.find(query);
    if (flight == nullptr || flight->is_running) return;
    const EState* state = query->estate;
    if (state->es_jit != nullptr) flight->sums[kJitNs] += jit_ns_of(state->es_jit->instr);
    if (state->es_jit_worker_instr != nullptr) flight->sums[kJitNs] += jit_ns_of(*state->es_jit_worker_instr);
    end(flight, query);
}

void on_end(QueryDesc* query) {
    if (!flights.is_idle()) end_watched(query);
    if (previous_end != nullptr)
        previous_end(query);
    else
        standard_ExecutorEnd(query);
}

template <class... Rest>
void utility_next(PlannedStmt* statement, const char* text, Rest... rest) {
    if (previous_utility != nullptr)
        previous_utility(statement, text, rest...);
    else
        standard_ProcessUtility(statement, text, rest...);
}

bool has_rows(CommandTag tag) noexcept {
    return tag == CMDTAG_COPY || tag == CMDTAG_FETCH || tag == CMDTAG_SELECT || tag == CMDTAG_REFRESH_MATERIALIZED_VIEW;
}

template <class... Rest>
STEWARD_APART void utility_watched(PlannedStmt* statement, const char* text, Rest... rest) {
    const char* frame = frame_of(__builtin_frame_address(0));
    forget_left(frame);
    // EXECUTE is its statement, which is counted as if it stood there, and PREPARE does no work.
    if (IsA(statement->utilityStmt, ExecuteStmt) || IsA(statement->utilityStmt, PrepareStmt) || !is_counting())
        return utility_next(statement, text, rest...);
    Source source = source_of(text, statement->stmt_location, statement->stmt_len);
    std::uint64_t queryid = fingerprint_of(source);
    Flight* flight = begin(statement, queryid, source);
    if (flight == nullptr) {
        count_untimed(queryid, source);
        return utility_next(statement, text, rest...);
    }
    Watch watch;
    enter_measured(watch, flight, frame);
    utility_next(statement, text, rest...);
    if (!leave_measured(watch, flight)) return;
    const QueryCompletion* done = std::get<sizeof...(Rest) - 1>(std::make_tuple(rest...));
    if (done != nullptr && has_rows(done->commandTag))
        flight->sums[kRows] += static_cast<std::int64_t>(done->nprocessed);
    end(flight, nullptr);
}

template <class... Rest>
void on_utility(PlannedStmt* statement, const char* text, Rest... rest) {
    return mode == kOff ? utility_next(statement, text, rest...) : utility_watched(statement, text, rest...);
}

}  // namespace

void install_hooks() {
    if (!pg::kServerHasQueryId) {
        previous_analyze = post_parse_analyze_hook;
        post_parse_analyze_hook = on_analyze;
    }
    pg::want_query_id();
    previous_planner = planner_hook;
    planner_hook = on_plan;
    previous_start = ExecutorStart_hook;
    ExecutorStart_hook = on_start;
    previous_run = ExecutorRun_hook;
    ExecutorRun_hook = on_run;
    previous_finish = ExecutorFinish_hook;
    ExecutorFinish_hook = on_finish;
    previous_end = ExecutorEnd_hook;
    ExecutorEnd_hook = on_end;
    previous_utility = ProcessUtility_hook;
    ProcessUtility_hook = on_utility;
    watch_failures();
}

}  // namespace steward::capture
