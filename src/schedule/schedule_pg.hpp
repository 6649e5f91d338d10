// SPDX-License-Identifier: PostgreSQL
//
// The room's settings, shared memory and static workers.
#pragma once

namespace steward::schedule {

void init();

}  // namespace steward::schedule
