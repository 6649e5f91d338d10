// SPDX-License-Identifier: PostgreSQL
#include "capture/flights.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace {

using namespace steward::capture;

struct Nothing {};
using All = Flights<Nothing>;

class CaptureFlights : public ::testing::Test {
protected:
    All::Flight* begin(int query, int level = 1) {
        All::Flight* flight = flights->begin(&queries[query]);
        flight->transaction_level = level;
        return flight;
    }
    // A frame at that depth of the stack, which grows downwards.
    const char* frame(int depth) { return stack + 1000 - depth; }
    auto into(std::vector<int>& list) {
        return [this, &list](All::Flight& flight) {
            list.push_back(static_cast<int>(static_cast<const int*>(flight.query) - queries));
        };
    }

    std::unique_ptr<All> flights = std::make_unique<All>();
    int queries[All::kMost + 1]{};
    char stack[1001]{};
    std::vector<int> lost, closed;
};

TEST_F(CaptureFlights, count_what_is_unusual_from_nothing) {
    All::Flight* flight = begin(1);
    flight->all_sums()[kTempRead] = 3;
    flight->all_sums()[kJitNs] += 4;
    flights->end(flight);
    flight = begin(2);
    flight->sums[kRows] = 5;
    std::int64_t sums[kSumsStored]{};
    flight->add_to(sums);
    EXPECT_EQ(sums[kRows], 5);
    EXPECT_EQ(sums[kTempRead], 0);
    EXPECT_EQ(++flight->all_sums()[kTempRead], 1);
    flight->add_to(sums);
    EXPECT_EQ(sums[kRows], 10);
    EXPECT_EQ(sums[kTempRead], 1);
    EXPECT_EQ(sums[kJitNs], 0);
}

TEST_F(CaptureFlights, run_within_each_other) {
    All::Flight* outer = begin(1);
    int at_outer = flights->enter(outer, frame(10));
    All::Flight* inner = begin(2);
    EXPECT_EQ(flights->depth(), 1);
    int at_inner = flights->enter(inner, frame(20));
    EXPECT_TRUE(flights->leave(inner, at_inner, into(lost)));
    flights->end(inner);
    EXPECT_TRUE(flights->leave(outer, at_outer, into(lost)));
    EXPECT_EQ(flights->find(&queries[1]), outer);
    flights->end(outer);
    EXPECT_TRUE(flights->is_idle());
    EXPECT_TRUE(lost.empty());
}

TEST_F(CaptureFlights, an_error_that_is_caught_loses_the_inner_ones_only) {
    All::Flight* outer = begin(1);
    int at = flights->enter(outer, frame(10));
    flights->enter(begin(2, 2), frame(20));
    flights->enter(begin(3, 2), frame(30));
    begin(4, 2);  // a cursor of the subtransaction
    flights->fail(2, into(lost));
    flights->close(2, into(closed));
    EXPECT_EQ(lost, (std::vector{3, 2}));
    EXPECT_EQ(closed, (std::vector{4}));
    EXPECT_EQ(flights->depth(), 1);
    EXPECT_TRUE(flights->leave(outer, at, into(lost)));
}

TEST_F(CaptureFlights, those_that_an_error_left_without_an_abort_are_found_by_their_frames) {
    flights->enter(begin(1), frame(10));
    flights->enter(begin(2), frame(20));
    flights->forget_left(frame(25), into(lost));
    EXPECT_TRUE(lost.empty());
    flights->forget_left(frame(20), into(lost));
    EXPECT_EQ(lost, (std::vector{2}));
    flights->forget_left(frame(5), into(lost));
    EXPECT_EQ(lost, (std::vector{2, 1}));
    EXPECT_EQ(flights->depth(), 0);
}

TEST_F(CaptureFlights, one_that_goes_on_loses_those_within_it) {
    All::Flight* outer = begin(1);
    int at = flights->enter(outer, frame(10));
    flights->enter(begin(2), frame(20));
    EXPECT_TRUE(flights->leave(outer, at, into(lost)));
    EXPECT_EQ(lost, (std::vector{2}));
}

TEST_F(CaptureFlights, one_that_was_given_up_is_not_left) {
    All::Flight* outer = begin(1);
    int at = flights->enter(outer, frame(10));
    flights->fail(1, into(lost));
    EXPECT_FALSE(flights->leave(outer, at, into(lost)));
    EXPECT_EQ(lost, (std::vector{1}));
    EXPECT_TRUE(flights->is_idle());
}

TEST_F(CaptureFlights, a_cursor_outlives_the_subtransaction_it_was_begun_in_when_that_commits) {
    begin(1, 3);
    flights->rise(3);
    flights->close(3, into(closed));
    EXPECT_TRUE(closed.empty());
    flights->close(2, into(closed));
    EXPECT_EQ(closed, (std::vector{1}));
}

TEST_F(CaptureFlights, there_is_room_for_so_many_and_it_is_used_again) {
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < All::kMost; ++i) begin(i);
        EXPECT_EQ(flights->begin(&queries[All::kMost]), nullptr);
        flights->close(1, into(closed));
        EXPECT_TRUE(flights->is_idle());
    }
    EXPECT_EQ(closed.size(), 3U * All::kMost);
}

}  // namespace
