// SPDX-License-Identifier: PostgreSQL
//
// How often something may happen: so many at once, and one more each interval. All there is to remember is when it would be
// full again. Instants are nanoseconds of a clock that only goes forward.
#pragma once

#include <algorithm>
#include <cstdint>

namespace steward::capture {

struct Rate {
    std::int64_t interval;
    int burst;
};

struct TokenBucket {
    std::int64_t full_at;

    // When the next token is there.
    std::int64_t ready_at(const Rate& rate) const noexcept { return full_at - (rate.burst - 1) * rate.interval; }
    bool has_token(const Rate& rate, std::int64_t now) const noexcept { return ready_at(rate) <= now; }
    void take(const Rate& rate, std::int64_t now) noexcept { full_at = std::max(full_at, now) + rate.interval; }
};

}  // namespace steward::capture
