// SPDX-License-Identifier: PostgreSQL
//
// What the formulas and rules are given of this server: its machine, its settings, and what it has seen.
#pragma once

#include <map>

#include "tune/output.hpp"

#include "pg/postgres.hpp"

namespace steward::tune {

using Settings = std::map<std::string, Known>;
Settings read_settings();

// The arguments of steward.tune() from number `first` on; NULL: look. Bad ones throw 22023.
Input read_input(FunctionCallInfo fcinfo, int first, const Settings& settings);

// Of this machine, whatever the arguments would be. What cannot be read throws 55000.
Machine read_machine();

// What the server has seen since its statistics were reset.
Evidence read_evidence();

// The rows of recommend() beside what there is.
std::vector<Advice> read_advice(const Input& input, const Settings& settings);

}  // namespace steward::tune
