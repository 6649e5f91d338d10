// SPDX-License-Identifier: PostgreSQL
#include "maintain/score.hpp"

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

TableFacts table_of(double rows) {
    TableFacts table;
    table.rows = rows;
    table.pages = rows / 100;
    return table;
}

Score plain(const TableFacts& table) { return score_of(table, Weights{}, Failsafe{}); }

TEST(MaintainScore, is_one_at_the_threshold_of_autovacuum) {
    TableFacts table = table_of(1000);
    table.changes = {250, 1200, 150};
    const Score score = plain(table);
    EXPECT_DOUBLE_EQ(score.dead, 1);
    EXPECT_DOUBLE_EQ(score.inserted, 1);
    EXPECT_DOUBLE_EQ(score.modified, 1);
}

TEST(MaintainScore, takes_the_greatest_part_and_not_their_sum) {
    TableFacts table = table_of(1000);
    table.changes = {500, 1200, 450};
    EXPECT_DOUBLE_EQ(plain(table).vacuum(), 2);
    EXPECT_DOUBLE_EQ(plain(table).total(), 3);
}

TEST(MaintainScore, caps_the_threshold_of_large_tables_where_the_server_does) {
    TableFacts table = table_of(1e9);
    table.changes.dead = 100e6;
    EXPECT_LT(plain(table).dead, 1);
    table.thresholds.vacuum_max = 100e6;
    EXPECT_DOUBLE_EQ(plain(table).dead, 1);
}

TEST(MaintainScore, counts_only_unfrozen_rows_against_inserts) {
    TableFacts table = table_of(1e6);
    table.changes.inserted = 101'000;
    table.all_frozen_pages = table.pages / 2;
    EXPECT_DOUBLE_EQ(insert_threshold(table), 101'000);
    EXPECT_DOUBLE_EQ(plain(table).inserted, 1);
}

TEST(MaintainScore, leaves_inserts_out_where_they_are_switched_off) {
    TableFacts table = table_of(10);
    table.changes.inserted = 1e6;
    table.thresholds.insert_base = -1;
    EXPECT_EQ(plain(table).inserted, 0);
}

TEST(MaintainScore, grows_with_age_and_steeply_past_the_failsafe) {
    TableFacts table = table_of(1000);
    table.xid_age = 100'000'000;
    EXPECT_DOUBLE_EQ(plain(table).freeze, 0.5);
    table.xid_age = 1'599'999'999;
    EXPECT_NEAR(plain(table).freeze, 8, 0.01);
    table.xid_age = 1'600'000'000;
    EXPECT_GT(plain(table).freeze, 1e14);
}

TEST(MaintainScore, lets_the_failsafe_begin_above_the_freeze_age) {
    TableFacts table = table_of(1000);
    table.thresholds.freeze_max_age = 1'900'000'000;
    table.xid_age = 1'900'000'000;
    EXPECT_DOUBLE_EQ(plain(table).freeze, 1);
}

TEST(MaintainScore, weighs_each_part) {
    TableFacts table = table_of(1000);
    table.changes = {250, 0, 150};
    EXPECT_DOUBLE_EQ(score_of(table, {1, 1, 0, 1, 4}, Failsafe{}).total(), 4);
    EXPECT_EQ(score_of(table, {0, 0, 0, 0, 0}, Failsafe{}).total(), 0);
}

TEST(MaintainScore, takes_unknown_rows_for_none) {
    TableFacts table;
    table.changes.dead = 50;
    EXPECT_DOUBLE_EQ(plain(table).dead, 1);
}

TEST(MaintainScore, asks_of_partitioned_tables_only_their_statistics) {
    TableFacts table = table_of(1000);
    table.kind = TableFacts::Kind::partitioned;
    table.xid_age = 2'000'000'000;
    table.changes = {1e6, 1e6, 150};
    EXPECT_EQ(plain(table).vacuum(), 0);
    EXPECT_DOUBLE_EQ(plain(table).total(), 1);
}

}  // namespace
}  // namespace steward::maintain
