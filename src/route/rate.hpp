// SPDX-License-Identifier: PostgreSQL
//
// How quickly a position in the WAL moves, by the latest of its samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "route/units.hpp"

namespace steward::route {

class Rate {
public:
    // A position before the last one is that of another history.
    void note(Lsn at, Steady now) noexcept;
    // Bytes a second; nothing before there are two samples.
    std::optional<double> value() const noexcept;

private:
    static constexpr std::uint32_t kSamples = 10;
    struct Sample {
        Lsn lsn;
        Steady at;
    };
    const Sample& newest() const noexcept { return samples_[(first_ + count_ - 1) % kSamples]; }

    std::uint32_t first_ = 0;
    std::uint32_t count_ = 0;
    Sample samples_[kSamples] = {};
};

// Until a standby has replayed what it is behind by, if both go on as they do; nothing when it gets no nearer, or nobody knows.
std::optional<double> catch_up_seconds(std::optional<std::uint64_t> bytes, std::optional<double> replayed,
                                       std::optional<double> written) noexcept;
// Until WAL of so many bytes has been written; nothing when none is written.
std::optional<double> hours_left(std::optional<std::int64_t> bytes, std::optional<double> written) noexcept;

}  // namespace steward::route
