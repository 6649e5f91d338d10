// SPDX-License-Identifier: PostgreSQL
//
// What this session counts. Nothing here raises, allocates or waits for anything but a shard's lock, and that only when a
// statement is new to the session, or not folded for a second.
#pragma once

#include <string_view>

#include "capture/capture_pg.hpp"
#include "capture/flights.hpp"
#include "capture/statement_text.hpp"

namespace steward::capture {

// A statement's own text; null: it is not at hand.
struct Source {
    const char* text;
    int location;
    int length;

    std::string_view statement() const noexcept;
};

// By the session's rules of scanning, cut between two characters.
Normalized normalized(std::string_view statement, char* to, std::size_t room) noexcept;

extern Slab* session_slab;
extern std::uint32_t random_state;  // of what is sampled
extern Downshift downshift;
inline bool gives_up(Economy what) noexcept { return downshift.economy() >= what; }
// A statement that was timed has cost so much, and the one at top level, which is not counted yet, has run for so long.
void note_overhead(std::int64_t nanos, std::int64_t running_ns) noexcept;

bool attach_session_now() noexcept;

// False in a process that has no place of its own to count in.
inline bool attach_session() noexcept { return session_slab != nullptr || attach_session_now(); }

SlabEntry& touch_slowly(SlabEntry* entry, const Key& key, std::uint64_t hash, const Source& source,
                        std::int64_t now) noexcept;

// Its text is known, and nothing in it has been reset since.
inline bool is_ready(const SlabEntry& entry) noexcept {
    return entry.has_text && entry.data.resets_seen == shared_store->resets();
}

// The entry of the statement's key, made ready with its text.
inline SlabEntry& touch(const Key& key, std::uint64_t hash, const Source& source, std::int64_t now) noexcept {
    SlabEntry* entry = session_slab->find(key, hash);
    if (entry != nullptr && is_ready(*entry)) return *entry;
    return touch_slowly(entry, key, hash, source, now);
}

// A call that has ended; its duration counts when it was timed.
SlabEntry& record_call(const FlightState& flight, const Source& source, std::int64_t now) noexcept;
// Of a statement that did not begin to run when it had been planned.
void record_plan(const Key& key, std::int64_t nanos, std::int64_t seen_at) noexcept;
// A call that has failed.
SlabEntry& record_failure(const FlightState& flight, int sqlstate, const Message& message, std::int64_t now) noexcept;
// A call that has been counted and has failed after all.
void record_late_failure(const FlightState& flight, int sqlstate, const Message& message) noexcept;
// A call of which nothing else is known.
void record_untimed(const Key& key, const Source& source, std::int64_t seen_at) noexcept;

std::uint64_t fingerprint_of(const Source& source) noexcept;

}  // namespace steward::capture
