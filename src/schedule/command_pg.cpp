// SPDX-License-Identifier: PostgreSQL
#include "schedule/command_pg.hpp"

#include "pg/guard.hpp"
#include "pg/memory.hpp"

namespace steward::schedule {

namespace {

struct Parsed {
    int statements = 0;
    bool talks_to_client = false;
    bool has_transaction_control = false;
};

Parsed parse(const char* command) {
    return pg::call([&] {
        Parsed parsed;
        ListCell* cell = nullptr;
        foreach (cell, pg_parse_query(command)) {
            Node* statement = lfirst_node(RawStmt, cell)->stmt;
            ++parsed.statements;
            if (IsA(statement, TransactionStmt)) parsed.has_transaction_control = true;
            if (IsA(statement, CopyStmt) && reinterpret_cast<CopyStmt*>(statement)->filename == nullptr)
                parsed.talks_to_client = true;
        }
        return parsed;
    });
}

}  // namespace

void check_command(const std::string& job, const std::string& command) {
    pg::ScratchMemory memory;
    Parsed parsed;
    try {
        parsed = parse(command.c_str());
    } catch (const pg::PgError& error) {
        // The position is one in the command, not in the statement that schedules it.
        pg::ErrorReport report = error.report();
        report.internal_query = command;
        report.internal_position = report.cursor_position;
        report.cursor_position = 0;
        if (report.detail.empty()) report.detail = fmt::format("This is in the command of job \"{}\".", job);
        throw pg::PgError(std::move(report));
    }
    if (parsed.statements == 0)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "the command of job \"{}\" is empty", job)
            .hint("Write one or more SQL statements, separated by semicolons.");
    if (parsed.talks_to_client)
        throw pg::PgError(ERRCODE_FEATURE_NOT_SUPPORTED, "the command of job \"{}\" copies from or to a client", job)
            .detail("A job has no client.")
            .hint("COPY from or to a file or a program of the server.");
}

CommandShape command_shape(const std::string& command) {
    pg::ScratchMemory memory;
    Parsed parsed = parse(command.c_str());
    return {parsed.statements, parsed.has_transaction_control};
}

}  // namespace steward::schedule
