// SPDX-License-Identifier: PostgreSQL
//
// steward.fence: no commit on a primary that has no lease. The prober renews it; who commits looks at it, and at nothing else.
#pragma once

#include "route/units.hpp"

namespace steward::route {

void init_fence();

// By the prober: up to when this server may take commits.
void renew_lease(Steady until) noexcept;

}  // namespace steward::route
