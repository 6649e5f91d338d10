// SPDX-License-Identifier: PostgreSQL
//
// The room's settings, shared memory and static worker.
#pragma once

namespace steward::route {

void init();

}  // namespace steward::route
