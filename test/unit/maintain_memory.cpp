// SPDX-License-Identifier: PostgreSQL
#include "maintain/memory.hpp"

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

constexpr base::Instant kThen{1'000'000};
constexpr base::Instant kNow{2'000'000};

Counters counters(std::int64_t changed, Changes changes, std::int64_t vacuums = 3, std::int64_t analyzes = 4) {
    Counters made;
    made.file = 16384;
    made.changed_in_all = changed;
    made.vacuums = vacuums;
    made.analyzes = analyzes;
    made.changes = changes;
    return made;
}

Note noted() { return note(std::nullopt, counters(100'000, {5000, 6000, 7000}), kThen); }

TEST(MaintainMemory, adds_nothing_while_the_server_counts_on) {
    const Changes more = forgotten(noted(), counters(100'010, {5010, 6010, 7010}));
    EXPECT_EQ(more.dead, 0);
    EXPECT_EQ(more.modified, 0);
}

TEST(MaintainMemory, counts_on_what_a_crash_has_lost) {
    const Changes more = forgotten(noted(), counters(10, {1, 2, 3}, 0, 0));
    EXPECT_EQ(more.dead, 5000);
    EXPECT_EQ(more.inserted, 6000);
    EXPECT_EQ(more.modified, 7000);
}

TEST(MaintainMemory, goes_on_remembering_over_the_next_note_and_the_next_crash) {
    const Note second = note(noted(), counters(10, {1, 2, 3}, 0, 0), kNow);
    EXPECT_EQ(forgotten(second, counters(20, {2, 2, 3}, 0, 0)).dead, 5000);
    EXPECT_EQ(forgotten(second, counters(0, {0, 0, 0}, 0, 0)).dead, 5001);
}

TEST(MaintainMemory, forgets_with_the_next_vacuum_and_analyse_of_its_own_kind) {
    const Changes vacuumed = forgotten(noted(), counters(10, {0, 0, 3}, 1, 0));
    EXPECT_EQ(vacuumed.dead, 0);
    EXPECT_EQ(vacuumed.inserted, 0);
    EXPECT_EQ(vacuumed.modified, 7000);
    const Changes analyzed = forgotten(noted(), counters(10, {1, 2, 0}, 0, 1));
    EXPECT_EQ(analyzed.dead, 5000);
    EXPECT_EQ(analyzed.modified, 0);
}

TEST(MaintainMemory, forgets_when_what_it_carried_on_is_vacuumed_without_another_loss) {
    const Note second = note(noted(), counters(10, {1, 2, 3}, 0, 0), kNow);
    EXPECT_EQ(forgotten(second, counters(20, {0, 0, 3}, 1, 0)).dead, 0);
}

TEST(MaintainMemory, believes_the_ledger_about_what_was_done_between_note_and_crash) {
    Counters now = counters(10, {1, 2, 3}, 0, 0);
    now.last_vacuum = base::Instant{kThen.micros + 1};
    EXPECT_EQ(forgotten(noted(), now).dead, 0);
    EXPECT_EQ(forgotten(noted(), now).modified, 7000);
    now.last_vacuum = kThen;
    EXPECT_EQ(forgotten(noted(), now).dead, 5000);
}

TEST(MaintainMemory, has_no_dead_rows_of_a_file_that_is_gone) {
    Counters now = counters(10, {1, 2, 3}, 0, 0);
    now.file = 16390;
    EXPECT_EQ(forgotten(noted(), now).dead, 0);
    EXPECT_EQ(forgotten(noted(), now).modified, 7000);
}

TEST(MaintainMemory, keeps_when_it_was_last_done_after_the_server_has_forgotten_it) {
    Counters before = counters(100'000, {5000, 6000, 7000});
    before.last_vacuum = kThen;
    const Note second = note(note(std::nullopt, before, kThen), counters(10, {1, 2, 3}, 0, 0), kNow);
    EXPECT_EQ(second.counters.last_vacuum, kThen);
}

TEST(MaintainMemory, notes_only_what_is_new) {
    EXPECT_FALSE(is_worth_noting(std::nullopt, counters(0, {}, 0, 0)));
    EXPECT_TRUE(is_worth_noting(std::nullopt, counters(1, {}, 0, 0)));
    EXPECT_FALSE(is_worth_noting(noted(), counters(100'000, {5000, 6000, 7000})));
    EXPECT_TRUE(is_worth_noting(noted(), counters(100'000, {0, 6000, 7000}, 4)));
}

}  // namespace
}  // namespace steward::maintain
