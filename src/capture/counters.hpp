// SPDX-License-Identifier: PostgreSQL
//
// What is counted of a statement, and how two counts become one. Plain facts of fixed width: they live in shared memory and
// in a file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace steward::capture {

// What a statistic is of.
struct Key {
    std::uint64_t queryid;  // 0: what has been evicted
    std::uint32_t database;
    std::uint32_t role;
    bool is_toplevel;

    bool operator==(const Key& other) const noexcept = default;
};

constexpr std::uint64_t mix(std::uint64_t value) noexcept {
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93ULL;
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93ULL;
    value ^= value >> 32;
    return value;
}

constexpr std::uint64_t hash_of(const Key& key) noexcept {
    std::uint64_t place = (std::uint64_t{key.database} << 32 | key.role) * 2 + (key.is_toplevel ? 1 : 0);
    return mix(key.queryid ^ place * 0x9e3779b97f4a7c15ULL);
}

// What is summed up.
enum Sum : int {
    kCalls,
    kErrors,
    kRows,
    kTotalNs,
    kPlans,
    kPlanNs,
    kCpuNs,      // of the calls that are measured, each as many times as it stands for others,
    kSampledNs,  // and how long those ran
    kSharedHit,
    kSharedRead,
    // What most statements have none of begins here.
    kSharedDirtied,
    kSharedWritten,
    kLocalHit,
    kLocalRead,
    kLocalDirtied,
    kLocalWritten,
    kTempRead,
    kTempWritten,
    kReadNs,
    kWriteNs,
    kWalRecords,
    kWalFpi,
    kWalBytes,
    kJitNs,
    kSums
};
// An even number of them is added two at a time.
inline constexpr int kSumsStored = (kSums + 1) / 2 * 2;
inline constexpr int kUsualSums = kSharedDirtied;
inline constexpr int kUnusualSums = kSumsStored - kUsualSums;

// Sums two at a time, without a loop, whatever the compiler makes of loops by itself: they are added at each statement.
using SumPair = std::int64_t __attribute__((vector_size(16), aligned(8), may_alias));

template <int count>
inline void clear_sums(std::int64_t* to) noexcept {
    static_assert(count % 2 == 0);
    auto* pairs = reinterpret_cast<SumPair*>(to);
#pragma GCC unroll 16
    for (int i = 0; i < count / 2; ++i) pairs[i] = SumPair{};
}
template <int count>
inline void add_sums(std::int64_t* to, const std::int64_t* more) noexcept {
    static_assert(count % 2 == 0);
    auto* pairs = reinterpret_cast<SumPair*>(to);
    const auto* added = reinterpret_cast<const SumPair*>(more);
#pragma GCC unroll 16
    for (int i = 0; i < count / 2; ++i) pairs[i] += added[i];
}
template <int count>
inline void add_differences(std::int64_t* to, const std::int64_t* after, const std::int64_t* before) noexcept {
    static_assert(count % 2 == 0);
    auto* pairs = reinterpret_cast<SumPair*>(to);
    const auto* plus = reinterpret_cast<const SumPair*>(after);
    const auto* minus = reinterpret_cast<const SumPair*>(before);
#pragma GCC unroll 16
    for (int i = 0; i < count / 2; ++i) pairs[i] += plus[i] - minus[i];
}
template <int count>
inline bool differ(const std::int64_t* some, const std::int64_t* others) noexcept {
    static_assert(count % 2 == 0);
    const auto* left = reinterpret_cast<const SumPair*>(some);
    const auto* right = reinterpret_cast<const SumPair*>(others);
    SumPair bits{};
#pragma GCC unroll 16
    for (int i = 0; i < count / 2; ++i) bits |= left[i] ^ right[i];
    return (bits[0] | bits[1]) != 0;
}

// Instants are microseconds of the caller's epoch.
struct Counters {
    std::int64_t sums[kSumsStored];
    double squares;  // of the durations, in microseconds
    std::int64_t min_ns;
    std::int64_t max_ns;
    std::int64_t first_seen;
    std::int64_t last_seen;

    void clear() noexcept {
        *this = {};
        min_ns = std::numeric_limits<std::int64_t>::max();
        first_seen = std::numeric_limits<std::int64_t>::max();
        last_seen = std::numeric_limits<std::int64_t>::min();
    }

    // Nothing has ended, or been planned, or failed when it had ended.
    bool is_empty() const noexcept { return (sums[kCalls] | sums[kPlans] | sums[kErrors]) == 0; }

    void add_duration(std::int64_t nanos) noexcept {
        sums[kTotalNs] += nanos;
        double micros = static_cast<double>(nanos) / 1000;
        squares += micros * micros;
        min_ns = std::min(min_ns, nanos);
        max_ns = std::max(max_ns, nanos);
    }

    void see(std::int64_t at) noexcept {
        first_seen = std::min(first_seen, at);
        last_seen = std::max(last_seen, at);
    }
};

inline void add(Counters& to, const Counters& more) noexcept {
    add_sums<kSumsStored>(to.sums, more.sums);
    to.squares += more.squares;
    to.min_ns = std::min(to.min_ns, more.min_ns);
    to.max_ns = std::max(to.max_ns, more.max_ns);
    to.first_seen = std::min(to.first_seen, more.first_seen);
    to.last_seen = std::max(to.last_seen, more.last_seen);
}

// Of the durations, in nanoseconds.
double mean_ns(const Counters& counters) noexcept;
double stddev_ns(const Counters& counters) noexcept;
// Processor time of all calls. A call that is measured takes longer for it: what is known is which part of it was processor time.
std::int64_t cpu_time_ns(const Counters& counters) noexcept;

}  // namespace steward::capture
