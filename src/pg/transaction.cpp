// SPDX-License-Identifier: PostgreSQL
#include "pg/transaction.hpp"

#include "pg/guard.hpp"

namespace steward::pg {

AsOwner::AsOwner(Oid owner, Restricted restricted) {
    GetUserIdAndSecContext(&saved_user_, &saved_context_);
    int context = saved_context_;
    if (restricted == Restricted::yes) context |= SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION;
    SetUserIdAndSecContext(owner, context);
    guc_level_ = call([] { return NewGUCNestLevel(); });
    set_local("search_path", "pg_catalog, pg_temp");
    set_local("datestyle", "ISO, YMD");
    set_local("intervalstyle", "postgres");
    set_local("timezone", "UTC");
}

AsOwner::~AsOwner() {
    AtEOXact_GUC(false, guc_level_);
    SetUserIdAndSecContext(saved_user_, saved_context_);
}

void set_local(const char* name, const std::string& value) {
    const char* text = value.c_str();
    call([&] { set_config_option(name, text, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false); });
}

namespace {

std::optional<ErrorReport> attempt_subtransaction(const std::function<void()>& work) {
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    call([&] {
        BeginInternalSubTransaction(nullptr);
        MemoryContextSwitchTo(context);
    });
    ErrorReport report;
    if (capture(report, work)) {
        call([&] {
            ReleaseCurrentSubTransaction();
            MemoryContextSwitchTo(context);
            CurrentResourceOwner = owner;
        });
        return std::nullopt;
    }
    call([&] {
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context);
        CurrentResourceOwner = owner;
    });
    return report;
}

std::optional<ErrorReport> attempt_transaction(const std::function<void()>& work) {
    MemoryContext context = CurrentMemoryContext;
    call([] {
        SetCurrentStatementStartTimestamp();
        StartTransactionCommand();
        PushActiveSnapshot(GetTransactionSnapshot());
    });
    ErrorReport report;
    bool done = capture(report, [&] {
        work();
        call([] {
            if (ActiveSnapshotSet()) PopActiveSnapshot();
            CommitTransactionCommand();
        });
    });
    if (!done) call([] { AbortCurrentTransaction(); });
    MemoryContextSwitchTo(context);
    if (done) return std::nullopt;
    return report;
}

}  // namespace

std::optional<ErrorReport> attempt(Bounded bounded, const std::function<void()>& work) {
    auto report = bounded == Bounded::subtransaction ? attempt_subtransaction(work) : attempt_transaction(work);
    // A cancel is the user's wish for the whole call, not the failure of one unit.
    if (report && report->sqlerrcode == ERRCODE_QUERY_CANCELED) throw PgError(std::move(*report));
    return report;
}

}  // namespace steward::pg
