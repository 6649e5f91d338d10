// SPDX-License-Identifier: PostgreSQL
//
// Where the server says what it does. Each hook does its own little and goes on to whoever was there before; no object with a
// destructor lives over that call, since an error jumps over it. What differs between versions is only passed through.
//
// Errors: a context callback sees each error before anybody can catch it, and notes its SQLSTATE; the abort of the
// (sub)transaction then tells which statements it has ended.
#include <algorithm>
#include <ctime>
#include <tuple>

#include "capture/session_pg.hpp"
#include "pg/executor.hpp"

namespace steward::capture {

namespace {

// As they were when the part that runs began.
struct Before {
    BufferUsage buffers;
    WalUsage wal;
    std::int64_t cpu;
};

Flights<Before> flights;
using Flight = Flights<Before>::Flight;
int noted_sqlstate = 0;  // of the last error, until its transaction has been aborted

planner_hook_type previous_planner = nullptr;
post_parse_analyze_hook_type previous_analyze = nullptr;
ExecutorStart_hook_type previous_start = nullptr;
ExecutorRun_hook_type previous_run = nullptr;
ExecutorFinish_hook_type previous_finish = nullptr;
ExecutorEnd_hook_type previous_end = nullptr;
ProcessUtility_hook_type previous_utility = nullptr;

// A statement whose calls take less on average is measured in processor time one time in kSampleOneOf, as that is a call of
// the kernel; the first few of each always.
constexpr std::int64_t kAlwaysSampledNs = 1'000'000;
constexpr int kSampleOneOf = 16;

// What does something is apart from what mostly does nothing, so that this is a few instructions: here and in the hooks.
#define STEWARD_APART __attribute__((noinline))
#define STEWARD_WITHIN inline __attribute__((always_inline))

std::int64_t clock_ns(clockid_t clock) noexcept {
    timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
std::int64_t now_ns() noexcept { return clock_ns(CLOCK_MONOTONIC); }
std::int64_t cpu_ns() noexcept { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

// Once it is not off.
STEWARD_WITHIN bool is_counting() noexcept {
    return (mode == kAll || flights.depth() == 0) && !IsParallelWorker() && attach_session();
}

// ---- Statements that end otherwise -----------------------------------------------------------------------------------

// Notices come by here too.
void note_error(void*) {
    int sqlstate = geterrcode();
    int category = ERRCODE_TO_CATEGORY(sqlstate);
    if (category != ERRCODE_SUCCESSFUL_COMPLETION && category != ERRCODE_TO_CATEGORY(ERRCODE_WARNING) &&
        category != ERRCODE_TO_CATEGORY(ERRCODE_NO_DATA))
        noted_sqlstate = sqlstate;
}

// The counts of blocks are in the server's order.
constexpr int kBlockCounts = kTempWritten - kSharedHit + 1;
static_assert(offsetof(BufferUsage, shared_blks_hit) == 0 &&
              offsetof(BufferUsage, temp_blks_written) == (kBlockCounts - 1) * sizeof(std::int64_t) &&
              offsetof(BufferUsage, local_blks_hit) == (kLocalHit - kSharedHit) * sizeof(std::int64_t));

// What has been used since the part began, its processor time too when this call is measured in it.
STEWARD_WITHIN void add_usage(Flight& flight) noexcept {
    std::int64_t* sums = flight.sums;
    if (flight.sampling > 0) sums[kCpuNs] += (cpu_ns() - flight.extra.cpu) * flight.sampling;
    const BufferUsage& before = flight.extra.buffers;
    const BufferUsage& after = pgBufferUsage;
    const auto* blocks_before = reinterpret_cast<const std::int64_t*>(&before);
    const auto* blocks_after = reinterpret_cast<const std::int64_t*>(&after);
    add_differences<kBlockCounts>(sums + kSharedHit, blocks_after, blocks_before);
    if (track_io_timing) {
        sums[kReadNs] += pg::read_nanos(after) - pg::read_nanos(before);
        sums[kWriteNs] += pg::write_nanos(after) - pg::write_nanos(before);
    }
    sums[kWalRecords] += pgWalUsage.wal_records - flight.extra.wal.wal_records;
    sums[kWalFpi] += pgWalUsage.wal_fpi - flight.extra.wal.wal_fpi;
    sums[kWalBytes] += static_cast<std::int64_t>(pgWalUsage.wal_bytes - flight.extra.wal.wal_bytes);
}

void on_lost(Flight& flight) noexcept {
    std::int64_t now = now_ns();
    if (flight.running_since != 0) flight.sums[kTotalNs] += now - flight.running_since;
    if (flight.is_measured) add_usage(flight);
    flight.sums[kCalls] = flight.sums[kErrors] = 1;
    record_failure(flight, noted_sqlstate != 0 ? noted_sqlstate : ERRCODE_INTERNAL_ERROR, now);
}

// A cursor that nobody has read to its end.
void on_closed(Flight& flight) noexcept {
    flight.sums[kCalls] = 1;
    record_call(flight, {}, now_ns());
}

// A statement that has been planned and mostly runs next: it goes on then. Null: there is none.
Flight* planned = nullptr;

STEWARD_APART void flush_planned() noexcept {
    record_plan(planned->key, planned->sums[kPlanNs], planned->seen_at);
    flights.end(planned);
    planned = nullptr;
}

// A transaction also ends by itself within a procedure, which goes on: only an error ends what runs.
void on_abort(int level) noexcept {
    if (planned != nullptr) flush_planned();
    if (noted_sqlstate != 0 || proc_exit_inprogress) flights.fail(level, on_lost);
    flights.close(level, on_closed);
    noted_sqlstate = 0;
}

STEWARD_APART void end_transaction(XactEvent event) noexcept {
    if (planned != nullptr) flush_planned();
    if (event == XACT_EVENT_ABORT)
        on_abort(1);
    else if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
        flights.close(1, on_closed);
}

void on_transaction(XactEvent event, void*) {
    if (!flights.is_idle()) return end_transaction(event);
    noted_sqlstate = 0;
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    if (flights.is_idle()) return;
    if (event == SUBXACT_EVENT_ABORT_SUB) on_abort(GetCurrentTransactionNestLevel());
    if (event == SUBXACT_EVENT_COMMIT_SUB) flights.rise(GetCurrentTransactionNestLevel());
}

// ---- Statements ------------------------------------------------------------------------------------------------------

Source source_of(const char* text, int location, int length) noexcept { return {text, location, length}; }
Source source_of(const QueryDesc* query) noexcept {
    return source_of(query->sourceText, query->plannedstmt->stmt_location, query->plannedstmt->stmt_len);
}

int sampling_of(const SlabEntry& entry) noexcept {
    const std::int64_t* sums = entry.data.counters.sums;
    if (sums[kCalls] < kSampleOneOf / 2 || sums[kTotalNs] >= sums[kCalls] * kAlwaysSampledNs) return 1;
    static std::uint32_t state = 1;
    state = state * 1'664'525U + 1'013'904'223U;
    return state >> 28 == 0 ? kSampleOneOf : 0;
}

// Null when there are too many.
Flight* begin(const void* query, std::uint64_t queryid, const Source& source) noexcept {
    if (planned != nullptr) {
        Flight* flight = planned;
        // Nothing was begun meanwhile, not even SET ROLE.
        if (flight->key.queryid == queryid && flight->key.is_toplevel == (flights.depth() == 0)) {
            planned = nullptr;
            flight->query = query;
            flight->transaction_level = GetCurrentTransactionNestLevel();
            return flight;
        }
        flush_planned();
    }
    Key key{queryid, MyDatabaseId, GetUserId(), flights.depth() == 0};
    std::uint64_t hash = hash_of(key);
    SlabEntry& entry = touch(key, hash, source, 0);
    Flight* flight = flights.begin(query);
    if (flight == nullptr) return nullptr;
    flight->key = key;
    flight->hash = hash;
    flight->entry = &entry;
    flight->entry_use = entry.use;
    flight->seen_at = GetCurrentStatementStartTimestamp();
    flight->transaction_level = GetCurrentTransactionNestLevel();
    flight->sampling = sampling_of(entry);
    return flight;
}

void count_untimed(std::uint64_t queryid, const Source& source) noexcept {
    record_untimed({queryid, MyDatabaseId, GetUserId(), flights.depth() == 0}, source,
                   GetCurrentStatementStartTimestamp());
}

// A part of a statement, watched for errors. Plain, so that one may jump over it.
struct Watch {
    ErrorContextCallback callback;
    int at;
};

STEWARD_WITHIN void enter(Watch& watch, Flight* flight, const char* frame) noexcept {
    watch.callback.previous = error_context_stack;
    watch.callback.callback = note_error;
    watch.callback.arg = nullptr;
    error_context_stack = &watch.callback;
    watch.at = flights.enter(flight, frame);
}

// False when the flight has been given up meanwhile.
STEWARD_WITHIN bool leave(Watch& watch, Flight* flight) noexcept {
    error_context_stack = watch.callback.previous;
    return flights.leave(flight, watch.at, on_lost);
}

STEWARD_WITHIN void enter_measured(Watch& watch, Flight* flight, const char* frame) noexcept {
    enter(watch, flight, frame);
    flight->is_measured = true;
    flight->extra.buffers = pgBufferUsage;
    flight->extra.wal = pgWalUsage;
    if (flight->sampling > 0) flight->extra.cpu = cpu_ns();
    flight->running_since = now_ns();
}

STEWARD_WITHIN bool leave_measured(Watch& watch, Flight* flight) noexcept {
    if (!leave(watch, flight)) return false;
    std::int64_t since = flight->running_since;
    flight->running_since = now_ns();
    flight->sums[kTotalNs] += flight->running_since - since;
    add_usage(*flight);
    return true;
}

void end(Flight* flight, const Source& source) noexcept {
    flight->sums[kCalls] = 1;
    record_call(*flight, source, flight->running_since);
    flights.end(flight);
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
    enter_measured(watch, flight, frame);
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
    enter_measured(watch, flight, frame);
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
    end(flight, source_of(query));
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
    // The statement may be gone by now, as after ROLLBACK.
    if (!leave_measured(watch, flight)) return;
    const QueryCompletion* done = std::get<sizeof...(Rest) - 1>(std::make_tuple(rest...));
    if (done != nullptr && has_rows(done->commandTag))
        flight->sums[kRows] += static_cast<std::int64_t>(done->nprocessed);
    end(flight, {});
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
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

}  // namespace steward::capture
