// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <algorithm>
#include <cstdint>

namespace steward::base {

// The wait after so many failures in a row: `first` after one, doubled for each further one, never more than `most`.
constexpr std::int64_t backoff(std::int64_t first, int failures, std::int64_t most) {
    std::int64_t wait = std::min(first, most);
    for (int i = 1; i < failures && wait < most; ++i) wait = wait > most / 2 ? most : wait * 2;
    return wait;
}

}  // namespace steward::base
