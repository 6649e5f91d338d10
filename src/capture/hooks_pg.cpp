// SPDX-License-Identifier: PostgreSQL
//
// Where the server says what it does. Each hook does its own little and goes on to whoever was there before; no object with a
// destructor lives over that call, since an error jumps over it. What differs between versions is only passed through.
//
// A hook goes one of three ways, see Way.
#include <tuple>

#include "capture/timing_pg.hpp"

namespace steward::capture {

namespace {

ExecutorStart_hook_type previous_start = nullptr;
ExecutorRun_hook_type previous_run = nullptr;
ExecutorFinish_hook_type previous_finish = nullptr;
ExecutorEnd_hook_type previous_end = nullptr;
ProcessUtility_hook_type previous_utility = nullptr;

ExecutorStart_hook_type start_way;
ExecutorRun_hook_type run_way;
ExecutorFinish_hook_type finish_way;
ExecutorEnd_hook_type end_way;
ProcessUtility_hook_type utility_way;

void start_next(QueryDesc* query, int flags) {
    if (previous_start != nullptr)
        previous_start(query, flags);
    else
        standard_ExecutorStart(query, flags);
}

template <class Own>
void start_watched(QueryDesc* query, int flags) {
    Own own;
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
    own.pause();
    start_next(query, flags);
    own.resume();
    leave(watch, flight);
    own.pause();
}

void on_start(QueryDesc* query, int flags) { start_way(query, flags); }

template <class... Rest>
void run_next(QueryDesc* query, Rest... rest) {
    if (previous_run != nullptr)
        previous_run(query, rest...);
    else
        standard_ExecutorRun(query, rest...);
}

template <class Own, class... Rest>
void run_watched(QueryDesc* query, Rest... rest) {
    Own own;
    const char* frame = frame_of(__builtin_frame_address(0));
    forget_left(frame);
    Flight* flight = flights.find(query);
    if (flight == nullptr) return run_next(query, rest...);
    Watch watch;
    enter_measured(watch, flight, frame, note_error_of_query, flight);
    own.pause();
    run_next(query, rest...);
    own.resume();
    if (leave_measured(watch, flight)) flight->sums[kRows] += static_cast<std::int64_t>(query->estate->es_processed);
    own.pause();
}

void go_past() noexcept;

// Of what was begun before counting was turned off.
template <class... Rest>
void run_begun(QueryDesc* query, Rest... rest) {
    if (!flights.is_idle()) return run_watched<Untimed>(query, rest...);
    go_past();
    run_next(query, rest...);
}

template <class... Rest>
void on_run(QueryDesc* query, Rest... rest) {
    run_way(query, rest...);
}

void finish_next(QueryDesc* query) {
    if (previous_finish != nullptr)
        previous_finish(query);
    else
        standard_ExecutorFinish(query);
}

template <class Own>
STEWARD_APART void finish_watched(QueryDesc* query) {
    Own own;
    const char* frame = frame_of(__builtin_frame_address(0));
    Flight* flight = flights.find(query);
    if (flight == nullptr) return finish_next(query);
    Watch watch;
    enter_measured(watch, flight, frame, note_error_of_query, flight);
    own.pause();
    finish_next(query);
    own.resume();
    leave_measured(watch, flight);
    own.pause();
}

// It runs triggers and the rest of what changes data within WITH; there is nothing for it to do after a SELECT.
template <class Own>
void finish_counted(QueryDesc* query) {
    bool is_reading = query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE;
    return is_reading || flights.is_idle() ? finish_next(query) : finish_watched<Own>(query);
}

void on_finish(QueryDesc* query) { finish_way(query); }

std::int64_t jit_ns_of(const JitInstrumentation& jit) noexcept {
    return pg::nanos_of(jit.generation_counter) + pg::nanos_of(jit.inlining_counter) +
           pg::nanos_of(jit.optimization_counter) + pg::nanos_of(jit.emission_counter);
}

void end_next(QueryDesc* query) {
    if (previous_end != nullptr)
        previous_end(query);
    else
        standard_ExecutorEnd(query);
}

// All is known before the executor is put away; an error in that is found by on_closed().
template <class Own>
STEWARD_APART void end_watched(QueryDesc* query) {
    Own own;
    Flight* flight = flights.find(query);
    if (flight == nullptr || flight->is_running) return end_next(query);
    const EState* state = query->estate;
    if (state->es_jit != nullptr) flight->all_sums()[kJitNs] += jit_ns_of(state->es_jit->instr);
    if (state->es_jit_worker_instr != nullptr) flight->all_sums()[kJitNs] += jit_ns_of(*state->es_jit_worker_instr);
    count(flight, source_of(query), query);
    own.pause();
    own.end_statement();
    ErrorContextCallback callback{error_context_stack, note_error, nullptr};
    error_context_stack = &callback;
    end_next(query);
    error_context_stack = callback.previous;
    flights.end(flight);
}

template <class Own>
void end_counted(QueryDesc* query) {
    return flights.is_idle() ? end_next(query) : end_watched<Own>(query);
}

void on_end(QueryDesc* query) { end_way(query); }

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

template <class Own, class... Rest>
void utility_watched(PlannedStmt* statement, const char* text, Rest... rest) {
    Own own;
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
    UtilityRun run{flight, source};
    Watch watch;
    enter_measured(watch, flight, frame, note_error_of_utility, &run);
    own.pause();
    utility_next(statement, text, rest...);
    own.resume();
    if (!leave_measured(watch, flight)) return;
    const QueryCompletion* done = std::get<sizeof...(Rest) - 1>(std::make_tuple(rest...));
    if (done != nullptr && has_rows(done->commandTag))
        flight->sums[kRows] += static_cast<std::int64_t>(done->nprocessed);
    count(flight, source, nullptr);
    flights.end(flight);
    own.pause();
    own.end_statement();
}

template <class... Rest>
void on_utility(PlannedStmt* statement, const char* text, Rest... rest) {
    utility_way(statement, text, rest...);
}

template <class Own>
void go_counting() noexcept {
    start_way = start_watched<Own>;
    run_way = run_watched<Own>;
    finish_way = finish_counted<Own>;
    end_way = end_counted<Own>;
    utility_way = utility_watched<Own>;
}

void go_past() noexcept {
    start_way = start_next;
    utility_way = utility_next;
    bool has_begun = !flights.is_idle();
    run_way = has_begun ? ExecutorRun_hook_type{run_begun} : ExecutorRun_hook_type{run_next};
    finish_way = has_begun ? finish_counted<Untimed> : finish_next;
    end_way = has_begun ? end_counted<Untimed> : end_next;
}

bool is_on = false;
bool is_timed = false;

void choose_way() noexcept {
    Way way = !is_on ? Way::past : is_timed ? Way::timed : Way::counted;
    choose_planning_way(way);
    if (way == Way::past)
        go_past();
    else if (way == Way::timed)
        go_counting<Timed>();
    else
        go_counting<Untimed>();
}

}  // namespace

void use_timed_hooks(bool timed) noexcept {
    is_timed = timed;
    choose_way();
}

// Before the setting itself is another.
void assign_mode(int new_mode, void*) {
    is_on = new_mode != kOff;
    choose_way();
}

void set_mode(int new_mode) noexcept {
    assign_mode(new_mode, nullptr);
    mode = new_mode;
}

void install_hooks() {
    install_planning_hooks();
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
