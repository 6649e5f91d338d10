// SPDX-License-Identifier: PostgreSQL
#include "maintain/bloat.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace steward::maintain {
namespace {

using Pages = std::vector<double>;

class Dice {
public:
    double operator()() { return std::uniform_real_distribution<double>(0, 1)(engine_); }

private:
    std::mt19937 engine_{20261125};
};

double mean_of(const Pages& pages) {
    return std::accumulate(pages.begin(), pages.end(), 0.0) / static_cast<double>(pages.size());
}

Estimate sampled(const Pages& pages, Dice& dice, double least = 0) {
    std::vector<double> values;
    for (std::uint32_t page : choose_pages(static_cast<std::uint32_t>(pages.size()), [&] { return dice(); }))
        values.push_back(pages.at(page));
    return estimate_share(values, static_cast<std::uint32_t>(pages.size()), least);
}

struct Trials {
    double covered = 0;  // share of intervals that hold the truth
    double bias = 0;
    double width = 0;
};

Trials try_often(const Pages& pages, double least = 0) {
    constexpr int kTrials = 1000;
    const double truth = std::clamp(mean_of(pages), 0.0, 1.0);
    Dice dice;
    Trials result;
    for (int trial = 0; trial < kTrials; ++trial) {
        const Estimate found = sampled(pages, dice, least);
        EXPECT_LE(found.low, found.share);
        EXPECT_LE(found.share, found.high);
        result.covered += found.low <= truth && truth <= found.high ? 1.0 / kTrials : 0;
        result.bias += (found.share - truth) / kTrials;
        result.width += (found.high - found.low) / kTrials;
    }
    return result;
}

template <class F>
Pages pages_of(std::size_t count, F&& value) {
    Pages pages(count);
    for (std::size_t at = 0; at < count; ++at) pages[at] = value(at);
    return pages;
}

constexpr std::size_t kManyPages = 131'072;  // 1 GB

TEST(MaintainBloat, draws_one_page_of_each_stratum) {
    Dice dice;
    const auto chosen = choose_pages(100'000, [&] { return dice(); });
    ASSERT_EQ(chosen.size(), kSampledPages);
    for (std::uint32_t at = 0; at < kSampledPages; ++at) EXPECT_EQ(chosen[at] / 250, at);
}

TEST(MaintainBloat, draws_every_page_equally_often) {
    Dice dice;
    std::vector<int> drawn(1000);
    for (int trial = 0; trial < 2000; ++trial)
        for (std::uint32_t page : choose_pages(1000, [&] { return dice(); })) ++drawn.at(page);
    const auto [least, most] = std::minmax_element(drawn.begin(), drawn.end());
    EXPECT_GT(*least, 2000 / 3.0 - 150);  // strata of 2 and 3 pages
    EXPECT_LT(*most, 2000 / 2.0 + 150);
}

TEST(MaintainBloat, never_leaves_the_relation) {
    for (std::uint32_t pages : {1u, 2u, 399u, 400u, 401u, 799u, 4'294'967'294u}) {
        const auto last = choose_pages(pages, [] { return 0.9999999999999999; });
        EXPECT_EQ(last.back(), pages - 1);
        EXPECT_TRUE(std::is_sorted(last.begin(), last.end()));
        EXPECT_EQ(std::adjacent_find(last.begin(), last.end()), last.end());
        EXPECT_EQ(choose_pages(pages, [] { return 0.0; }).front(), 0);
    }
    EXPECT_TRUE(choose_pages(0, [] { return 0.5; }).empty());
}

TEST(MaintainBloat, is_exact_when_every_page_was_read) {
    const Estimate found = estimate_share({0, 0.5, 1, 0.1}, 4, 0);
    EXPECT_DOUBLE_EQ(found.share, 0.4);
    EXPECT_DOUBLE_EQ(found.low, found.share);
    EXPECT_DOUBLE_EQ(found.high, found.share);
    EXPECT_EQ(estimate_share({}, 0, 0).high, 0);
}

TEST(MaintainBloat, knows_that_equal_pages_prove_little) {
    const Estimate found = estimate_share(Pages(kSampledPages, 0.3), kManyPages, 0);
    EXPECT_NEAR(found.share, 0.3, 1e-12);
    EXPECT_NEAR(found.low, 0.3 * (1 - 0.01325), 1e-9);
    EXPECT_NEAR(found.high, 0.3 + 0.7 * 0.01325, 1e-9);
    EXPECT_GT(estimate_share(Pages(kSampledPages, 0), kManyPages, 0).high, 0.013);
    EXPECT_LT(estimate_share(Pages(kSampledPages, 1), kManyPages, 0).low, 0.987);
}

TEST(MaintainBloat, leaves_less_unseen_in_a_relation_just_above_the_sample) {
    const Estimate found = estimate_share(Pages(kSampledPages, 0), kSampledPages + 1, 0);
    EXPECT_NEAR(found.high, 1.0 / (kSampledPages + 1), 1e-9);
}

TEST(MaintainBloat, weighs_pages_by_their_strata) {
    // 401 pages: the last stratum has two of them.
    Pages values(kSampledPages, 0);
    values.back() = 1;
    EXPECT_NEAR(estimate_share(values, kSampledPages + 1, 0).share, 2.0 / (kSampledPages + 1), 1e-12);
}

TEST(MaintainBloat, covers_the_truth_of_random_pages) {
    Dice dice;
    const Trials trials = try_often(pages_of(kManyPages, [&](auto) { return dice(); }));
    EXPECT_GE(trials.covered, 0.99);
    EXPECT_NEAR(trials.bias, 0, 0.002);
    EXPECT_LT(trials.width, 0.095);
}

TEST(MaintainBloat, covers_the_truth_of_pages_that_are_full_or_empty) {
    Dice dice;
    const Trials trials = try_often(pages_of(kManyPages, [&](auto) { return dice() < 0.3 ? 1.0 : 0.0; }));
    EXPECT_GE(trials.covered, 0.99);
    EXPECT_LT(trials.width, 0.14);
}

TEST(MaintainBloat, covers_the_truth_of_rare_empty_pages) {
    for (double share : {0.0005, 0.002, 0.005, 0.01, 0.02, 0.05}) {
        Dice dice;
        const Pages rare = pages_of(kManyPages, [&](auto) { return dice() < share ? 1.0 : 0.0; });
        EXPECT_GE(try_often(rare).covered, 0.99) << share;
        Pages common = rare;
        for (double& page : common) page = 1 - page;
        EXPECT_GE(try_often(common).covered, 0.99) << share;
    }
}

TEST(MaintainBloat, covers_the_truth_narrowly_where_bloat_lies_in_one_place) {
    const Trials trials =
        try_often(pages_of(kManyPages, [](std::size_t at) { return at < kManyPages / 3 ? 0.95 : 0.03; }));
    EXPECT_GE(trials.covered, 0.99);
    EXPECT_LT(trials.width, 0.03);  // 0.12 without strata
}

TEST(MaintainBloat, covers_the_truth_of_a_slope_and_of_short_waves) {
    EXPECT_GE(
        try_often(pages_of(kManyPages, [](std::size_t at) { return static_cast<double>(at) / kManyPages; })).covered,
        0.99);
    EXPECT_GE(try_often(pages_of(kManyPages, [](std::size_t at) { return at % 7 < 2 ? 0.9 : 0.1; })).covered, 0.99);
    EXPECT_GE(try_often(pages_of(kManyPages, [](std::size_t at) { return at / 328 % 2 == 0 ? 0.9 : 0.1; })).covered,
              0.99);
}

TEST(MaintainBloat, covers_the_truth_of_relations_little_larger_than_the_sample) {
    for (std::size_t pages : {401u, 500u, 799u, 801u, 1500u}) {
        Dice dice;
        EXPECT_GE(try_often(pages_of(pages, [&](auto) { return dice() < 0.1 ? 1.0 : 0.05; })).covered, 0.99) << pages;
    }
}

TEST(MaintainBloat, covers_the_truth_of_an_index_that_is_fuller_than_a_rebuild_makes_it) {
    Dice dice;
    const double least = least_leaf_bloat(0.9);
    EXPECT_NEAR(least, -1 / 9.0, 1e-12);
    const Trials full = try_often(pages_of(kManyPages, [&](auto) { return least * dice(); }), least);
    EXPECT_GE(full.covered, 0.99);
    const Trials split = try_often(pages_of(kManyPages, [&](auto) { return least + (0.5 - least) * dice(); }), least);
    EXPECT_GE(split.covered, 0.99);
    EXPECT_NEAR(split.bias, 0, 0.002);
}

TEST(MaintainBloat, counts_an_index_as_a_rebuild_would_change_it) {
    EXPECT_DOUBLE_EQ(leaf_bloat(4050, 9000, 0.9), 0.5);
    EXPECT_NEAR(leaf_bloat(9000, 9000, 0.9), least_leaf_bloat(0.9), 1e-12);
    // 1 meta page, 9 inner pages, 45 deleted ones, 45 half full by the fillfactor.
    EXPECT_DOUBLE_EQ(btree_bloat({45, 9, 45, 0.45}, 0.9), 0.675);
    EXPECT_EQ(btree_bloat({0, 0, 0, 0}, 0.9), 0);
    EXPECT_EQ(btree_bloat({10, 0, 0, 1}, 0.5), 0);
}

}  // namespace
}  // namespace steward::maintain
