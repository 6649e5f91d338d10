// SPDX-License-Identifier: PostgreSQL
#include "pg/script.hpp"

#include "pg/guard.hpp"
#include "pg/top_level.hpp"

namespace steward::pg {

namespace {

bool is_running = false;

class ScriptMemory {
public:
    ScriptMemory() : caller_(CurrentMemoryContext) {
        memory_ =
            call([] { return AllocSetContextCreate(TopMemoryContext, "pg_steward script", ALLOCSET_DEFAULT_SIZES); });
    }
    ~ScriptMemory() {
        MemoryContextSwitchTo(caller_);
        MemoryContextDelete(memory_);
    }
    ScriptMemory(const ScriptMemory&) = delete;
    ScriptMemory& operator=(const ScriptMemory&) = delete;
    MemoryContext get() const { return memory_; }

private:
    MemoryContext caller_;
    MemoryContext memory_ = nullptr;
};

bool ends_transaction(const Node* statement) {
    if (!IsA(statement, TransactionStmt)) return false;
    TransactionStmtKind kind = reinterpret_cast<const TransactionStmt*>(statement)->kind;
    return kind == TRANS_STMT_COMMIT || kind == TRANS_STMT_PREPARE || kind == TRANS_STMT_ROLLBACK ||
           kind == TRANS_STMT_ROLLBACK_TO;
}

// There is no client that could send or take the data.
bool copies_to_client(const Node* statement) {
    if (!IsA(statement, CopyStmt)) return false;
    return reinterpret_cast<const CopyStmt*>(statement)->filename == nullptr;
}

List* parse(const char* sql, MemoryContext memory) {
    MemoryContext caller = MemoryContextSwitchTo(memory);
    List* statements = pg_parse_query(sql);
    MemoryContextSwitchTo(caller);
    return statements;
}

void refuse_client_copies(List* statements) {
    for (int i = 0; i < list_length(statements); ++i)
        if (copies_to_client(static_cast<RawStmt*>(list_nth(statements, i))->stmt))
            throw PgError(ERRCODE_FEATURE_NOT_SUPPORTED, "COPY FROM STDIN and COPY TO STDOUT cannot run in a job")
                .hint("A job has no client: name a file or a program of the server.");
}

std::string text_of(const RawStmt* statement, const std::string& sql) {
    auto start = static_cast<std::size_t>(statement->stmt_location < 0 ? 0 : statement->stmt_location);
    std::size_t length = statement->stmt_len > 0 ? static_cast<std::size_t>(statement->stmt_len) : std::string::npos;
    std::string text = sql.substr(start, length);
    std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string::npos ? text : text.substr(first);
}

// As the server's exec_simple_query() does it; the trees live in `memory`.
void run_statement(RawStmt* statement, const char* sql, MemoryContext memory, QueryCompletion* completion) {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    MemoryContextSwitchTo(memory);
    if (StatementTimeout > 0) enable_timeout_after(STATEMENT_TIMEOUT, StatementTimeout);
    bool has_snapshot = analyze_requires_snapshot(statement);
    if (has_snapshot) PushActiveSnapshot(GetTransactionSnapshot());
    List* plans = plan_statement(statement, sql);
    if (has_snapshot) PopActiveSnapshot();
    CHECK_FOR_INTERRUPTS();
    run_plans_at_top_level(statement, sql, plans, completion);
    if (completion->commandTag == CMDTAG_UNKNOWN) completion->commandTag = CreateCommandTag(statement->stmt);
    disable_timeout(STATEMENT_TIMEOUT, false);
    CommitTransactionCommand();
}

class Script {
public:
    Script(const std::string& sql, const ScriptRules& rules) : sql_(sql), rules_(rules) {}

    ScriptEnd run() {
        ErrorReport report;
        if (!capture(report, [&] { begin(); })) fail(report, sql_);
        for (int i = 0; i < list_length(statements_) && !is_over_; ++i)
            run(static_cast<RawStmt*>(list_nth(statements_, i)));
        finish();
        return std::move(end_);
    }

private:
    void begin() {
        const char* sql = sql_.c_str();
        debug_query_string = sql;
        call([&] {
            StartTransactionCommand();
            statements_ = parse(sql, memory_.get());
            CommitTransactionCommand();
        });
        refuse_client_copies(statements_);
        if (!rules_.is_atomic) return;
        call([] {
            StartTransactionCommand();
            BeginTransactionBlock();
            CommitTransactionCommand();
        });
    }

    void run(RawStmt* statement) {
        // After an error inside the text's own BEGIN only its end counts.
        if (IsAbortedTransactionBlockState() && !ends_transaction(statement->stmt)) return;
        std::string text = text_of(statement, sql_);
        const char* activity = text.c_str();
        const char* sql = sql_.c_str();
        QueryCompletion completion{};
        ErrorReport report;
        bool done = capture(report, [&] {
            call([&] {
                pgstat_report_activity(STATE_RUNNING, activity);
                MemoryContext memory =
                    AllocSetContextCreate(memory_.get(), "pg_steward statement", ALLOCSET_DEFAULT_SIZES);
                run_statement(statement, sql, memory, &completion);
                MemoryContextSwitchTo(memory_.get());
                MemoryContextDelete(memory);
            });
        });
        if (!done) return fail(report, text);
        ++end_.statements;
        end_.rows += static_cast<std::int64_t>(completion.nprocessed);
        end_.tag = GetCommandTagName(completion.commandTag);
    }

    void fail(ErrorReport& report, const std::string& statement) {
        call([] {
            disable_timeout(STATEMENT_TIMEOUT, false);
            AbortCurrentTransaction();
        });
        bool is_stopped = report.sqlerrcode == ERRCODE_QUERY_CANCELED && rules_.is_stopped && rules_.is_stopped();
        if (!end_.error) {
            end_.error = std::move(report);
            end_.failed_statement = statement;
        }
        is_over_ = is_stopped || rules_.is_atomic || !rules_.goes_on_after_error;
    }

    void finish() {
        ErrorReport report;
        bool is_open = IsTransactionBlock();
        if (is_open && rules_.is_atomic && !end_.error) {
            bool done = capture(report, [] {
                call([] {
                    StartTransactionCommand();
                    EndTransactionBlock(false);
                    CommitTransactionCommand();
                });
            });
            if (!done) fail(report, "COMMIT");
        } else if (is_open && !end_.error) {
            end_.error = PgError(ERRCODE_INVALID_TRANSACTION_STATE, "the command leaves a transaction open")
                             .hint("End it with COMMIT or ROLLBACK.")
                             .report();
            end_.failed_statement = "BEGIN";
        }
        call([] {
            AbortOutOfAnyTransaction();
            pgstat_report_activity(STATE_IDLE, nullptr);
        });
        debug_query_string = nullptr;
    }

    const std::string& sql_;
    const ScriptRules& rules_;
    ScriptMemory memory_;
    List* statements_ = nullptr;
    bool is_over_ = false;
    ScriptEnd end_;
};

}  // namespace

ScriptEnd run_script(const std::string& sql, const ScriptRules& rules) {
    is_running = true;
    ScriptEnd end = Script(sql, rules).run();
    is_running = false;
    return end;
}

bool is_in_script() { return is_running; }

void check_script(const std::string& sql) {
    const char* text = sql.c_str();
    refuse_client_copies(call([&] { return pg_parse_query(text); }));
}

}  // namespace steward::pg
