// SPDX-License-Identifier: PostgreSQL
#include "pg/transaction.hpp"

#include "pg/guard.hpp"

namespace steward::pg {

SafePath::SafePath() {
    guc_level_ = call([] { return NewGUCNestLevel(); });
    set_local("search_path", "pg_catalog, pg_temp");
    set_local("datestyle", "ISO, YMD");
    set_local("intervalstyle", "postgres");
    set_local("timezone", "UTC");
    // Of our own tables the planner knows nothing and expects much; compiling a query takes seconds then.
    set_local("jit", "off");
}

SafePath::~SafePath() { AtEOXact_GUC(false, guc_level_); }

AsOwner::AsOwner(Oid owner) {
    GetUserIdAndSecContext(&saved_user_, &saved_context_);
    SetUserIdAndSecContext(owner, saved_context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
    ErrorReport error;
    // Without a path there is no object whose destructor would switch back.
    if (!capture(error, [&] { path_.emplace(); })) {
        SetUserIdAndSecContext(saved_user_, saved_context_);
        throw PgError(std::move(error));
    }
}

AsOwner::~AsOwner() {
    path_.reset();
    SetUserIdAndSecContext(saved_user_, saved_context_);
}

void set_local(const char* name, const std::string& value) {
    const char* text = value.c_str();
    call([&] { set_config_option(name, text, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false); });
}

void silence_triggers(bool is_silent) {
    call([&] {
        set_config_option("session_replication_role", is_silent ? "replica" : "origin", PGC_SUSET, PGC_S_SESSION,
                          GUC_ACTION_SAVE, true, 0, false);
    });
}

void set_for_transaction(const char* name, const std::string& value) {
    const char* text = value.c_str();
    call([&] { set_config_option(name, text, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false); });
}

void set_session(const char* name, const std::string& value) {
    const char* text = value.c_str();
    call([&] { SetConfigOption(name, text, PGC_USERSET, PGC_S_SESSION); });
}

void commit_in_procedure() {
    call([] {
        if (SPI_connect_ext(SPI_OPT_NONATOMIC) < 0) elog(ERROR, "SPI_connect_ext failed");
        SPI_commit();
        // Before the minors of August 2022 nobody else does.
        SPI_start_transaction();
        SPI_finish();
    });
}

void rollback_in_procedure() {
    call([] {
        if (SPI_connect_ext(SPI_OPT_NONATOMIC) < 0) elog(ERROR, "SPI_connect_ext failed");
        SPI_rollback();
        SPI_start_transaction();
        SPI_finish();
    });
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
