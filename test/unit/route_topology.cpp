// SPDX-License-Identifier: PostgreSQL
#include "route/topology.hpp"

#include <gtest/gtest.h>

namespace steward::route {
namespace {

Facts seen(bool is_standby, std::uint32_t timeline, std::uint64_t instance = 1) {
    Facts facts;
    facts.instance = instance;
    facts.system_identifier = 7;
    facts.is_standby = is_standby;
    facts.timeline = timeline;
    return facts;
}

TEST(RouteTopology, tells_what_an_answer_says_that_is_new) {
    Sightings node;
    EXPECT_FALSE(node.saw(seen(true, 1), {0}, {1}));
    EXPECT_FALSE(node.saw(seen(true, 1), {10}, {11}));
    auto change = node.saw(seen(true, 2), {20}, {21});
    ASSERT_TRUE(change);
    EXPECT_EQ(change->kind, EventKind::timeline_change);
    EXPECT_EQ(change->previous_timeline, 1U);
    EXPECT_EQ(change->timeline, 2U);
    change = node.saw(seen(false, 3), {30}, {31});
    ASSERT_TRUE(change);
    EXPECT_EQ(change->kind, EventKind::promotion);
    EXPECT_EQ(change->previous_timeline, 2U);
    EXPECT_TRUE(node.was_primary());
    change = node.saw(seen(true, 4, 2), {40}, {41});
    ASSERT_TRUE(change);
    EXPECT_EQ(change->kind, EventKind::demotion);
    EXPECT_FALSE(node.was_primary());
}

TEST(RouteTopology, does_not_compare_servers_of_two_clusters) {
    Sightings node;
    node.saw(seen(true, 1), {0}, {1});
    Facts other = seen(false, 9, 2);
    other.system_identifier = 8;
    EXPECT_FALSE(node.saw(other, {10}, {11}));
}

TEST(RouteTopology, an_old_primary_that_is_asked_no_more_is_no_rival) {
    Sightings old_one;
    Sightings new_one;
    old_one.saw(seen(false, 1), {0}, {1});
    old_one.saw(seen(false, 1), {100}, {101});
    new_one.saw(seen(true, 1), {90}, {91});
    new_one.saw(seen(false, 2), {110}, {111});
    EXPECT_FALSE(reigned_together(old_one.reign(), new_one.reign()));
    new_one.saw(seen(false, 2), {210}, {211});
    EXPECT_FALSE(reigned_together(old_one.reign(), new_one.reign())) << "however long the new one goes on";
    // It was asked while the other one was a primary, and answered that it was one.
    old_one.saw(seen(false, 1), {200}, {201});
    EXPECT_TRUE(reigned_together(old_one.reign(), new_one.reign()));
    EXPECT_TRUE(reigned_together(new_one.reign(), old_one.reign()));
}

TEST(RouteTopology, an_answer_that_took_long_proves_nothing) {
    Sightings old_one;
    Sightings new_one;
    old_one.saw(seen(false, 1), {0}, {1});
    new_one.saw(seen(false, 2), {110}, {111});
    new_one.saw(seen(false, 2), {210}, {211});
    // Asked before the other one was seen as a primary, answered after.
    old_one.saw(seen(false, 1), {100}, {205});
    EXPECT_FALSE(reigned_together(old_one.reign(), new_one.reign()));
}

TEST(RouteTopology, a_primary_that_was_started_anew_begins_anew) {
    Sightings node;
    node.saw(seen(false, 1, 1), {0}, {1});
    node.saw(seen(false, 1, 2), {1000}, {1001});
    EXPECT_EQ(node.reign().since, Steady{1001});
    EXPECT_EQ(node.reign().until, Steady{1000});
}

TEST(RouteTopology, a_rivalry_begins_once_and_ends_with_one_of_the_two) {
    Rivalries rivalries;
    EXPECT_TRUE(rivalries.begin(3, 1));
    EXPECT_FALSE(rivalries.begin(1, 3));
    EXPECT_TRUE(rivalries.begin(3, 5));
    EXPECT_EQ(rivalries.end(3), (std::vector<int>{1, 5}));
    EXPECT_TRUE(rivalries.end(1).empty());
    EXPECT_TRUE(rivalries.begin(1, 3));
}

TEST(RouteTopology, the_loss_of_a_primary_is_worse_than_that_of_a_standby) {
    EXPECT_STREQ(severity_of(EventKind::loss, true), "critical");
    EXPECT_STREQ(severity_of(EventKind::loss, false), "warning");
    EXPECT_STREQ(severity_of(EventKind::split_brain, false), "critical");
    EXPECT_STREQ(severity_of(EventKind::comeback, true), "info");
}

TEST(RouteTopology, what_was_known_fits_its_place_whatever_names_are) {
    KnownNode node;
    node.name = "a \"b\"";
    EXPECT_EQ(known_json({node}, 2000), R"([{"node": "a \"b\"", "state": "unknown"}])");
    node.has_facts = true;
    node.facts = seen(true, 3);
    node.facts.replayed = {0x1000};
    node.reach = Reach::down;
    node.age = 1'500'000;
    EXPECT_EQ(known_json({node}, 2000), R"([{"node": "a \"b\"", "state": "down", "role": "standby", "timeline": 3, )"
                                        R"("replay_lsn": "0/1000", "seconds_ago": 1.500}])");
    const std::string cut = known_json(std::vector<KnownNode>(64, node), 1000);
    EXPECT_LE(cut.size(), 1000U);
    EXPECT_NE(cut.find("\"left_out\": "), std::string::npos);
    EXPECT_EQ(known_json({node}, 40), R"([{"left_out": 1}])");
}

}  // namespace
}  // namespace steward::route
