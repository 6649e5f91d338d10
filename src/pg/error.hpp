// SPDX-License-Identifier: PostgreSQL
//
// An error on its way through C++: ours, or the server's, copied whole. The guards in pg/guard.hpp turn one into the other.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"

struct ErrorData;

namespace steward::pg {

struct ErrorReport {
    int sqlerrcode = 0;
    std::string message;
    std::string detail;
    std::string detail_log;
    std::string hint;
    std::string context;
    std::string schema_name;
    std::string table_name;
    std::string column_name;
    std::string datatype_name;
    std::string constraint_name;
    int cursor_position = 0;
    int internal_position = 0;
    std::string internal_query;
    bool ends_session = false;
    bool is_from_server = false;  // its context is complete: rethrown, not raised anew
    bool output_to_server = true;
    bool output_to_client = true;

    std::string sqlstate() const;
};

class PgError : public std::exception {
public:
    explicit PgError(ErrorReport report) : report_(std::move(report)) {}

    template <class... Args>
    PgError(int sqlerrcode, base::FormatString<Args...> text, Args&&... args) {
        report_.sqlerrcode = sqlerrcode;
        report_.message = fmt::format(text, std::forward<Args>(args)...);
    }

    template <class... Args>
    PgError&& detail(base::FormatString<Args...> text, Args&&... args) && {
        report_.detail = fmt::format(text, std::forward<Args>(args)...);
        return std::move(*this);
    }

    template <class... Args>
    PgError&& hint(base::FormatString<Args...> text, Args&&... args) && {
        report_.hint = fmt::format(text, std::forward<Args>(args)...);
        return std::move(*this);
    }

    // Then it is raised as FATAL, which nobody catches.
    PgError&& ends_session(bool does) && {
        report_.ends_session = does;
        return std::move(*this);
    }

    const ErrorReport& report() const { return report_; }
    const char* what() const noexcept override { return report_.message.c_str(); }

private:
    ErrorReport report_;
};

// A user's mistake that pure code found.
PgError error_from(const base::Failure& failure);

template <class T>
T value_or_throw(base::Result<T> result) {
    if (!result.ok()) throw error_from(result.failure());
    return std::move(result).value();
}

// What pg::call() and pg::entry() stand on: the first copies and clears the server's current error, the second gives
// nullptr when memory is out.
[[noreturn]] void throw_server_error();
ErrorData* to_error_data(const ErrorReport& report) noexcept;

}  // namespace steward::pg
