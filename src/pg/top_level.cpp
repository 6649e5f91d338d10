// SPDX-License-Identifier: PostgreSQL
#include "pg/top_level.hpp"

#include "pg/guard.hpp"

namespace steward::pg {

namespace {

// The statement's trees outlive the transactions it commits, so they live in `memory`.
void run_statement(const char* sql, MemoryContext memory) {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    MemoryContextSwitchTo(memory);
    List* statements = pg_parse_query(sql);
    if (list_length(statements) != 1) elog(ERROR, "one statement expected");
    auto* statement = static_cast<RawStmt*>(linitial(statements));
    PushActiveSnapshot(GetTransactionSnapshot());
    List* plans = plan_statement(statement, sql);
    PopActiveSnapshot();
    QueryCompletion completion;
    run_plans_at_top_level(statement, sql, plans, &completion);
    CommitTransactionCommand();
}

}  // namespace

void run_plans_at_top_level(const RawStmt* statement, const char* sql, List* plans, QueryCompletion* completion) {
    Portal portal = CreatePortal("", true, true);
    portal->visible = false;
    PortalDefineQuery(portal, nullptr, sql, CreateCommandTag(statement->stmt), plans, nullptr);
    PortalStart(portal, nullptr, 0, InvalidSnapshot);
    run_portal(portal, None_Receiver, completion);
    PortalDrop(portal, false);
}

std::optional<ErrorReport> run_top_level(const std::string& sql, Oid role) {
    Oid saved_role;
    int saved_context;
    GetUserIdAndSecContext(&saved_role, &saved_context);
    MemoryContext caller = CurrentMemoryContext;
    MemoryContext memory =
        call([] { return AllocSetContextCreate(TopMemoryContext, "pg_steward statement", ALLOCSET_DEFAULT_SIZES); });
    const char* source = sql.c_str();
    ErrorReport report;
    bool done = capture(report, [&] {
        call([&] {
            SetUserIdAndSecContext(role, 0);
            pgstat_report_activity(STATE_RUNNING, source);
            run_statement(source, memory);
        });
    });
    if (!done) call([] { AbortCurrentTransaction(); });
    SetUserIdAndSecContext(saved_role, saved_context);
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(memory);
    call([] { pgstat_report_activity(STATE_IDLE, nullptr); });
    if (done) return std::nullopt;
    if (report.sqlerrcode == ERRCODE_QUERY_CANCELED) throw PgError(std::move(report));
    return report;
}

bool may_commit(FunctionCallInfo fcinfo) {
    const auto* context = reinterpret_cast<const CallContext*>(fcinfo->context);
    return context != nullptr && IsA(context, CallContext) && !context->atomic;
}

}  // namespace steward::pg
