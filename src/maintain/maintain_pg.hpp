// SPDX-License-Identifier: PostgreSQL
//
// The room's place in the library's table of contents, and its settings.
#pragma once

#include "maintain/score.hpp"
#include "maintain/throttle.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

void init();

Weights weights();
double min_score();
Tolerance tolerance();

}  // namespace steward::maintain
