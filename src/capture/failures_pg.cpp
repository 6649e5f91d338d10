// SPDX-License-Identifier: PostgreSQL
//
// Statements that end otherwise than by their end. A context callback sees each error before anybody can catch it, and notes
// its SQLSTATE; the abort of the (sub)transaction then tells which statements it has ended. What it says is known only of those
// that are reported, just before that: the server has no door to it that does not allocate.
#include "capture/flight_pg.hpp"
#include "capture/slow_pg.hpp"

#include <algorithm>
#include <cstring>

namespace steward::capture {

namespace {

// Of the last error, until its transaction has been aborted.
int noted_sqlstate = 0;
Message noted_message{};

emit_log_hook_type previous_report = nullptr;

void forget_error() noexcept {
    noted_sqlstate = 0;
    noted_message.length = 0;
}

STEWARD_APART void note_message(const char* text) noexcept {
    constexpr int kMost = Message::kMostBytes;
    auto length = static_cast<int>(strnlen(text, kMost + 1));
    // A text that is not what its encoding wants may make it look longer.
    length = std::min(length, pg_mbcliplen(text, length, kMost));
    std::memcpy(noted_message.bytes, text, static_cast<std::size_t>(length));
    noted_message.length = static_cast<std::uint16_t>(length);
    noted_message.encoding = GetDatabaseEncoding();
}

void on_report(ErrorData* error) {
    if (noted_sqlstate != 0 && error->sqlerrcode == noted_sqlstate && error->elevel >= ERROR &&
        error->message != nullptr)
        note_message(error->message);
    if (previous_report != nullptr) previous_report(error);
}

}  // namespace

// Notices come by here too.
void note_error(void*) {
    int sqlstate = geterrcode();
    int category = ERRCODE_TO_CATEGORY(sqlstate);
    if (category != ERRCODE_SUCCESSFUL_COMPLETION && category != ERRCODE_TO_CATEGORY(ERRCODE_WARNING) &&
        category != ERRCODE_TO_CATEGORY(ERRCODE_NO_DATA))
        noted_sqlstate = sqlstate;
}

void note_error_of_query(void* flight) {
    note_error(flight);
    if (noted_sqlstate == 0) return;
    const auto& running = *static_cast<const Flight*>(flight);
    const auto* query = static_cast<const QueryDesc*>(running.query);
    note_running(running, source_of(query), query);
}

void note_error_of_utility(void* run) {
    note_error(run);
    if (noted_sqlstate == 0) return;
    const auto& running = *static_cast<const UtilityRun*>(run);
    note_running(*running.flight, running.source, nullptr);
}

void on_lost(Flight& flight) noexcept {
    std::int64_t now = now_ns();
    std::int64_t nanos = flight.running_since != 0 ? now - flight.running_since : 0;
    flight.sums[kTotalNs] += nanos;
    if (flight.is_measured) add_usage(flight, nanos);
    flight.sums[kCalls] = flight.sums[kErrors] = 1;
    int sqlstate = noted_sqlstate != 0 ? noted_sqlstate : ERRCODE_INTERNAL_ERROR;
    SlabEntry& entry = record_failure(flight, sqlstate, noted_message, now);
    if (is_slow(flight, entry)) keep_lost(flight, entry, sqlstate);
}

namespace {

// A cursor that nobody has read to its end; or an error has left a statement while it was put away.
void on_closed(Flight& flight) noexcept {
    if (flight.is_counted) {
        if (noted_sqlstate != 0) record_late_failure(flight, noted_sqlstate, noted_message);
        return;
    }
    flight.sums[kCalls] = 1;
    SlabEntry& entry = record_call(flight, {}, now_ns());
    if (is_slow(flight, entry)) keep_lost(flight, entry, 0);
}

// A transaction also ends by itself within a procedure, which goes on: only an error ends what runs.
void on_abort(int level) noexcept {
    if (planned != nullptr) flush_planned();
    if (noted_sqlstate != 0 || proc_exit_inprogress) flights.fail(level, on_lost);
    flights.close(level, on_closed);
    forget_error();
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
    forget_error();
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    if (flights.is_idle()) return;
    if (event == SUBXACT_EVENT_ABORT_SUB) on_abort(GetCurrentTransactionNestLevel());
    if (event == SUBXACT_EVENT_COMMIT_SUB) flights.rise(GetCurrentTransactionNestLevel());
}

}  // namespace

void watch_failures() {
    previous_report = emit_log_hook;
    emit_log_hook = on_report;
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

}  // namespace steward::capture
