// SPDX-License-Identifier: PostgreSQL
#include "maintain/bloat.hpp"

#include <algorithm>
#include <cmath>

namespace steward::maintain {

namespace {

// Of Student's distribution for 99 % and some hundred differences.
constexpr double kDeviations = 2.6;
// -ln(0.005): a share of u of all pages is missed by n draws in exp(-u n) of all samples, on each of two sides.
constexpr double kUnseen = 5.3;

std::uint64_t first_of(std::uint64_t stratum, std::uint64_t strata, std::uint64_t pages) {
    return stratum * pages / strata;
}

double square(double x) { return x * x; }

// Variance within a stratum, by the difference to its neighbours: rather too much where the relation changes from one to
// the next.
double variance_at(const std::vector<double>& values, std::size_t at, double range) {
    double sum = 0;
    int count = 0;
    if (at > 0) sum += square(values[at] - values[at - 1]) / 2, ++count;
    if (at + 1 < values.size()) sum += square(values[at] - values[at + 1]) / 2, ++count;
    return count > 0 ? sum / count : square(range) / 4;
}

}  // namespace

std::vector<std::uint32_t> choose_pages(std::uint32_t pages, const std::function<double()>& random) {
    const std::uint32_t strata = std::min(pages, kSampledPages);
    std::vector<std::uint32_t> chosen(strata);
    for (std::uint32_t at = 0; at < strata; ++at) {
        const std::uint64_t first = first_of(at, strata, pages);
        const std::uint64_t size = first_of(at + 1, strata, pages) - first;
        const auto offset = static_cast<std::uint64_t>(random() * static_cast<double>(size));
        chosen[at] = static_cast<std::uint32_t>(first + std::min(offset, size - 1));
    }
    return chosen;
}

Estimate estimate_share(const std::vector<double>& values, std::uint32_t pages, double least) {
    if (values.empty() || pages == 0) return {};
    double mean = 0;
    double variance = 0;
    for (std::size_t at = 0; at < values.size(); ++at) {
        const auto size =
            static_cast<double>(first_of(at + 1, values.size(), pages) - first_of(at, values.size(), pages));
        const double weight = size / pages;
        mean += weight * values[at];
        variance += square(weight) * (1 - 1 / size) * variance_at(values, at, 1 - least);
    }
    const auto drawn = static_cast<double>(values.size());
    const double unseen = std::min(kUnseen / drawn, (pages - drawn) / pages);
    const double chance = kDeviations * std::sqrt(variance);
    const double low = mean - chance - unseen * (mean - least);
    const double high = mean + chance + unseen * (1 - mean);
    return {std::clamp(low, 0.0, 1.0), std::clamp(mean, 0.0, 1.0), std::clamp(high, 0.0, 1.0)};
}

double leaf_bloat(double used_bytes, double available_bytes, double fillfactor) {
    return 1 - used_bytes / (available_bytes * fillfactor);
}

double least_leaf_bloat(double fillfactor) { return 1 - 1 / fillfactor; }

double btree_bloat(const BtreePages& pages, double fillfactor) {
    const double all = 1 + pages.leaf + pages.inner + pages.deleted;
    const double leaves = pages.leaf > 0 ? pages.leaf * leaf_bloat(pages.leaf_density, 1, fillfactor) : 0;
    return std::clamp((leaves + pages.deleted) / all, 0.0, 1.0);
}

}  // namespace steward::maintain
