// SPDX-License-Identifier: PostgreSQL
#include "partition/demand.hpp"

#include <algorithm>

namespace steward::partition {

namespace {

struct Search {
    const std::function<bool(std::size_t, std::size_t)>& has_rows;
    std::size_t limit;
    std::vector<std::size_t> filled;

    void look(std::size_t first, std::size_t last) {
        if (filled.size() >= limit || !has_rows(first, last)) return;
        if (first == last) {
            filled.push_back(first);
            return;
        }
        std::size_t middle = first + (last - first) / 2;
        look(first, middle);
        look(middle + 1, last);
    }
};

}  // namespace

int demand_periods(const Policy& policy) {
    if (policy.max_ahead && policy.codec.axis() != Axis::number) return kMaxPeriods;
    return std::max(policy.future, kDemandPeriods);
}

std::vector<std::size_t> filled_pieces(std::size_t count,
                                       const std::function<bool(std::size_t first, std::size_t last)>& has_rows,
                                       std::size_t limit) {
    Search search{has_rows, limit, {}};
    if (count > 0) search.look(0, count - 1);
    return std::move(search.filled);
}

}  // namespace steward::partition
