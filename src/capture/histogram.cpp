// SPDX-License-Identifier: PostgreSQL
#include "capture/histogram.hpp"

#include <iterator>
#include <numeric>

namespace steward::capture {

std::int64_t total_of(const Histogram& histogram) noexcept {
    return std::accumulate(std::begin(histogram.counts), std::end(histogram.counts), std::int64_t{0});
}

}  // namespace steward::capture
