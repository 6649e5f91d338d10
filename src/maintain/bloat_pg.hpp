// SPDX-License-Identifier: PostgreSQL
//
// What has been found of bloat, kept in steward.bloat_estimates: the last sample and the last exact measurement of each
// relation. A relation that was rewritten or truncated since has none.
#pragma once

#include <map>

#include "base/time.hpp"
#include "maintain/bloat.hpp"
#include "maintain/table.hpp"
#include "pg/postgres.hpp"

namespace steward::maintain {

struct StoredBloat {
    Estimate share;  // of a measurement all three are the same
    base::Instant taken_at;
    std::int64_t bytes = 0;  // of the relation then
};

// The newest of each relation, by its OID.
std::map<RelationId, StoredBloat> stored_bloat();

}  // namespace steward::maintain
