// SPDX-License-Identifier: PostgreSQL
//
// The command line of deploy/tune, for a machine where no server runs yet.
#pragma once

#include <string>
#include <vector>

#include "tune/plan.hpp"

namespace steward::tune {

extern const char kCommandHelp[];

// What it prints. `here` is what the machine says of itself, for what the arguments do not.
base::Result<std::string> run_command(const std::vector<std::string>& arguments, const Machine& here);

}  // namespace steward::tune
