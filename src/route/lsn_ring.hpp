// SPDX-License-Identifier: PostgreSQL
//
// When the primary's WAL had grown to where: lag in seconds is the age of the oldest WAL that a standby has not replayed, by
// the primary's clock alone. Samples of the last minute lie close together, older ones apart: a day in 90 kB of shared
// memory. A sample says that all WAL behind `lsn` was flushed after `seen`; leaving others out makes that no less true.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "route/units.hpp"

namespace steward::route {

// How far apart samples are.
inline constexpr std::int64_t kSampleMicros = 100'000;

class LsnRing {
public:
    // Also while nothing is written: then it is known how long that has been so.
    void note(Lsn flushed, Steady now) noexcept;

    // How old the oldest WAL behind `replayed` may be at most; 0 when there is none, nothing when it is older than all samples.
    std::optional<std::int64_t> age(Lsn replayed, Lsn flushed, Steady now) const noexcept;

    // Bytes a second over the last hour, or as long as is known; nothing before that can be said.
    std::optional<double> rate(Lsn flushed, Steady now) const noexcept;

    bool is_empty() const noexcept { return minute_.count == 0; }
    Lsn newest() const noexcept { return is_empty() ? Lsn{} : minute_.newest().lsn; }

private:
    struct Sample {
        Lsn lsn;
        Steady seen;
    };
    template <std::uint32_t kCapacity>
    struct Level {
        std::uint32_t first = 0;
        std::uint32_t count = 0;
        Sample samples[kCapacity] = {};

        Sample& at(std::uint32_t i) noexcept { return samples[(first + i) % kCapacity]; }
        const Sample& at(std::uint32_t i) const noexcept { return samples[(first + i) % kCapacity]; }
        const Sample& newest() const noexcept { return at(count - 1); }
        void note(Lsn flushed, Steady now, std::int64_t step) noexcept;
        std::optional<Steady> seen_before(Lsn replayed) const noexcept;
    };
    Level<600> minute_;
    Level<3600> hour_;
    Level<1440> day_;
};

}  // namespace steward::route
