// SPDX-License-Identifier: PostgreSQL
//
// Statements that end otherwise than by their end. A context callback sees each error before anybody can catch it, and notes
// its SQLSTATE; the abort of the (sub)transaction then tells which statements it has ended.
#include "capture/flight_pg.hpp"

namespace steward::capture {

namespace {

int noted_sqlstate = 0;  // of the last error, until its transaction has been aborted

}  // namespace

// Notices come by here too.
void note_error(void*) {
    int sqlstate = geterrcode();
    int category = ERRCODE_TO_CATEGORY(sqlstate);
    if (category != ERRCODE_SUCCESSFUL_COMPLETION && category != ERRCODE_TO_CATEGORY(ERRCODE_WARNING) &&
        category != ERRCODE_TO_CATEGORY(ERRCODE_NO_DATA))
        noted_sqlstate = sqlstate;
}

void on_lost(Flight& flight) noexcept {
    std::int64_t now = now_ns();
    if (flight.running_since != 0) flight.sums[kTotalNs] += now - flight.running_since;
    if (flight.is_measured) add_usage(flight);
    flight.sums[kCalls] = flight.sums[kErrors] = 1;
    record_failure(flight, noted_sqlstate != 0 ? noted_sqlstate : ERRCODE_INTERNAL_ERROR, now);
}

namespace {

// A cursor that nobody has read to its end.
void on_closed(Flight& flight) noexcept {
    flight.sums[kCalls] = 1;
    record_call(flight, {}, now_ns());
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

}  // namespace

void watch_transactions() {
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

}  // namespace steward::capture
