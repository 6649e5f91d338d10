// SPDX-License-Identifier: PostgreSQL
#include "tune/watch.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"

namespace steward::tune {

namespace {

struct Weighed {
    double ratio;
    std::int64_t calls;
};

std::int64_t p95_of(const capture::Histogram& histogram) {
    return capture::percentiles_of(histogram, std::array{0.95}).at(0);
}

double ratio_of(const WatchedQuery& query) {
    const std::int64_t before = p95_of(query.before);
    const std::int64_t after = p95_of(query.after);
    if (before <= 0 || std::abs(after - before) < kNoDifferenceNs) return 1;
    return static_cast<double>(after) / static_cast<double>(before);
}

// The ratio that this share of the calls is not above; ratios ascend.
double at_share(const std::vector<Weighed>& all, double share) {
    std::int64_t calls = 0;
    for (const Weighed& one : all) calls += one.calls;
    std::int64_t seen = 0;
    for (const Weighed& one : all) {
        seen += one.calls;
        if (static_cast<double>(seen) >= share * static_cast<double>(calls)) return one.ratio;
    }
    return 1;
}

}  // namespace

std::string_view name_of(Decision decision) {
    switch (decision) {
    case Decision::kept: return "kept";
    case Decision::reverted: return "reverted";
    case Decision::undecided: break;
    }
    return "undecided";
}

Judgement judge(const std::vector<WatchedQuery>& queries) {
    Judgement found;
    std::vector<Weighed> ratios;
    for (const WatchedQuery& query : queries) {
        const std::int64_t before = capture::total_of(query.before);
        const std::int64_t after = capture::total_of(query.after);
        if (before < kEnoughCalls || after < kEnoughCalls) continue;
        found.calls_before += before;
        found.calls_after += after;
        ratios.push_back({ratio_of(query), std::min(before, after)});
    }
    found.queries = static_cast<int>(ratios.size());
    if (found.calls_after < kEnoughCallsOfAll) {
        found.detail = fmt::format("Too few calls to compare: {} of queries with at least {} before and after.",
                                   found.calls_after, kEnoughCalls);
        return found;
    }
    std::sort(ratios.begin(), ratios.end(), [](const Weighed& a, const Weighed& b) { return a.ratio < b.ratio; });
    found.ratio = at_share(ratios, 0.5);
    const double mostly = at_share(ratios, 0.25);
    const bool is_slower = found.ratio >= kSlower && mostly >= kSlowerMostly;
    found.decision = is_slower ? Decision::reverted : Decision::kept;
    found.detail = fmt::format(
        "The 95th percentiles of {} queries, {} calls before and {} after: {:.2f} times as long in "
        "the median, at least {:.2f} times for three quarters of the calls. From {} and {} on they are put back.",
        found.queries, found.calls_before, found.calls_after, found.ratio, mostly, kSlower, kSlowerMostly);
    return found;
}

}  // namespace steward::tune
