// SPDX-License-Identifier: PostgreSQL
//
// How many connections a server should allow: what was asked for or is set, corrected by how many there were.
#pragma once

#include <string>

#include "tune/plan.hpp"

namespace steward::tune {

int connections_of(const Input& input);
std::string why_connections(const Input& input);

// "12 in 9 days (2026-11-20)", of clients at the same time.
std::string history_text(const ConnectionHistory& history);

}  // namespace steward::tune
