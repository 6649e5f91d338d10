// SPDX-License-Identifier: PostgreSQL
//
// steward.partition_pace: the largest keys of number sets that maintenance has seen.
#pragma once

#include <map>
#include <vector>

#include "partition/pace.hpp"

#include "pg/transaction.hpp"
#include "pg/postgres.hpp"

namespace steward::partition {

// Notes the largest key of every registered number set that the role owns, where the last look is long enough ago. Never waits
// for a lock, and never fails: what is wrong with a set, its plan has told.
void note_keys(Oid role, pg::Bounded bounded);

// As they stand in the table: of one set, or read once for all (InvalidOid).
class NotedKeys {
public:
    explicit NotedKeys(Oid parent);
    std::vector<Sighting> sightings_of(Oid parent, int scale) const;

private:
    struct Noted {
        base::Instant at;
        std::string key;
    };
    std::map<Oid, std::vector<Noted>> noted_;
};

}  // namespace steward::partition
