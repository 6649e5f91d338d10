// SPDX-License-Identifier: PostgreSQL
//
// The list of programs that may be run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/spi.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

using Argv = std::vector<std::string>;

struct AllowedProgram {
    std::string name;
    Argv argv;
    std::optional<std::int64_t> timeout_ms;
    bool is_backup = false;
    std::optional<Argv> verify;
    std::optional<std::string> verify_says;
    std::optional<Argv> inventory;
    std::optional<std::string> directory;
    std::optional<std::int64_t> keep;
};

// Throws when it is not on the list, or the current user may not run it.
AllowedProgram program_to_run(const std::string& name);

// Puts it on the list, or changes it; for superusers, others get a 42501.
void list_program(const AllowedProgram& program, const pg::Parameter& timeout, const pg::Parameter& run_by);

// Arguments of the functions that do.
void check_superuser(const char* what);
std::string name_argument(FunctionCallInfo fcinfo, int index);
std::optional<Argv> argv_argument(FunctionCallInfo fcinfo, int index, const std::string& program);
pg::Parameter timeout_argument(FunctionCallInfo fcinfo, int index);
pg::Parameter role_argument(FunctionCallInfo fcinfo, int index);

}  // namespace steward::maintain
