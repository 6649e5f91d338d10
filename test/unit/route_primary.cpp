// SPDX-License-Identifier: PostgreSQL
#include "route/primary.hpp"

#include "route/page.hpp"
#include "route_choose.hpp"

namespace steward::route {
namespace {

TEST(RoutePrimary, is_the_one_that_more_than_half_have_seen) {
    auto nodes = cluster(5);
    EXPECT_EQ(write_target(nodes), "n0");
    for (int i : {1, 2}) lose(nodes[static_cast<std::size_t>(i)]);
    EXPECT_EQ(write_target(nodes), "n0");
    lose(nodes[3]);
    EXPECT_EQ(write_target(nodes), "\"n0\" is seen as the primary by 2 of 5 nodes: 3 are needed");
}

TEST(RoutePrimary, counts_no_vote_that_is_old) {
    auto nodes = cluster(5);
    lose(nodes[1]);
    lose(nodes[2]);
    nodes[3].view.at = kAround.now + -6 * kSecond;
    EXPECT_EQ(write_target(nodes), "\"n0\" is seen as the primary by 2 of 5 nodes: 3 are needed");
}

TEST(RoutePrimary, there_is_none_that_does_not_answer) {
    auto nodes = cluster(3);
    lose(nodes[0]);
    EXPECT_EQ(write_target(nodes), "no node says that it is the primary");
    nodes = cluster(3);
    nodes[0].seen_at = kAround.now + -6 * kSecond;
    EXPECT_EQ(write_target(nodes), "no node says that it is the primary");
}

TEST(RoutePrimary, is_the_promoted_one_as_soon_as_more_than_half_have_seen_it) {
    auto nodes = cluster(4);
    lose(nodes[0]);
    nodes[1] = node_at(1, false, 2);
    nodes[1].view = saw(nodes[1]);
    EXPECT_EQ(write_target(nodes), "\"n1\" is seen as the primary by 2 of 4 nodes: 3 are needed");
    nodes[2].view = saw(nodes[1]);
    EXPECT_EQ(write_target(nodes), "n1");
}

TEST(RoutePrimary, two_are_none) {
    auto nodes = cluster(5);
    nodes[1] = node_at(1, false, 2);
    for (BoardNode& node : nodes) node.view = saw(nodes[1]);
    EXPECT_EQ(write_target(nodes), "split brain: \"n1\" and \"n0\" both are primaries");
    nodes[0].instance = nodes[1].instance;
    EXPECT_EQ(write_target(nodes), "n1") << "one server of two names is one";
}

TEST(RoutePrimary, one_that_only_others_see_counts) {
    auto nodes = cluster(5);
    lose(nodes[1]);
    nodes[2].view = saw(nodes[1]);
    EXPECT_EQ(write_target(nodes), "split brain: \"n0\" and \"n1\" both are primaries");
    // Who has not yet noticed that the old one is gone contradicts nobody.
    nodes = cluster(5);
    lose(nodes[0]);
    nodes[1] = node_at(1, false, 2);
    nodes[1].view = nodes[2].view = saw(nodes[1]);
    EXPECT_EQ(write_target(nodes), "n1");
}

TEST(RoutePrimary, an_old_one_is_none_once_a_newer_timeline_is_known) {
    auto nodes = cluster(5);
    nodes[1].newest_timeline = 2;
    EXPECT_EQ(write_target(nodes), "\"n0\" is the primary of timeline 1, but timeline 2 has begun");
    nodes = cluster(5);
    lose(nodes[1]);
    nodes[1].timeline = 3;
    EXPECT_EQ(write_target(nodes), "\"n0\" is the primary of timeline 1, but timeline 3 has begun") << "seen once";
    nodes = cluster(5);
    nodes[3].view.newest_timeline = 2;
    EXPECT_EQ(write_target(nodes), "\"n0\" is the primary of timeline 1, but timeline 2 has begun") << "seen by others";
}

TEST(RoutePrimary, of_two_nodes_the_one_promoted_since_is) {
    auto nodes = cluster(2);
    lose(nodes[0]);
    nodes[1] = node_at(1, false, 2);
    nodes[1].is_self = true;
    EXPECT_EQ(write_target(nodes), "n1");
    // The other side of a network that has parted: this one has not been promoted.
    nodes = cluster(2);
    nodes[1].is_self = false;
    nodes[0].is_self = true;
    lose(nodes[1]);
    EXPECT_EQ(
        write_target(nodes),
        "\"n0\" is seen as the primary by 1 of 2 nodes: 2 are needed, since the other one, which does not answer, may "
        "have been promoted; a third node, or the option maintenance of that one, ends the doubt");
    nodes[1].is_in_maintenance = true;
    EXPECT_EQ(write_target(nodes), "n0") << "no vote is missing";
}

TEST(RoutePrimary, where_all_have_been_seen_nobody_need_vote) {
    auto nodes = cluster(5);
    for (BoardNode& node : nodes) node.view = {};
    for (BoardNode& node : nodes) node.instance = 0;
    EXPECT_EQ(write_target(nodes), "n0");
    nodes[1].is_missing = true;
    EXPECT_EQ(write_target(nodes), "\"n0\" is seen as the primary by 2 of 5 nodes: 3 are needed");
}

TEST(RoutePrimary, is_not_written_to_in_maintenance) {
    auto nodes = cluster(3);
    nodes[0].is_in_maintenance = true;
    EXPECT_EQ(write_target(nodes), "\"n0\", the primary, is in maintenance");
}

TEST(RoutePrimary, servers_of_other_clusters_neither_vote_nor_rival) {
    auto nodes = cluster(3);
    nodes.push_back(node_at(3, false, 9));
    nodes.back().system_identifier = 5;
    EXPECT_EQ(write_target(nodes), "n0");
}

// ---- Pages -----------------------------------------------------------------------------------------------------------

Page page_of(const std::vector<BoardNode>& nodes) {
    Page page;
    for (const BoardNode& node : nodes) page.nodes[page.count++] = node;
    return page;
}

TEST(RoutePage, an_epoch_ends_with_any_change_of_members_roles_and_the_primary) {
    auto nodes = cluster(3);
    Page before;
    before.topology_epoch = 7;
    Page page = page_of(nodes);
    EXPECT_TRUE(follow(page, before, kAround));
    EXPECT_EQ(page.topology_epoch, 8U);
    std::uint64_t epoch = 8;
    auto next = [&] {
        Page following = page_of(nodes);
        follow(following, page, kAround);
        page = following;
        return page.topology_epoch;
    };
    nodes[1].replayed = {2000};
    nodes[1].connections = 12;
    EXPECT_EQ(next(), epoch) << "nothing that matters";
    lose(nodes[0]);
    EXPECT_EQ(next(), ++epoch) << "no certain primary any more";
    nodes[1] = node_at(1, false, 2);
    nodes[1].view = nodes[2].view = saw(nodes[1]);
    EXPECT_EQ(next(), ++epoch) << "another primary";
    nodes.pop_back();
    EXPECT_EQ(next(), ++epoch) << "one node less";
    nodes[0].port = 5433;
    EXPECT_EQ(next(), ++epoch) << "it is elsewhere";
}

TEST(RoutePage, nothing_of_a_primary_that_is_not_certain_is_believed) {
    auto nodes = cluster(3);
    Page before = page_of(nodes);
    before.horizon = {{1000}, {1}, true};
    lose(nodes[1]);
    nodes[2].is_self = false;
    lose(nodes[2]);
    nodes[2].measured = {{3000}, 0, kAround.now, true};
    Page page = page_of(nodes);
    page.horizon = {{3000}, kAround.now, true};
    EXPECT_FALSE(follow(page, before, kAround));
    EXPECT_EQ(page.horizon.flushed, Lsn{1000});
    EXPECT_EQ(page.nodes[2].measured.replayed, Lsn{1000});
}

TEST(RoutePage, databases_are_told_apart) {
    auto nodes = cluster(2);
    for (int i = 2; i < 5; ++i) {
        nodes.push_back(node_at(i, true));
        nodes.back().database = 9;
    }
    Page page = page_of(nodes);
    EXPECT_FALSE(follow(page, Page(), kAround)) << "the other one has none";
    EXPECT_EQ(nodes_of(page, 0).size(), 2U);
    EXPECT_EQ(nodes_of(page, 9).size(), 3U);
    EXPECT_TRUE(nodes_of(page, 5).empty());
}

}  // namespace
}  // namespace steward::route
