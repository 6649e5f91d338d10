// SPDX-License-Identifier: PostgreSQL
#include "maintain/screen.hpp"

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

StoredColumn fixed(double width, double null_share = 0) {
    return {width, null_share, 0, static_cast<int>(width), true};
}

StoredColumn text(double width, double null_share = 0) { return {width, null_share, 0, 4, false}; }

TEST(MaintainScreen, knows_how_a_row_is_laid_out) {
    EXPECT_EQ(*heap_tuple_bytes({fixed(4)}), 24 + 8 + 4);
    EXPECT_EQ(*heap_tuple_bytes({fixed(4), fixed(8)}), 24 + 16 + 4);
    EXPECT_EQ(*heap_tuple_bytes({fixed(8), fixed(4), fixed(4)}), 24 + 16 + 4);
    EXPECT_EQ(*heap_tuple_bytes({fixed(4), text(5), fixed(4)}), 24 + 16 + 4);  // 4 + 5, aligned to 12
    EXPECT_EQ(*heap_tuple_bytes({fixed(4), text(200)}), 24 + 208 + 4);         // a long one is aligned
    EXPECT_EQ(*heap_tuple_bytes({fixed(2), text(7), text(7)}), 24 + 16 + 4);   // short ones are not
    EXPECT_EQ(*heap_tuple_bytes({}), 24 + 4);
}

TEST(MaintainScreen, finds_room_for_the_bitmap_of_nulls) {
    EXPECT_EQ(*heap_tuple_bytes({fixed(8, 1)}), 24 + 4);
    EXPECT_EQ(*heap_tuple_bytes(std::vector<StoredColumn>(9, fixed(8, 1))), 32 + 4);
    EXPECT_EQ(*index_tuple_bytes({fixed(8)}), 8 + 8 + 4);
    EXPECT_EQ(*index_tuple_bytes({fixed(8, 0.5)}), 16 + 8 + 4);
}

TEST(MaintainScreen, guesses_nothing_from_nothing) {
    Shape shape;
    shape.pages = 10;
    shape.columns = {fixed(4)};
    EXPECT_FALSE(guess_heap_bloat(shape));
    shape.rows = 10;
    EXPECT_TRUE(guess_heap_bloat(shape));
    shape.columns.push_back({});
    EXPECT_FALSE(guess_heap_bloat(shape));
    EXPECT_FALSE(guess_btree_bloat(shape));
    shape.columns.pop_back();
    shape.pages = 0;
    EXPECT_FALSE(guess_heap_bloat(shape));
}

TEST(MaintainScreen, sees_a_full_table_as_full_and_a_half_empty_one_as_half_empty) {
    Shape shape;
    shape.pages = 1000;
    shape.rows = 226 * 1000;  // of one integer fit into a page
    shape.columns = {fixed(4)};
    EXPECT_NEAR(*guess_heap_bloat(shape), 0, 0.005);
    shape.rows = 113 * 1000;
    EXPECT_NEAR(*guess_heap_bloat(shape), 0.5, 0.005);
    shape.rows = 1e9;
    EXPECT_EQ(*guess_heap_bloat(shape), 0);
}

TEST(MaintainScreen, measures_an_index_against_its_rebuild) {
    Shape shape;
    shape.pages = 2745;  // of an index on a million bigint, as it is built
    shape.rows = 1e6;
    shape.fillfactor = 0.9;
    shape.columns = {fixed(8)};
    EXPECT_NEAR(*guess_btree_bloat(shape), 0, 0.01);
    shape.pages *= 2;
    EXPECT_NEAR(*guess_btree_bloat(shape), 0.5, 0.01);
}

TEST(MaintainScreen, knows_that_equal_keys_share_a_tuple) {
    Shape shape;
    shape.pages = 850;  // of a million rows with 1,000 keys, as it is built
    shape.rows = 1e6;
    shape.fillfactor = 0.9;
    shape.columns = {fixed(4)};
    shape.columns[0].distinct = 1000;
    EXPECT_EQ(*guess_btree_bloat(shape), 0);
    shape.deduplicates = true;
    EXPECT_NEAR(*guess_btree_bloat(shape), 0, 0.03);
    shape.columns[0].distinct = -1;
    EXPECT_EQ(*guess_btree_bloat(shape), 0);
    shape.columns[0].distinct = 0;
    EXPECT_EQ(*guess_btree_bloat(shape), 0);
    shape.columns = {{3000, 0, 10, 4, false}};  // wider than anything that is shared
    EXPECT_TRUE(guess_btree_bloat(shape));
}

TEST(MaintainScreen, promises_more_of_bloat_that_was_not_looked_at_for_long) {
    const Candidate known{1e9, 0.5, 0, 0.1, 1};
    EXPECT_LT(promise(known), promise({1e9, 0.5, 0, {}, {}}));
    EXPECT_LT(promise(known), promise({1e9, 0.5, 0, 0.1, 20}));
    EXPECT_LT(promise(known), promise({1e9, 0.1, 0, 0.5, 1}));
    EXPECT_LT(promise({1e9, 0.3, 0.3, {}, {}}), promise({1e9, 0.3, 0, {}, {}}));
    // A relation that was clean comes to its turn all the same.
    EXPECT_GT(promise({1e9, 0.0, 0, 0.0, 60}), promise({1e9, 0.5, 0, 0.2, 1}));
    EXPECT_GT(promise({1e9, {}, 0, {}, {}}), promise({1e9, 0.4, 0, {}, {}}));
}

}  // namespace
}  // namespace steward::maintain
