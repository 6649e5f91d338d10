// SPDX-License-Identifier: PostgreSQL
//
// From some pages of a relation to its bloat, with an interval that holds the truth in about 99 of 100 samples.
//
// The relation is cut into strata of equal size and one page is drawn from each. What lies in one place (an old, emptied
// part; a new, full one) is therefore drawn in its right proportion, and only the differences between neighbours count as
// chance. To that comes what nobody can have seen: so many pages may be quite unlike all that were drawn.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace steward::maintain {

inline constexpr std::uint32_t kSampledPages = 400;

struct Estimate {
    double low = 0;
    double share = 0;
    double high = 0;
};

// Page numbers in ascending order; all of them when there are no more than kSampledPages. `random`: 0 <= x < 1.
std::vector<std::uint32_t> choose_pages(std::uint32_t pages, const std::function<double()>& random);

// `values`: of the chosen pages, in their order, each between `least` and 1. The result lies between 0 and 1; it is exact
// when every page was looked at.
Estimate estimate_share(const std::vector<double>& values, std::uint32_t pages, double least);

// Share of a B-tree's leaf page that a rebuild would give back. Less than 0 where the page is fuller than a rebuild
// makes it.
double leaf_bloat(double used_bytes, double available_bytes, double fillfactor);
double least_leaf_bloat(double fillfactor);

// A whole B-tree as pgstatindex() counts it.
struct BtreePages {
    double leaf = 0;
    double inner = 0;
    double deleted = 0;       // and half-dead
    double leaf_density = 0;  // 0 to 1
};
// What a rebuild would give back of all its pages: the meta page and inner pages stay.
double btree_bloat(const BtreePages& pages, double fillfactor);

}  // namespace steward::maintain
