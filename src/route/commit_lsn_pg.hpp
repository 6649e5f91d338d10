// SPDX-License-Identifier: PostgreSQL
//
// Tells a client how far it has to see to read what it wrote: the reported setting steward.commit_lsn.
#pragma once

namespace steward::route {

void init_commit_lsn();

}  // namespace steward::route
