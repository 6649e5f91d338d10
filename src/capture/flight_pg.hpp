// SPDX-License-Identifier: PostgreSQL
//
// A part of a statement that runs: watched for errors, and measured. All of it is inline, since each statement passes here
// several times.
#pragma once

#include <algorithm>
#include <cstring>

#include "capture/session_pg.hpp"
#include "pg/clock.hpp"
#include "pg/executor.hpp"

namespace steward::capture {

// The counts of blocks are in the server's order.
constexpr int kBlockCounts = kTempWritten - kSharedHit + 1;

// As they were when the part that runs began.
struct Before {
    std::int64_t blocks[kBlockCounts];
    WalUsage wal;
    bool has_io;  // the times of reading and writing
    std::int64_t read_ns;
    std::int64_t write_ns;
    std::int64_t cpu;
};

using Flight = Flights<Before>::Flight;
extern Flights<Before> flights;
// A statement that has been planned and mostly runs next: it goes on then. Null: there is none.
extern Flight* planned;

// What does something is apart from what mostly does nothing, so that this is a few instructions: here and in the hooks.
#define STEWARD_APART __attribute__((noinline))
#define STEWARD_WITHIN inline __attribute__((always_inline))

inline std::int64_t now_ns() noexcept { return pg::clock_ns(CLOCK_MONOTONIC); }
inline std::int64_t cpu_ns() noexcept { return pg::clock_ns(CLOCK_THREAD_CPUTIME_ID); }
// What lies between two readings of each by themselves. That of cpu_ns() takes as long as a short statement: it is a call of the
// kernel.
extern std::int64_t clock_reading_ns;
extern std::int64_t cpu_reading_ns;
void measure_clocks() noexcept;

// ---- Statements, in statements_pg.cpp

inline Source source_of(const char* text, int location, int length) noexcept { return {text, location, length}; }
inline Source source_of(const QueryDesc* query) noexcept {
    return source_of(query->sourceText, query->plannedstmt->stmt_location, query->plannedstmt->stmt_len);
}

// Null when there are too many.
Flight* begin(const void* query, std::uint64_t queryid, const Source& source) noexcept;
// One that has ended: while its executor is still there; null: a utility statement, which may be gone itself.
void count(Flight* flight, const Source& source, const QueryDesc* query) noexcept;
// A statement that has been planned will not run next.
void flush_planned() noexcept;
// A call of which nothing else is known.
void count_untimed(std::uint64_t queryid, const Source& source) noexcept;

// ---- What errors and the ends of transactions do, in failures_pg.cpp

// Callbacks of errors; the others of what runs: a statement's executor, or a utility statement.
void note_error(void*);
void note_error_of_query(void* flight);
struct UtilityRun {
    const Flight* flight;
    Source source;
};
void note_error_of_utility(void* run);
void on_lost(Flight& flight) noexcept;
void watch_failures();

// ---- What every hook asks

// Once it is not off.
STEWARD_WITHIN bool is_counting() noexcept {
    return (flights.depth() == 0 || (mode == kAll && !gives_up(kNoNested))) && !IsParallelWorker() && attach_session();
}

// What runs in frames that are no more on the stack has been left by an error.
inline void forget_left(const char* frame) noexcept {
    if (flights.depth() > 0) flights.forget_left(frame, on_lost);
}

inline const char* frame_of(void* address) noexcept { return static_cast<const char*>(address); }

// ---- What is used

constexpr int kUsualCounts = kUsualSums - kSharedHit;
static_assert(offsetof(BufferUsage, shared_blks_hit) == 0 &&
              offsetof(BufferUsage, temp_blks_written) == (kBlockCounts - 1) * sizeof(std::int64_t) &&
              offsetof(BufferUsage, local_blks_hit) == (kLocalHit - kSharedHit) * sizeof(std::int64_t));

// What has been used since the part began, which took so long: its processor time too when this call is measured in it.
STEWARD_WITHIN void add_usage(Flight& flight, std::int64_t nanos) noexcept {
    std::int64_t* sums = flight.sums;
    if (flight.sampling > 0) {
        std::int64_t cpu = cpu_ns() - flight.extra.cpu - cpu_reading_ns;
        sums[kCpuNs] += std::clamp(cpu, std::int64_t{0}, nanos) * flight.sampling;
        sums[kSampledNs] += nanos * flight.sampling;
    }
    const Before& before = flight.extra;
    const auto* blocks = reinterpret_cast<const std::int64_t*>(&pgBufferUsage);
    add_differences<kUsualCounts>(sums + kSharedHit, blocks, before.blocks);
    constexpr int kOthers = kBlockCounts - kUsualCounts;
    if (differ<kOthers>(blocks + kUsualCounts, before.blocks + kUsualCounts))
        add_differences<kOthers>(flight.all_sums() + kUsualSums, blocks + kUsualCounts, before.blocks + kUsualCounts);
    if (before.has_io) {
        flight.all_sums()[kReadNs] += pg::read_nanos(pgBufferUsage) - before.read_ns;
        flight.all_sums()[kWriteNs] += pg::write_nanos(pgBufferUsage) - before.write_ns;
    }
    if (pgWalUsage.wal_records != before.wal.wal_records) {
        flight.all_sums()[kWalRecords] += pgWalUsage.wal_records - before.wal.wal_records;
        flight.all_sums()[kWalFpi] += pgWalUsage.wal_fpi - before.wal.wal_fpi;
        flight.all_sums()[kWalBytes] += static_cast<std::int64_t>(pgWalUsage.wal_bytes - before.wal.wal_bytes);
    }
}

// ---- What runs

// A part of a statement, watched for errors. Plain, so that one may jump over it.
struct Watch {
    ErrorContextCallback callback;
    int at;
};

STEWARD_WITHIN void enter(Watch& watch, Flight* flight, const char* frame, void (*on_error)(void*) = note_error,
                          void* argument = nullptr) noexcept {
    watch.callback.previous = error_context_stack;
    watch.callback.callback = on_error;
    watch.callback.arg = argument;
    error_context_stack = &watch.callback;
    watch.at = flights.enter(flight, frame);
}

// False when the flight has been given up meanwhile.
STEWARD_WITHIN bool leave(Watch& watch, Flight* flight) noexcept {
    error_context_stack = watch.callback.previous;
    return flights.leave(flight, watch.at, on_lost);
}

STEWARD_WITHIN void enter_measured(Watch& watch, Flight* flight, const char* frame, void (*on_error)(void*),
                                   void* argument) noexcept {
    enter(watch, flight, frame, on_error, argument);
    flight->is_measured = true;
    Before& before = flight->extra;
    memcpy(before.blocks, &pgBufferUsage, sizeof(before.blocks));
    before.wal = pgWalUsage;
    before.has_io = track_io_timing;
    if (track_io_timing) {
        before.read_ns = pg::read_nanos(pgBufferUsage);
        before.write_ns = pg::write_nanos(pgBufferUsage);
    }
    if (flight->sampling > 0) before.cpu = cpu_ns();
    flight->running_since = now_ns();
}

STEWARD_WITHIN bool leave_measured(Watch& watch, Flight* flight) noexcept {
    if (!leave(watch, flight)) return false;
    std::int64_t since = flight->running_since;
    flight->running_since = now_ns();
    std::int64_t nanos = flight->running_since - since;
    flight->sums[kTotalNs] += nanos;
    add_usage(*flight, nanos);
    return true;
}

}  // namespace steward::capture
