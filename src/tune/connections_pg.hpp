// SPDX-License-Identifier: PostgreSQL
//
// Counts the clients that are connected, where the library is preloaded.
#pragma once

#include <optional>

#include "tune/connection_peaks.hpp"

namespace steward::tune {

// In _PG_init.
void init();

// Nothing where the library is not preloaded.
std::optional<ConnectionHistory> connection_history();

}  // namespace steward::tune
