// SPDX-License-Identifier: PostgreSQL
//
// An SQL text of several statements run as a client's would be: each at top level and in a transaction of its own unless
// the text says BEGIN, so that "SET vacuum_cost_delay = 2; VACUUM a; REINDEX INDEX CONCURRENTLY b" works. Only in a
// background worker with no transaction open. The session keeps what the text sets.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "pg/error.hpp"
#include "pg/postgres.hpp"

namespace steward::pg {

struct ScriptRules {
    bool is_atomic = false;            // the whole text in one transaction
    bool goes_on_after_error = false;  // with the next statement; otherwise an error ends it
    std::function<bool()> is_stopped;  // whether a cancel meant the whole text and not one statement
};

struct ScriptEnd {
    int statements = 0;  // completed
    std::int64_t rows = 0;
    std::string tag;                   // of the last completed statement
    std::optional<ErrorReport> error;  // the first
    std::string failed_statement;
};

// Leaves no transaction open; one that the text leaves open is rolled back and an error.
ScriptEnd run_script(const std::string& sql, const ScriptRules& rules);

// While run_script() is at work: rows that a statement returns are read by nobody.
bool is_in_script();

// What run_script() would refuse before it runs anything: a syntax error, COPY from or to a client.
void check_script(const std::string& sql);

}  // namespace steward::pg
