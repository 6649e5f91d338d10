// SPDX-License-Identifier: PostgreSQL
#include "tune/watch.hpp"

#include <gtest/gtest.h>

namespace steward::tune {
namespace {

capture::Histogram of(std::int64_t calls, double milliseconds) {
    capture::Histogram histogram{};
    histogram.counts[capture::bucket_of(static_cast<std::int64_t>(milliseconds * 1e6))] = calls;
    return histogram;
}

TEST(TuneWatch, takes_back_what_made_queries_slower) {
    const Judgement judgement = judge({{of(1000, 10), of(500, 20)}, {of(200, 100), of(300, 150)}});
    EXPECT_EQ(judgement.decision, Decision::reverted);
    EXPECT_EQ(judgement.queries, 2);
    EXPECT_EQ(judgement.calls_before, 1200);
    EXPECT_EQ(judgement.calls_after, 800);
    EXPECT_NEAR(judgement.ratio, 2, 0.3);
    EXPECT_NE(judgement.detail.find("95th percentiles of 2 queries"), std::string::npos);
}

TEST(TuneWatch, keeps_what_is_faster_or_the_same_or_nearly) {
    EXPECT_EQ(judge({{of(1000, 10), of(500, 5)}}).decision, Decision::kept);
    EXPECT_EQ(judge({{of(1000, 10), of(500, 10)}}).decision, Decision::kept);
    EXPECT_EQ(judge({{of(1000, 10), of(500, 12)}}).decision, Decision::kept) << "the next bucket";
    EXPECT_EQ(judge({{of(1000, 0.01), of(500, 0.08)}}).decision, Decision::kept)
        << "less than a tenth of a millisecond";
}

TEST(TuneWatch, is_not_moved_by_some_of_the_queries) {
    // Less than half of the calls, however slow.
    EXPECT_EQ(judge({{of(1000, 10), of(1000, 10)}, {of(900, 10), of(900, 1000)}}).decision, Decision::kept);
    // More than half, but a third is as it was: it may be what those wait for.
    EXPECT_EQ(judge({{of(400, 10), of(400, 10)}, {of(600, 10), of(600, 30)}}).decision, Decision::kept);
    EXPECT_EQ(judge({{of(200, 10), of(200, 10)}, {of(800, 10), of(800, 30)}}).decision, Decision::reverted);
    // One that ran a thousand times as often after weighs what it did before.
    EXPECT_EQ(judge({{of(30, 10), of(30'000, 30)}, {of(1000, 10), of(1000, 10)}}).decision, Decision::kept);
}

TEST(TuneWatch, decides_nothing_by_few_calls) {
    EXPECT_EQ(judge({}).decision, Decision::undecided);
    EXPECT_EQ(judge({{of(29, 10), of(500, 100)}}).decision, Decision::undecided);
    EXPECT_EQ(judge({{of(500, 10), of(29, 100)}}).decision, Decision::undecided);
    const Judgement few = judge({{of(500, 10), of(99, 100)}});
    EXPECT_EQ(few.decision, Decision::undecided);
    EXPECT_EQ(few.queries, 1);
    EXPECT_NE(few.detail.find("Too few calls"), std::string::npos);
}

}  // namespace
}  // namespace steward::tune
