// SPDX-License-Identifier: PostgreSQL
#pragma once

namespace steward::schedule {

// Why no job of the cluster runs at present; null when they do.
const char* scheduler_problem();

}  // namespace steward::schedule
