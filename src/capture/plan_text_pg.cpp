// SPDX-License-Identifier: PostgreSQL
#include "capture/plan_text_pg.hpp"

#include "capture/capture_pg.hpp"
#include "capture/characters_pg.hpp"
#include "capture/parameters_pg.hpp"
#include "pg/explain.hpp"
#include "pg/guard.hpp"
#include "pg/transaction.hpp"

namespace steward::capture {

namespace {

// Where a subtransaction can be begun, and an error in it be the end of that alone. A parallel leader cannot begin one; one
// that holds off interrupts would not do so any more after an error.
bool may_look_up() noexcept {
    return IsTransactionState() && !IsAbortedTransactionBlockState() && !IsInParallelMode() && CritSectionCount == 0 &&
           InterruptHoldoffCount == 0 && QueryCancelHoldoffCount == 0 && !proc_exit_inprogress;
}

// Statements within are not ours to count, and what else has to be told of errors is not told of these.
class Apart {
public:
    Apart() : mode_(mode), callbacks_(error_context_stack) {
        set_mode(kOff);
        error_context_stack = nullptr;
    }
    ~Apart() {
        set_mode(mode_);
        error_context_stack = callbacks_;
    }
    Apart(const Apart&) = delete;
    Apart& operator=(const Apart&) = delete;

private:
    int mode_;
    ErrorContextCallback* callbacks_;
};

void defer_cancel() noexcept {
    QueryCancelPending = true;
    InterruptPending = true;
}

// Work is plain C. False: it has failed, and is undone.
template <class Work>
bool try_apart(const QueryDesc& query, Work&& work) {
    if (!may_look_up()) return false;
    int level = GetCurrentTransactionNestLevel();
    Apart apart;
    try {
        return !pg::attempt(pg::Bounded::subtransaction, [&] {
            pg::call([&] {
                MemoryContext caller = CurrentMemoryContext;
                MemoryContext scratch =
                    AllocSetContextCreate(CurTransactionContext, "pg_steward slow query", ALLOCSET_DEFAULT_SIZES);
                MemoryContextSwitchTo(scratch);
                bool has_snapshot = query.snapshot != nullptr;
                if (has_snapshot) PushActiveSnapshot(query.snapshot);
                work();
                if (has_snapshot) PopActiveSnapshot();
                MemoryContextSwitchTo(caller);
                MemoryContextDelete(scratch);
            });
        });
    } catch (const pg::PgError& error) {
        // The subtransaction has not been left: the server's error, not one of what was tried in it.
        if (GetCurrentTransactionNestLevel() != level) throw;
        if (error.report().sqlerrcode == ERRCODE_QUERY_CANCELED) defer_cancel();
    } catch (const std::exception&) {
        if (GetCurrentTransactionNestLevel() != level) throw;
    }
    return false;
}

}  // namespace

bool write_plan(const QueryDesc& query, bool has_costs, TextBuffer& to) {
    if (query.planstate == nullptr || list_length(query.plannedstmt->rtable) > kMostPlanRelations) return false;
    std::size_t before = to.length();
    bool is_done = try_apart(query, [&] {
        StringInfo text = pg::explain_plan(&query, has_costs);
        std::size_t length = text->len > 0 ? static_cast<std::size_t>(text->len) : 0;
        while (length > 0 && text->data[length - 1] == '\n') --length;
        to.put({text->data, clipped(text->data, length, to.room())});
    });
    if (!is_done) to.cut(before);
    return is_done;
}

bool write_values(const QueryDesc& query, TextBuffer& to) {
    std::size_t before = to.length();
    bool is_done = try_apart(query, [&] { write_parameters(query.params, to); });
    if (!is_done) to.cut(before);
    return is_done;
}

}  // namespace steward::capture
