// SPDX-License-Identifier: PostgreSQL
//
// What a job runs, looked at when it is scheduled, so that a slip of the pen is not found at midnight.
#pragma once

#include <string>

#include "pg/postgres.hpp"

namespace steward::schedule {

// Throws the server's syntax error with its position, 22023 for a command without a statement, and 0A000 for COPY from or
// to a client, which a job does not have. Tables and functions are looked up only when the job runs.
void check_command(const std::string& job, const std::string& command);

// Of a command that has been checked.
struct CommandShape {
    int statements = 0;
    bool has_transaction_control = false;  // BEGIN, COMMIT and their kind
};
CommandShape command_shape(const std::string& command);

}  // namespace steward::schedule
