// SPDX-License-Identifier: PostgreSQL
//
// The list of programs that may be run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/postgres.hpp"

namespace steward::maintain {

struct AllowedProgram {
    std::string name;
    std::vector<std::string> argv;
    std::optional<std::int64_t> timeout_ms;
};

// Throws when it is not on the list, or the current user may not run it.
AllowedProgram program_to_run(const std::string& name);

}  // namespace steward::maintain
