// SPDX-License-Identifier: PostgreSQL
#include "maintain/why.hpp"

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

class MaintainWhy : public testing::Test {
protected:
    MaintainWhy() {
        table_.id = 1;
        table_.name = "public.t";
        table_.rows = 1000;
        table_.bytes = 300 << 20;
        table_.pages = 1000;
    }

    // The row of an action; the autovacuum line is one too.
    Explanation row(const std::string& action) {
        for (Explanation& one : explain(table_, around_, Predictor({}), 0.5, autovacuum_))
            if (one.action == action) return one;
        ADD_FAILURE() << "no row for " << action;
        return {};
    }

    TableFacts table_;
    Surroundings around_;
    Autovacuum autovacuum_;
};

TEST_F(MaintainWhy, says_how_far_it_is_when_nothing_is_due) {
    table_.changes.dead = 25;
    const Explanation found = row("vacuum");
    EXPECT_EQ(found.verdict, "not due");
    EXPECT_NEAR(*found.score, 0.1, 1e-9);
    EXPECT_EQ(found.reason, "25 dead rows, autovacuum waits for 250");
}

TEST_F(MaintainWhy, gives_the_sql_of_what_would_run) {
    table_.changes.dead = 250;
    EXPECT_EQ(row("vacuum").verdict, "run");
    EXPECT_EQ(row("vacuum").detail, "VACUUM public.t");
}

TEST_F(MaintainWhy, leaves_a_vacuum_to_the_freeze_that_does_it) {
    table_.changes.dead = 250;
    table_.xid_age = 150'000'000;
    EXPECT_EQ(row("freeze").verdict, "run");
    EXPECT_EQ(row("vacuum").detail, "the freeze above does it");
}

TEST_F(MaintainWhy, names_who_is_in_the_way) {
    table_.changes.dead = 250;
    around_.obstacles.locked[1] = "process 7 holds ACCESS EXCLUSIVE on it";
    EXPECT_EQ(row("vacuum").verdict, "blocked");
    EXPECT_EQ(row("vacuum").detail, "process 7 holds ACCESS EXCLUSIVE on it");
}

TEST_F(MaintainWhy, tells_each_way_in_which_autovacuum_is_off) {
    EXPECT_EQ(row("autovacuum").verdict, "on");
    table_.is_autovacuum_enabled = false;
    EXPECT_EQ(row("autovacuum").detail, "ALTER TABLE public.t RESET (autovacuum_enabled);");
    autovacuum_.is_on = false;
    EXPECT_EQ(row("autovacuum").detail, "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();");
    autovacuum_.is_counting = false;
    EXPECT_EQ(row("autovacuum").detail, "ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();");
    table_.kind = TableFacts::Kind::partitioned;
    EXPECT_EQ(row("autovacuum").verdict, "off");
}

TEST_F(MaintainWhy, speaks_of_an_index_by_size_and_bloat) {
    IndexFacts index;
    index.id = 2;
    index.name = "public.i";
    index.bytes = 1 << 20;
    table_.indexes = {index};
    EXPECT_NE(row("reindex").reason.find("not worth a rebuild"), std::string::npos);
    table_.indexes[0].bytes = 100 << 20;
    EXPECT_NE(row("reindex").reason.find("nobody has estimated"), std::string::npos);
    table_.indexes[0].bloat_low = 0.1;
    table_.indexes[0].bloat_high = 0.2;
    EXPECT_EQ(row("reindex").verdict, "not due");
    table_.indexes[0].bloat_low = 0.5;
    EXPECT_EQ(row("reindex").verdict, "run");
}

}  // namespace
}  // namespace steward::maintain
