// SPDX-License-Identifier: PostgreSQL
#include "partition/pace.hpp"

#include <algorithm>

namespace steward::partition {

namespace {

constexpr std::int64_t kDay = base::kMicrosPerDay;
constexpr std::int64_t kWeek = 7 * kDay;
constexpr double kHorizonMicros = 1000.0 * 365 * static_cast<double>(kDay);  // nobody plans further

double distance(Position from, Position to) {
    std::optional<Position> exact = base::checked_sub(to, from);
    return exact ? static_cast<double>(*exact) : static_cast<double>(to) - static_cast<double>(from);
}

double micros_between(base::Instant from, base::Instant to) {
    return static_cast<double>(to.micros) - static_cast<double>(from.micros);
}

// The one whose neighbours stand closest to each other for its age: what is left lies ever wider apart towards the past.
std::vector<Sighting>::iterator most_dispensable(std::vector<Sighting>& kept) {
    auto found = kept.begin() + 1;
    double least = 0;
    for (auto it = kept.begin() + 1; it + 1 != kept.end(); ++it) {
        double weight = micros_between((it - 1)->at, (it + 1)->at) / micros_between(it->at, kept.back().at);
        if (it != kept.begin() + 1 && weight >= least) continue;
        found = it;
        least = weight;
    }
    return found;
}

}  // namespace

std::vector<Sighting> remember(std::vector<Sighting> kept, const Sighting& seen) {
    // A clock that was set back leaves sightings of a time to come.
    while (!kept.empty() && (kept.back().key > seen.key || kept.back().at >= seen.at)) kept.pop_back();
    const std::size_t size = kept.size();
    // A rest is its begin and its end.
    if (size >= 2 && kept[size - 1].key == seen.key && kept[size - 2].key == seen.key)
        kept.back() = seen;
    else
        kept.push_back(seen);
    while (kept.size() > kMaxSightings) kept.erase(most_dispensable(kept));
    return kept;
}

Pace::Pace(std::vector<Sighting> sightings) : sightings_(std::move(sightings)) {}

std::optional<Position> Pace::newest_key() const {
    if (sightings_.empty()) return std::nullopt;
    return sightings_.back().key;
}

// Counted from the first key, which keeps the digits of large ones.
double Pace::key_at(base::Instant at) const {
    const Sighting& first = sightings_.front();
    auto after = std::find_if(sightings_.begin(), sightings_.end(), [&](const Sighting& s) { return s.at >= at; });
    if (after == sightings_.begin()) return 0;
    const Sighting& before = *(after - 1);
    double share = micros_between(before.at, at) / micros_between(before.at, after->at);
    return distance(first.key, before.key) + share * distance(before.key, after->key);
}

double Pace::mean(base::Instant end, std::int64_t micros) const {
    base::Instant begin{std::max(end.micros - micros, sightings_.front().at.micros)};
    return begin < end ? (key_at(end) - key_at(begin)) / micros_between(begin, end) : 0;
}

std::optional<double> Pace::keys_per_micro() const {
    if (sightings_.size() < 2 || sightings_.front().key == sightings_.back().key) return std::nullopt;
    base::Instant now = sightings_.back().at;
    double pace = std::max(mean(now, kDay), mean(now, kWeek));
    if (pace > 0) return pace;
    auto risen = std::find_if(sightings_.begin(), sightings_.end(),
                              [&](const Sighting& s) { return s.key == sightings_.back().key; });
    return mean(risen->at, kDay);
}

std::optional<double> Pace::keys_per_day() const {
    std::optional<double> pace = keys_per_micro();
    if (!pace) return std::nullopt;
    return *pace * static_cast<double>(kDay);
}

std::optional<base::Instant> Pace::reaches(Position position) const {
    std::optional<double> pace = keys_per_micro();
    if (!pace) return std::nullopt;
    const Sighting& newest = sightings_.back();
    if (position <= newest.key) return newest.at;
    double micros = distance(newest.key, position) / *pace;
    if (!(micros < kHorizonMicros)) return std::nullopt;
    return base::Instant{newest.at.micros + static_cast<std::int64_t>(micros)};
}

}  // namespace steward::partition
