// SPDX-License-Identifier: PostgreSQL
//
// What a step will take: from what the ledger says the same action took on the same table, else on the others, else by
// rules of thumb that rather say too much. Time and WAL grow with the bytes a step goes through.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "maintain/step.hpp"

namespace steward::maintain {

// The sums of some finished steps.
struct Experience {
    Action action = Action::vacuum;
    RelationId table = 0;  // 0: of all tables together
    double seconds = 0;    // without the time it held back for others
    double bytes = 0;
    double wal_bytes = 0;
};

class Predictor {
public:
    explicit Predictor(const std::vector<Experience>& past);

    // `wal_at_most`: what the step could write at the most by the number of pages it changes.
    Prediction predict(Action action, RelationId table, std::int64_t bytes, std::int64_t wal_at_most,
                       std::int64_t disk_bytes) const;

private:
    struct Rate {
        double seconds_per_byte = 0;
        double wal_per_byte = 0;
    };
    std::map<std::pair<Action, RelationId>, Rate> rates_;
};

}  // namespace steward::maintain
