// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "partition/demand.hpp"
#include "partition/future.hpp"

namespace steward::partition {
namespace {

using Pieces = std::vector<std::size_t>;

struct Rows {
    Pieces in;
    int looks = 0;
    Pieces find(std::size_t count, std::size_t limit) {
        return filled_pieces(
            count,
            [&](std::size_t first, std::size_t last) {
                ++looks;
                return std::any_of(in.begin(), in.end(), [&](std::size_t row) { return row >= first && row <= last; });
            },
            limit);
    }
};

TEST(Demand, PiecesWithRowsAreFoundInOrder) {
    EXPECT_EQ((Rows{{7, 3, 99}}.find(100, 50)), (Pieces{3, 7, 99}));
    EXPECT_EQ((Rows{{0}}.find(1, 50)), (Pieces{0}));
    EXPECT_EQ((Rows{{}}.find(1, 50)), (Pieces{}));
    EXPECT_EQ((Rows{{}}.find(0, 50)), (Pieces{}));
}

TEST(Demand, NoMoreThanTheLimit) { EXPECT_EQ((Rows{{1, 2, 3, 4}}.find(10, 2)), (Pieces{1, 2})); }

TEST(Demand, FewLooksForManyPieces) {
    Rows one{{54'321}};
    EXPECT_EQ(one.find(100'000, 50), (Pieces{54'321}));
    EXPECT_LE(one.looks, 40);
    Rows none{{}};
    none.find(100'000, 50);
    EXPECT_EQ(none.looks, 1);
}

TEST(Demand, AgreesWithLookingAtEveryPiece) {
    std::mt19937 random(3);
    for (int trial = 0; trial < 200; ++trial) {
        std::size_t count = random() % 300 + 1;
        Rows rows;
        for (std::size_t i = random() % 20; i > 0; --i) rows.in.push_back(random() % count);
        Pieces expected = rows.in;
        std::sort(expected.begin(), expected.end());
        expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
        EXPECT_EQ(rows.find(count, 1000), expected);
    }
}

TEST(Demand, ReachesAsFarAsThePolicySays) {
    Policy policy;
    policy.codec.kind = CodecKind::timestamptz;
    EXPECT_EQ(demand_periods(policy), kDemandPeriods);
    policy.future = 500;
    EXPECT_EQ(demand_periods(policy), 500);
    policy.max_ahead = base::Interval{24, 0, 0};
    EXPECT_EQ(demand_periods(policy), kMaxPeriods);
    policy.codec.kind = CodecKind::integer;
    EXPECT_EQ(demand_periods(policy), 500) << "numbers have no max_ahead";
}

}  // namespace
}  // namespace steward::partition
