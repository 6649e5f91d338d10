// SPDX-License-Identifier: PostgreSQL
//
// Slow statements in full. A statement that ends is compared with what the session takes for slow; all else is done for
// those alone. Nothing of it fails a statement of the user's.
#pragma once

#include "capture/event_store.hpp"
#include "capture/session_pg.hpp"
#include "pg/executor.hpp"

namespace steward::capture {

// Settings.
extern int slow_threshold;      // steward.capture_slow_threshold, in milliseconds; -1: none is
extern int critical_threshold;  // steward.capture_critical_threshold, likewise
extern bool keeps_parameters;   // steward.capture_parameters
extern int slow_kilobytes;      // steward.capture_slow_memory
inline constexpr double kMostFactor = 1'000'000;
inline constexpr int kMinSlowKilobytes = 256;
inline constexpr int kMaxSlowKilobytes = 1024 * 1024;

void define_slow_settings();

inline std::size_t slow_bytes() { return static_cast<std::size_t>(slow_kilobytes) * 1024; }

// What both thresholds come to, in nanoseconds; the largest number when none is slow.
extern std::uint64_t slow_after_ns;

inline std::uint64_t duration_of(const FlightState& flight) noexcept {
    return static_cast<std::uint64_t>(flight.sums[kTotalNs] + flight.sums[kPlanNs]);
}
inline bool is_slow(const FlightState& flight, const SlabEntry& entry) noexcept {
    return duration_of(flight) >= slow_after_ns || duration_of(flight) >= entry.slow_after;
}

// One that has ended, while its executor is still there; null: a utility statement.
void keep_slow(const FlightState& ended, SlabEntry& entry, const Source& source, const QueryDesc* query);

// An error passes by a statement that runs and will perhaps be lost: now its text and values can still be read.
void note_running(const FlightState& running, const Source& source, const QueryDesc* query) noexcept;
// One that has failed, or a cursor that was closed; sqlstate 0: it did not fail.
void keep_lost(const FlightState& lost, SlabEntry& entry, int sqlstate) noexcept;

// How many were not looked at because there were too many like them.
std::int64_t slow_skipped() noexcept;

}  // namespace steward::capture
