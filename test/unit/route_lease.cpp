// SPDX-License-Identifier: PostgreSQL
#include "route/lease.hpp"

#include <memory>

#include "route_choose.hpp"

namespace steward::route {
namespace {

// This server is the primary; the others have answered so many seconds ago.
std::vector<BoardNode> seen_ago(std::initializer_list<int> seconds) {
    auto nodes = cluster(static_cast<int>(seconds.size()) + 1);
    nodes.back().is_self = false;
    nodes[0].is_self = true;
    std::size_t i = 1;
    for (int ago : seconds) nodes[i++].seen_at = kAround.now + -ago * kSecond;
    return nodes;
}

std::int64_t seconds_left(const std::vector<BoardNode>& nodes) {
    const Steady lease = lease_of(Nodes(nodes), kAround);
    return lease.micros == 0 ? -1 : (lease - kAround.now) / kSecond;
}

TEST(RouteLease, lasts_from_the_answers_of_more_than_half) {
    EXPECT_EQ(seconds_left(seen_ago({})), 5) << "alone it is all there are";
    EXPECT_EQ(seconds_left(seen_ago({1})), 4);
    EXPECT_EQ(seconds_left(seen_ago({1, 3})), 4) << "itself and one other are more than half of three";
    EXPECT_EQ(seconds_left(seen_ago({1, 2, 3})), 3);
    EXPECT_EQ(seconds_left(seen_ago({1, 2, 3, 4})), 3);
    EXPECT_EQ(seconds_left(seen_ago({7, 9})), -2) << "it is over";
}

TEST(RouteLease, counts_no_node_that_has_not_answered) {
    auto nodes = seen_ago({1, 1});
    nodes[1].has_facts = false;
    EXPECT_EQ(seconds_left(nodes), 4);
    nodes[2].has_facts = false;
    EXPECT_EQ(seconds_left(nodes), -1);
}

TEST(RouteLease, counts_no_node_that_sees_another_primary) {
    auto nodes = seen_ago({1, 1, 1, 1});
    nodes[1].view.instance = nodes[2].view.instance = 99;
    EXPECT_EQ(seconds_left(nodes), 4);
    nodes[3].view.instance = 99;
    EXPECT_EQ(seconds_left(nodes), -1);
}

TEST(RouteLease, nodes_in_maintenance_have_no_vote) {
    auto nodes = seen_ago({1, 9, 9});
    EXPECT_EQ(seconds_left(nodes), -4);
    nodes[2].is_in_maintenance = nodes[3].is_in_maintenance = true;
    EXPECT_EQ(seconds_left(nodes), 4);
}

TEST(RouteLease, ends_at_once_where_another_is_primary) {
    auto nodes = seen_ago({1, 1, 1, 1});
    nodes[1] = node_at(1, false, 2);
    EXPECT_EQ(seconds_left(nodes), -1) << "it answers";
    nodes = seen_ago({1, 1, 1, 1});
    nodes[1].view.newest_timeline = 2;
    EXPECT_EQ(seconds_left(nodes), -1) << "somebody has heard of a newer timeline";
}

TEST(RouteLease, lasts_beside_a_primary_of_an_older_timeline) {
    auto nodes = seen_ago({1, 1});
    nodes[0].timeline = 2;
    nodes[1] = node_at(1, false, 1);
    for (BoardNode& node : nodes) node.view = saw(nodes[0]);
    EXPECT_EQ(seconds_left(nodes), 5);
    nodes[1].timeline = 2;
    EXPECT_EQ(seconds_left(nodes), -1) << "but not beside one of the same";
}

TEST(RouteLease, is_none_of_a_standby_or_a_stranger) {
    EXPECT_EQ(seconds_left(cluster(3)), -1);
    auto nodes = seen_ago({1, 1});
    nodes[0].is_self = false;
    EXPECT_EQ(seconds_left(nodes), -1) << "who is not registered";
}

TEST(RouteLease, is_that_of_all_databases) {
    auto page = std::make_unique<Page>();
    EXPECT_GT(lease_of(*page, kAround).micros, kAround.now.micros + 1000 * kSecond)
        << "without nodes there is nothing to lose sight of";
    for (auto [database, ago] : {std::pair{1U, 1}, std::pair{2U, 3}})
        for (BoardNode node : seen_ago({ago, ago})) {
            node.database = database;
            page->nodes[page->count++] = node;
        }
    EXPECT_EQ((lease_of(*page, kAround) - kAround.now) / kSecond, 2);
}

}  // namespace
}  // namespace steward::route
