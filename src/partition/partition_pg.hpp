// SPDX-License-Identifier: PostgreSQL
//
// The room's settings.
#pragma once

namespace steward::partition {

void init();

}  // namespace steward::partition
