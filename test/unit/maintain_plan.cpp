// SPDX-License-Identifier: PostgreSQL
#include "maintain/plan.hpp"

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

constexpr std::int64_t kMega = 1 << 20;

class MaintainPlan : public testing::Test {
protected:
    // A table whose dead rows are so many times the threshold.
    TableFacts& add(RelationId id, double score, std::int64_t bytes = 300 * kMega) {
        TableFacts table;
        table.id = id;
        table.name = "public.t" + std::to_string(id);
        table.rows = 1000;
        table.bytes = bytes;
        table.pages = static_cast<double>(bytes) / 8192;
        table.changes.dead = score * dead_threshold(table);
        tables_.push_back(table);
        return tables_.back();
    }

    IndexFacts& add_index(TableFacts& table, RelationId id, double bloat_low, std::int64_t bytes = 100 * kMega) {
        IndexFacts index;
        index.id = id;
        index.name = "public.i" + std::to_string(id);
        index.bytes = bytes;
        index.bloat_low = bloat_low;
        index.bloat_high = bloat_low + 0.1;
        table.indexes.push_back(index);
        return table.indexes.back();
    }

    std::vector<Step> plan() { return plan_maintenance(tables_, around_, Predictor(past_), wishes_); }

    std::vector<TableFacts> tables_;
    Surroundings around_;
    std::vector<Experience> past_;
    Wishes wishes_;
};

TEST_F(MaintainPlan, leaves_alone_what_is_not_due) {
    add(1, 0.49);
    EXPECT_TRUE(plan().empty());
}

TEST_F(MaintainPlan, does_the_most_useful_first) {
    add(1, 1);
    add(2, 5);
    add(3, 2);
    const auto steps = plan();
    ASSERT_EQ(steps.size(), 3U);
    EXPECT_EQ(steps[0].object, "public.t2");
    EXPECT_EQ(steps[1].object, "public.t3");
    EXPECT_EQ(steps[0].sql, "VACUUM public.t2");
}

TEST_F(MaintainPlan, starts_only_what_ends_within_the_window_and_smaller_things_after_it) {
    add(1, 5, 3000 * kMega);
    add(2, 1, 30 * kMega);
    wishes_.seconds = 60;
    const auto steps = plan();
    EXPECT_EQ(steps[0].verdict, Verdict::no_time);
    EXPECT_NE(steps[0].detail.find("predicted to take"), std::string::npos);
    EXPECT_EQ(steps[1].verdict, Verdict::run);
}

TEST_F(MaintainPlan, spends_the_window_on_one_after_the_other) {
    add(1, 3, 600 * kMega);
    add(2, 2, 600 * kMega);
    wishes_.seconds = 30;
    const auto steps = plan();
    EXPECT_EQ(steps[0].verdict, Verdict::run);
    EXPECT_EQ(steps[1].verdict, Verdict::no_time);
}

TEST_F(MaintainPlan, stays_within_the_budget_of_wal) {
    TableFacts& table = add(1, 2);
    table.changes.dead = 1e6;
    wishes_.wal_bytes = kMega;
    EXPECT_EQ(plan()[0].verdict, Verdict::no_wal);
}

TEST_F(MaintainPlan, freezes_what_is_old_and_says_how_old) {
    add(1, 0).xid_age = 150'000'000;
    const auto steps = plan();
    ASSERT_EQ(steps.size(), 1U);
    EXPECT_EQ(steps[0].action, Action::freeze);
    EXPECT_EQ(steps[0].sql, "VACUUM (FREEZE) public.t1");
    EXPECT_EQ(steps[0].reason, "its oldest transaction is 150,000,000 old, a vacuum is forced at 200,000,000");
}

TEST_F(MaintainPlan, does_not_truncate_under_the_queries_of_standbys) {
    add(1, 1);
    around_.has_standbys = true;
    EXPECT_EQ(plan()[0].sql, "VACUUM (TRUNCATE false) public.t1");
}

TEST_F(MaintainPlan, analyses_first_what_never_had_statistics) {
    add(1, 5);
    add(2, 0).has_statistics = false;
    const auto steps = plan();
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[0].sql, "ANALYZE public.t2");
    EXPECT_EQ(steps[0].reason, "the planner has no statistics of it");
}

TEST_F(MaintainPlan, analyses_partitioned_tables_which_autovacuum_never_does) {
    TableFacts& table = add(1, 50);
    table.kind = TableFacts::Kind::partitioned;
    table.changes.modified = 150;
    const auto steps = plan();
    ASSERT_EQ(steps.size(), 1U);
    EXPECT_EQ(steps[0].action, Action::analyze);
}

TEST_F(MaintainPlan, rebuilds_an_index_by_the_lower_end_of_its_bloat) {
    TableFacts& table = add(1, 0);
    add_index(table, 11, 0.29);
    add_index(table, 12, 0.5);
    const auto steps = plan();
    ASSERT_EQ(steps.size(), 1U);
    EXPECT_EQ(steps[0].object, "public.i12");
    EXPECT_EQ(steps[0].sql, "REINDEX INDEX CONCURRENTLY public.i12");
    EXPECT_DOUBLE_EQ(steps[0].score, 1);
    EXPECT_EQ(steps[0].prediction.disk_bytes, 50 * kMega);
}

TEST_F(MaintainPlan, leaves_small_indexes_alone) {
    add_index(add(1, 0), 11, 0.9, kMega);
    EXPECT_TRUE(plan().empty());
}

TEST_F(MaintainPlan, rebuilds_an_invalid_index_whatever_its_size) {
    add_index(add(1, 0), 11, 0, kMega).is_valid = false;
    ASSERT_EQ(plan().size(), 1U);
}

TEST_F(MaintainPlan, never_rebuilds_into_an_old_snapshot) {
    add_index(add(1, 0), 11, 0.5);
    around_.obstacles.old_snapshot = "process 1 holds a snapshot of an hour ago";
    EXPECT_EQ(plan()[0].verdict, Verdict::blocked);
}

TEST_F(MaintainPlan, never_rebuilds_on_a_server_that_corrupts_indexes) {
    add_index(add(1, 0), 11, 0.5);
    around_.obstacles.broken_reindex = "PostgreSQL 14.3 corrupts them";
    EXPECT_EQ(plan()[0].verdict, Verdict::refused);
}

TEST_F(MaintainPlan, rebuilds_nothing_that_does_not_fit_on_the_disk) {
    add_index(add(1, 0), 11, 0.5);
    around_.obstacles.room_bytes[11] = 49 * kMega;
    EXPECT_EQ(plan()[0].verdict, Verdict::no_disk);
    around_.obstacles.room_bytes[11] = 50 * kMega;
    EXPECT_EQ(plan()[0].verdict, Verdict::run);
}

TEST_F(MaintainPlan, leaves_to_others_what_they_are_at) {
    add(1, 2);
    around_.obstacles.covered[1] = "autovacuum process 7 vacuums it";
    EXPECT_EQ(plan()[0].verdict, Verdict::covered);
}

TEST_F(MaintainPlan, does_only_what_is_asked_for) {
    TableFacts& table = add(1, 2);
    table.changes.modified = 1e6;
    wishes_.actions = {Action::analyze};
    const auto steps = plan();
    ASSERT_EQ(steps.size(), 1U);
    EXPECT_EQ(steps[0].action, Action::analyze);
}

TEST_F(MaintainPlan, predicts_from_the_same_table_before_others_and_rules_of_thumb) {
    add(1, 2, 100 * kMega);
    EXPECT_EQ(plan()[0].prediction.source, "rule of thumb");
    past_.push_back({Action::vacuum, 0, 10, 10.0 * kMega, 0});
    EXPECT_EQ(plan()[0].prediction.source, "other tables");
    past_.push_back({Action::vacuum, 1, 2, 10.0 * kMega, 5.0 * kMega});
    const Prediction prediction = plan()[0].prediction;
    EXPECT_EQ(prediction.source, "this table");
    EXPECT_NEAR(prediction.seconds, 20, 0.1);
    EXPECT_EQ(prediction.wal_bytes, 50 * kMega);
}

TEST_F(MaintainPlan, tells_what_the_server_has_forgotten) {
    TableFacts& table = add(1, 2);
    table.remembered.dead = 1234;
    EXPECT_NE(plan()[0].reason.find("1,234 of them from before the server lost its counters"), std::string::npos);
}

TEST_F(MaintainPlan, counts_a_toast_table_in_and_says_so) {
    TableFacts& table = add(1, 0);
    table.toast = HeapFacts{};
    table.toast->id = 99;
    table.toast->rows = 1000;
    table.toast->changes.dead = 500;
    ASSERT_EQ(plan().size(), 1U);
    EXPECT_DOUBLE_EQ(plan()[0].score, 2);
    EXPECT_EQ(plan()[0].reason, "500 dead rows in its TOAST table, autovacuum waits for 250");
    table.toast->xid_age = 300'000'000;
    EXPECT_EQ(plan()[0].reason,
              "the oldest transaction of its TOAST table is 300,000,000 old, a vacuum is forced at 200,000,000");
}

TEST_F(MaintainPlan, leaves_out_children_where_the_server_would_reach_them) {
    add(1, 2).has_children = true;
    EXPECT_EQ(plan()[0].sql, "VACUUM public.t1");
    around_.has_only = true;
    EXPECT_EQ(plan()[0].sql, "VACUUM ONLY public.t1");
    around_.has_standbys = true;
    EXPECT_EQ(plan()[0].sql, "VACUUM (TRUNCATE false) ONLY public.t1");
}

TEST_F(MaintainPlan, vacuums_without_freezing_where_no_freezing_is_asked_for) {
    TableFacts& table = add(1, 2);
    table.xid_age = 190'000'000;
    wishes_.actions = {Action::vacuum};
    ASSERT_EQ(plan().size(), 1U);
    EXPECT_EQ(plan()[0].action, Action::vacuum);
    wishes_.actions = {Action::freeze};
    EXPECT_EQ(plan()[0].action, Action::freeze);
    table.xid_age = 0;
    EXPECT_TRUE(plan().empty());
}

TEST_F(MaintainPlan, drops_only_leftovers_that_are_known_to_be_its_own) {
    IndexFacts& index = add_index(add(1, 0), 11, 0);
    index.is_valid = false;
    index.is_leftover = true;
    ASSERT_EQ(plan().size(), 1U);
    EXPECT_EQ(plan()[0].action, Action::drop_leftover);
    EXPECT_EQ(plan()[0].verdict, Verdict::refused);
    around_.own_leftovers = {11};
    EXPECT_EQ(plan()[0].verdict, Verdict::run);
    EXPECT_EQ(plan()[0].sql, "DROP INDEX CONCURRENTLY public.i11");
}

TEST_F(MaintainPlan, waits_for_nobody_who_has_used_the_table_long_ago) {
    add_index(add(1, 2), 11, 0.5);
    around_.obstacles.old_users[1] = "prepared transaction 'x' has used it";
    const auto steps = plan();
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[0].verdict, Verdict::run);
    EXPECT_EQ(steps[1].verdict, Verdict::blocked);
    around_.obstacles.locked[1] = "process 7 holds ACCESS EXCLUSIVE on it";
    EXPECT_EQ(plan()[0].verdict, Verdict::blocked);
}

TEST_F(MaintainPlan, reckons_with_every_partition_that_an_analyse_of_the_parent_reaches) {
    TableFacts& table = add(1, 0, 40'000 * kMega);
    table.kind = TableFacts::Kind::partitioned;
    table.partitions = 9;
    table.has_statistics = false;
    const std::int64_t sample = around_.analyzed_rows * around_.page_bytes;
    EXPECT_EQ(plan()[0].bytes, 10 * sample);
    around_.has_only = true;
    EXPECT_EQ(plan()[0].bytes, sample);
}

}  // namespace
}  // namespace steward::maintain
