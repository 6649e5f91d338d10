// SPDX-License-Identifier: PostgreSQL
//
// Log-linear histogram of durations: four buckets an octave from 512 ns to 4.9 hours, so that the middle of a bucket is within
// 12.5 % of all that is in it. Shorter ones are in the first bucket, longer ones in the last. Two histograms are merged by
// adding their counts.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace steward::capture {

inline constexpr int kBucketsPerOctave = 4;
inline constexpr int kFirstOctave = 9;  // 2^9 ns
inline constexpr int kLastOctave = 43;  // up to 2^44 ns
inline constexpr int kBuckets = (kLastOctave - kFirstOctave + 1) * kBucketsPerOctave;

constexpr int bucket_of(std::int64_t nanos) noexcept {
    if (nanos < (std::int64_t{1} << kFirstOctave)) return 0;
    auto value = static_cast<std::uint64_t>(nanos);
    int octave = 63 - std::countl_zero(value);
    if (octave > kLastOctave) return kBuckets - 1;
    return (octave - kFirstOctave) * kBucketsPerOctave + static_cast<int>((value >> (octave - 2)) & 3);
}

// The middle of a bucket, in nanoseconds.
constexpr std::int64_t middle_of(int bucket) noexcept {
    int octave = kFirstOctave + bucket / kBucketsPerOctave;
    std::int64_t quarter = std::int64_t{1} << (octave - 2);
    return (4 + bucket % kBucketsPerOctave) * quarter + quarter / 2;
}

struct Histogram {
    std::int64_t counts[kBuckets];
};

// What is added to a histogram from time to time: before one of its counts is full.
struct SmallHistogram {
    static constexpr std::uint16_t kFull = 65'535;
    std::uint16_t counts[kBuckets];

    // False when the count is full now.
    bool add(std::int64_t nanos) noexcept { return ++counts[bucket_of(nanos)] != kFull; }
};

inline void add(Histogram& to, const SmallHistogram& more) noexcept {
    for (int i = 0; i < kBuckets; ++i) to.counts[i] += more.counts[i];
}
inline void add(Histogram& to, const Histogram& more) noexcept {
    for (int i = 0; i < kBuckets; ++i) to.counts[i] += more.counts[i];
}

std::int64_t total_of(const Histogram& histogram) noexcept;

// The durations that these shares of all are not above, in nanoseconds; shares ascend. 0 of an empty one.
template <std::size_t count>
std::array<std::int64_t, count> percentiles_of(const Histogram& histogram,
                                               const std::array<double, count>& shares) noexcept {
    std::array<std::int64_t, count> found{};
    std::int64_t total = total_of(histogram);
    if (total <= 0) return found;
    std::int64_t seen = 0;
    std::size_t next = 0;
    for (int i = 0; i < kBuckets && next < count; ++i) {
        seen += histogram.counts[i];
        while (next < count && static_cast<double>(seen) >= shares[next] * static_cast<double>(total) && seen > 0)
            found[next++] = middle_of(i);
    }
    return found;
}

}  // namespace steward::capture
