// SPDX-License-Identifier: PostgreSQL
#include "pg/error.hpp"

#include <cstring>

#include "pg/postgres.hpp"

namespace steward::pg {

namespace {

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

}  // namespace

std::string ErrorReport::sqlstate() const { return unpack_sql_state(sqlerrcode); }

PgError error_from(const base::Failure& failure) {
    const char* s = failure.sqlstate.c_str();
    ErrorReport report;
    report.sqlerrcode =
        failure.sqlstate.size() == 5 ? MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4]) : ERRCODE_INTERNAL_ERROR;
    report.message = failure.message;
    report.detail = failure.detail;
    report.hint = failure.hint;
    return PgError(std::move(report));
}

[[noreturn]] void throw_server_error() {
    ErrorData* data = CopyErrorData();
    FlushErrorState();
    ErrorReport report;
    report.sqlerrcode = data->sqlerrcode;
    report.message = text_or_empty(data->message);
    report.detail = text_or_empty(data->detail);
    report.detail_log = text_or_empty(data->detail_log);
    report.hint = text_or_empty(data->hint);
    report.context = text_or_empty(data->context);
    report.schema_name = text_or_empty(data->schema_name);
    report.table_name = text_or_empty(data->table_name);
    report.column_name = text_or_empty(data->column_name);
    report.datatype_name = text_or_empty(data->datatype_name);
    report.constraint_name = text_or_empty(data->constraint_name);
    report.cursor_position = data->cursorpos;
    report.internal_position = data->internalpos;
    report.internal_query = text_or_empty(data->internalquery);
    report.is_from_server = true;
    report.output_to_server = data->output_to_server;
    report.output_to_client = data->output_to_client;
    FreeErrorData(data);
    throw PgError(std::move(report));
}

namespace {

// A copy in server memory that never raises; nullptr when memory is out or the text is empty.
char* server_copy(const std::string& text) noexcept {
    if (text.empty()) return nullptr;
    void* copy = MemoryContextAllocExtended(CurrentMemoryContext, text.size() + 1, MCXT_ALLOC_NO_OOM);
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, text.c_str(), text.size() + 1);
    return static_cast<char*>(copy);
}

}  // namespace

ErrorData* to_error_data(const ErrorReport& report) noexcept {
    void* memory =
        MemoryContextAllocExtended(CurrentMemoryContext, sizeof(ErrorData), MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO);
    if (memory == nullptr) return nullptr;
    auto* data = static_cast<ErrorData*>(memory);
    data->elevel = report.ends_session ? FATAL : ERROR;
    data->output_to_server = report.output_to_server;
    data->output_to_client = report.output_to_client;
    data->sqlerrcode = report.sqlerrcode;
    data->message = server_copy(report.message);
    data->detail = server_copy(report.detail);
    data->detail_log = server_copy(report.detail_log);
    data->hint = server_copy(report.hint);
    data->context = server_copy(report.context);
    data->schema_name = server_copy(report.schema_name);
    data->table_name = server_copy(report.table_name);
    data->column_name = server_copy(report.column_name);
    data->datatype_name = server_copy(report.datatype_name);
    data->constraint_name = server_copy(report.constraint_name);
    data->cursorpos = report.cursor_position;
    data->internalpos = report.internal_position;
    data->internalquery = server_copy(report.internal_query);
    data->assoc_context = CurrentMemoryContext;
    return data;
}

}  // namespace steward::pg
