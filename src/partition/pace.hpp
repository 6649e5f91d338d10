// SPDX-License-Identifier: PostgreSQL
//
// How fast the keys of a number set rise. Such a key does not follow the clock, so maintenance notes the largest key from
// time to time; what comes out is the time at which the keys will have come to a position.
//
// Times without inserts are part of the pace: it is the mean of the last day or of the last week, whichever is faster, so that
// nights and weekends are in it and a growing load is seen within a day. After a week of rest it is the pace at which the
// keys rose last. Between two sightings the keys are taken to rise evenly: an outage of the server or of maintenance
// distorts nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "partition/axis.hpp"

namespace steward::partition {

struct Sighting {
    base::Instant at;
    Position key = 0;  // the largest
};

inline constexpr std::size_t kMaxSightings = 32;
inline constexpr std::int64_t kSightingMicros = 5 * base::kMicrosPerMinute;  // not noted more often

// What is to be kept of `kept` and `seen`, in rising order: at most kMaxSightings, the closer the younger they are. Keys
// above `seen` are there no more (deleted, or a sequence begins anew) and are forgotten.
std::vector<Sighting> remember(std::vector<Sighting> kept, const Sighting& seen);

class Pace {
public:
    Pace() = default;
    // In rising order.
    explicit Pace(std::vector<Sighting> sightings);

    std::optional<Position> newest_key() const;
    // Nothing before the keys have been seen to rise.
    std::optional<double> keys_per_day() const;
    // When the keys come to that position if they go on as they did. Nothing when there is no pace, or in centuries.
    std::optional<base::Instant> reaches(Position position) const;

private:
    double key_at(base::Instant at) const;  // beyond the first
    double mean(base::Instant end, std::int64_t micros) const;
    std::optional<double> keys_per_micro() const;

    std::vector<Sighting> sightings_;
};

}  // namespace steward::partition
