// SPDX-License-Identifier: PostgreSQL
#include "maintain/predict.hpp"

#include <algorithm>

namespace steward::maintain {

namespace {

// Bytes a second with the cost limits that steps run under, on a disk that is not fast.
double usual_bytes_per_second(Action action) {
    switch (action) {
    case Action::analyze: return 40e6;
    case Action::reindex: return 20e6;
    default: return 30e6;
    }
}

// Start-up, commits, and waiting for older transactions that only want a moment.
double fixed_seconds(Action action) {
    return action == Action::reindex || action == Action::drop_leftover ? 1.0 : 0.05;
}

// Steps that went through less than this say little about speed.
constexpr double kTellingBytes = 1 << 20;
// A rate is believed within these bounds only: an hour for a megabyte, a gigabyte in a tenth of a second.
constexpr double kMaxSecondsPerByte = 3600.0 / (1 << 20);
constexpr double kMinSecondsPerByte = 1e-10;

}  // namespace

Predictor::Predictor(const std::vector<Experience>& past) {
    for (const Experience& seen : past) {
        if (seen.bytes < kTellingBytes || seen.seconds < 0) continue;
        Rate& rate = rates_[{seen.action, seen.table}];
        rate.seconds_per_byte = std::clamp(seen.seconds / seen.bytes, kMinSecondsPerByte, kMaxSecondsPerByte);
        rate.wal_per_byte = std::max(seen.wal_bytes, 0.0) / seen.bytes;
    }
}

Prediction Predictor::predict(Action action, RelationId table, std::int64_t bytes, std::int64_t wal_at_most,
                              std::int64_t disk_bytes) const {
    Prediction prediction;
    prediction.disk_bytes = disk_bytes;
    const auto size = static_cast<double>(bytes);
    auto found = rates_.find({action, table});
    prediction.source = "this table";
    if (found == rates_.end()) {
        found = rates_.find({action, RelationId{0}});
        prediction.source = "other tables";
    }
    if (found == rates_.end()) {
        prediction.source = "rule of thumb";
        prediction.seconds = fixed_seconds(action) + size / usual_bytes_per_second(action);
        prediction.wal_bytes = wal_at_most;
        return prediction;
    }
    prediction.seconds = fixed_seconds(action) + size * found->second.seconds_per_byte;
    // What other tables wrote says little about how many pages of this one change.
    prediction.wal_bytes =
        found->first.second == table ? static_cast<std::int64_t>(size * found->second.wal_per_byte) : wal_at_most;
    return prediction;
}

}  // namespace steward::maintain
