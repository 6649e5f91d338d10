// SPDX-License-Identifier: PostgreSQL
#include "route/lsn_ring.hpp"

#include <algorithm>

namespace steward::route {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;

}  // namespace

template <std::uint32_t kCapacity>
void LsnRing::Level<kCapacity>::note(Lsn flushed, Steady now, std::int64_t step) noexcept {
    if (count > 0) {
        Sample& last = at(count - 1);
        if (last.lsn == flushed) {
            last.seen = now;
            return;
        }
        if (now - last.seen < step) return;
    }
    if (count == kCapacity) {
        first = (first + 1) % kCapacity;
        --count;
    }
    at(count++) = {flushed, now};
}

// When it was last seen that there was nothing behind `replayed`.
template <std::uint32_t kCapacity>
std::optional<Steady> LsnRing::Level<kCapacity>::seen_before(Lsn replayed) const noexcept {
    if (count == 0 || at(0).lsn > replayed) return std::nullopt;
    std::uint32_t low = 0;
    std::uint32_t high = count;
    while (high - low > 1) {
        const std::uint32_t middle = low + (high - low) / 2;
        (at(middle).lsn <= replayed ? low : high) = middle;
    }
    return at(low).seen;
}

void LsnRing::note(Lsn flushed, Steady now) noexcept {
    // Another history: what was known is of none use.
    if (flushed < newest()) *this = LsnRing();
    minute_.note(flushed, now, 0);
    hour_.note(flushed, now, kSecond);
    day_.note(flushed, now, kMinute);
}

std::optional<double> LsnRing::rate(Lsn flushed, Steady now) const noexcept {
    if (hour_.count == 0) return std::nullopt;
    // Nothing was behind the last position of before the hour when the hour began, or soon after.
    std::uint32_t i = hour_.count - 1;
    while (i > 0 && now - hour_.at(i).seen < kHour) --i;
    const Sample& sample = hour_.at(i);
    const std::int64_t span = std::min(now - sample.seen, kHour);
    if (span <= 0 || flushed < sample.lsn) return std::nullopt;
    return static_cast<double>(flushed.value - sample.lsn.value) * kSecond / static_cast<double>(span);
}

std::optional<std::int64_t> LsnRing::age(Lsn replayed, Lsn flushed, Steady now) const noexcept {
    if (replayed >= flushed) return 0;
    std::optional<Steady> seen = minute_.seen_before(replayed);
    if (!seen) seen = hour_.seen_before(replayed);
    if (!seen) seen = day_.seen_before(replayed);
    if (!seen) return std::nullopt;
    return std::max<std::int64_t>(now - *seen, 0);
}

}  // namespace steward::route
