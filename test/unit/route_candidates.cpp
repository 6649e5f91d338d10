// SPDX-License-Identifier: PostgreSQL
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <thread>

#include "route_choose.hpp"

namespace steward::route {
namespace {

constexpr Horizon kHorizon{{1000}, kAround.now, true};

Request reads(std::optional<std::int64_t> max_staleness = std::nullopt) {
    Request request;
    request.is_read_only = true;
    request.max_staleness = max_staleness;
    request.max_rows = kMaxNodes;
    return request;
}

std::string names(const std::vector<BoardNode>& nodes, const std::vector<int>& chosen) {
    std::vector<std::string> all;
    for (int i : chosen) all.emplace_back(nodes[static_cast<std::size_t>(i)].name);
    std::sort(all.begin(), all.end());
    std::string text;
    for (const std::string& name : all) text += (text.empty() ? "" : " ") + name;
    return text;
}

std::string chosen(const std::vector<BoardNode>& nodes, const Request& request, const Horizon& horizon = kHorizon) {
    Ranking ranking;
    return names(nodes, choose(scene_of(nodes, horizon), request, ranking, 1, 0).nodes);
}

std::string why_not(const std::vector<BoardNode>& nodes, int index, const Request& request) {
    const Scene scene = scene_of(nodes, kHorizon);
    return read_reason(index, judge(index, scene, request), scene, request);
}

TEST(RouteCandidates, reads_go_to_standbys_and_then_to_the_primary) {
    auto nodes = cluster(3);
    EXPECT_EQ(chosen(nodes, reads()), "n0 n1 n2");
    Request one = reads();
    one.max_rows = 1;
    EXPECT_NE(chosen(nodes, one), "n0");
    for (std::size_t i : {1, 2}) nodes[i].is_in_maintenance = true;
    EXPECT_EQ(chosen(nodes, one), "n0");
    one.strategy = Strategy::primary_only;
    EXPECT_EQ(chosen(cluster(3), one), "n0");
}

TEST(RouteCandidates, what_was_known_gets_older) {
    auto nodes = cluster(3);
    nodes[1].replayed = {900};
    nodes[1].measured = {{900}, kSecond, kAround.now + -kSecond, true};
    EXPECT_EQ(chosen(nodes, reads(2 * kSecond)), "n0 n1 n2");
    EXPECT_EQ(chosen(nodes, reads(2 * kSecond - 1)), "n0 n2");
    EXPECT_EQ(why_not(nodes, 1, reads(kSecond)), "it may be 2.000 s behind, more than 1.000 s");
    // All there was then is there: only what came since can be missing.
    const Horizon earlier{{900}, kAround.now + -kSecond / 2, true};
    EXPECT_EQ(chosen(nodes, reads(kSecond / 2), earlier), "n0 n1 n2");
}

TEST(RouteCandidates, a_lag_that_nobody_knows_is_within_no_bound) {
    auto nodes = cluster(3);
    for (std::size_t i : {1, 2}) {
        nodes[i].measured = {};
        nodes[i].replayed = {900};
    }
    EXPECT_EQ(chosen(nodes, reads(1000 * kSecond)), "n0");
    EXPECT_EQ(chosen(nodes, reads()), "n0 n1 n2");
    nodes[1].measured = {{950}, 0, kAround.now, true};
    EXPECT_EQ(chosen(nodes, reads(1000 * kSecond)), "n0") << "of another history";
}

TEST(RouteCandidates, a_position_is_waited_for_by_nobody) {
    auto nodes = cluster(3);
    nodes[1].replayed = {2000};
    Request request = reads();
    request.min_lsn = {1500};
    EXPECT_EQ(chosen(nodes, request), "n0 n1");
    EXPECT_EQ(why_not(nodes, 2, request), "it has replayed 0/3E8, not 0/5DC");
}

TEST(RouteCandidates, says_why_not) {
    auto nodes = cluster(7);
    nodes[1].is_in_maintenance = true;
    nodes[2].has_facts = false;
    lose(nodes[3]);
    nodes[4].timeline = 0;
    nodes[5].held_until = kAround.now + 3 * kSecond;
    EXPECT_EQ(chosen(nodes, reads()), "n0 n6");
    const char* reasons[] = {"in maintenance", "it has not answered yet", "it does not answer",
                             "it is on timeline 0, the cluster on 1",
                             "it has been lost and is back: taken again when it has answered for 3.000 s more"};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(why_not(nodes, i + 1, reads()), reasons[i]);
}

TEST(RouteCandidates, without_a_certain_primary_there_is_no_bound_it_could_keep) {
    auto nodes = cluster(3);
    for (std::size_t i : {1, 2}) lose(nodes[i]);
    nodes[2].is_self = false;
    nodes[0].is_self = true;
    EXPECT_EQ(chosen(nodes, reads(kSecond)), "");
    EXPECT_EQ(chosen(nodes, reads()), "n0") << "reads of any age";
    nodes[1] = node_at(1, false);
    EXPECT_EQ(chosen(nodes, reads()), "") << "none of two";
}

TEST(RouteCandidates, what_a_server_has_that_may_not_be_primary_is_no_measure) {
    auto nodes = cluster(3);
    for (BoardNode& node : nodes) node.measured = {};
    nodes[2].is_self = false;
    nodes[0].is_self = true;
    auto fitness = [&] {
        Scene scene = scene_of(nodes, kHorizon);
        scene.is_horizon_own = true;
        return judge(1, scene, reads(0)).for_reads;
    };
    EXPECT_EQ(fitness(), Fitness::fit);
    lose(nodes[2]);
    nodes[1].view = {};
    EXPECT_EQ(fitness(), Fitness::lag_unknown);
}

TEST(RouteCandidates, writes_can_go_on_where_the_primary_goes) {
    auto nodes = cluster(4);
    nodes[3].is_in_maintenance = true;
    Ranking none;
    const Choice choice = choose(scene_of(nodes, kHorizon), {}, none, 1, 0);
    EXPECT_EQ(names(nodes, choice.nodes), "n0");
    EXPECT_EQ(names(nodes, choice.spare), "n1 n2");
}

TEST(RouteCandidates, refuses_what_makes_no_sense) {
    EXPECT_FALSE(fault_of({}));
    Request request;
    request.max_rows = 0;
    EXPECT_EQ(fault_of(request)->sqlstate, "22023");
    request = reads(-1);
    EXPECT_EQ(fault_of(request)->message, "max_staleness must not be negative");
    EXPECT_EQ(parse_strategy("random").failure().hint,
              "Strategies are balanced, nearest, least_lag, primary_only and round_robin.");
}

TEST(RouteCandidates, is_valid_until_the_bound_is_reached) {
    Candidate candidate;
    candidate.for_reads = Fitness::fit;
    candidate.most_stale = kSecond;
    EXPECT_EQ(valid_until(candidate, reads(kSecond * 3 / 2), kAround, kSecond) - kAround.now, kSecond / 2);
    EXPECT_EQ(valid_until(candidate, reads(5 * kSecond), kAround, kSecond) - kAround.now, kSecond);
    EXPECT_EQ(valid_until(candidate, reads(), kAround, kSecond) - kAround.now, kSecond);
}

// ---- Which of several ------------------------------------------------------------------------------------------------

struct Herd {
    std::vector<BoardNode> nodes;
    std::unique_ptr<std::array<Assignments, kMaxNodes>> assigned =
        std::make_unique<std::array<Assignments, kMaxNodes>>();

    // Clients that all come before anything new is known of the nodes.
    std::map<int, int> come(int clients, Request request, bool is_one_session = false) {
        std::map<int, int> taken;
        Ranking ranking;
        request.max_rows = 1;
        for (int i = 0; i < clients; ++i) {
            Scene scene = scene_of(nodes, kHorizon);
            scene.assigned = assigned->data();
            // Each in a session of its own, or all in one.
            if (!is_one_session) ranking = {};
            const Choice choice =
                choose(scene, request, ranking, static_cast<std::uint64_t>(i) * 7919, static_cast<std::uint64_t>(i));
            ++taken[choice.nodes.at(0)];
            (*assigned)[static_cast<std::size_t>(choice.nodes[0])].add(kAround.now);
        }
        return taken;
    }
};

TEST(RouteStrategy, a_herd_spreads) {
    for (auto [standbys, is_one_session] : {std::pair(2, false), {4, false}, {15, false}, {15, true}}) {
        Herd herd{cluster(standbys + 1)};
        // The best by what was last heard of it.
        for (std::size_t i = 2; i < herd.nodes.size(); ++i) herd.nodes[i].connections = 3;
        const int each = 100;
        auto taken = herd.come(standbys * each, reads(), is_one_session);
        EXPECT_EQ(taken.count(0), 0U);
        for (int i = 1; i <= standbys; ++i) {
            EXPECT_GT(taken[i], each * 3 / 4);
            EXPECT_LT(taken[i], each * 5 / 4);
        }
    }
}

TEST(RouteStrategy, weight_is_the_share_it_takes) {
    Herd herd{cluster(4)};
    herd.nodes[1].weight = 300;
    auto taken = herd.come(1000, reads());
    EXPECT_NEAR(taken[1], 600, 60);
    EXPECT_NEAR(taken[2], 200, 40);
}

TEST(RouteStrategy, those_in_use_are_given_less) {
    Herd herd{cluster(3)};
    herd.nodes[1].connections = 50;
    auto taken = herd.come(100, reads());
    EXPECT_GT(taken[2], 70);
}

TEST(RouteStrategy, stays_in_the_zone_until_that_is_full) {
    Herd herd{cluster(5)};
    for (std::size_t i : {1, 2}) copy_short(herd.nodes[i].zone, "eu");
    Request request = reads();
    request.zone = "eu";
    auto taken = herd.come(100, request);
    EXPECT_EQ(taken[1] + taken[2], 100);
    for (std::size_t i : {1, 2}) herd.nodes[i].connections = 95;
    taken = herd.come(10, request);
    EXPECT_EQ(taken[3] + taken[4], 10);
    request.zone = "us";
    EXPECT_EQ(herd.come(10, request).size() > 1, true) << "a zone that nobody is in leaves all";
}

TEST(RouteStrategy, each_strategy_has_its_order) {
    Herd herd{cluster(4)};
    herd.nodes[1].round_trip = 300;
    herd.nodes[2].round_trip = 100;
    herd.nodes[3].round_trip = 200;
    herd.nodes[1].replayed = {800};
    herd.nodes[2].replayed = {700};
    for (std::size_t i : {1, 2})
        herd.nodes[i].measured = {herd.nodes[i].replayed, static_cast<std::int64_t>(i), kAround.now, true};
    Request request = reads();
    request.strategy = Strategy::nearest;
    EXPECT_EQ(herd.come(5, request), (std::map<int, int>{{2, 5}}));
    request.strategy = Strategy::least_lag;
    EXPECT_EQ(herd.come(5, request), (std::map<int, int>{{3, 5}}));
    request.strategy = Strategy::round_robin;
    EXPECT_EQ(herd.come(6, request), (std::map<int, int>{{1, 2}, {2, 2}, {3, 2}}));
}

TEST(RouteRanking, what_no_longer_holds_is_ranked_anew) {
    auto nodes = cluster(4);
    Request request = reads(2 * kSecond);
    request.max_rows = 1;
    for (BoardNode& node : nodes) node.measured = {{1000}, 0, kAround.now, true};
    nodes[2].measured.age = kSecond;
    Ranking ranking;
    auto offered_at = [&](Steady now, std::uint64_t version = 1) {
        Scene scene = scene_of(nodes, {});
        scene.around.now = now;
        scene.version = version;
        Choice choice = choose(scene, request, ranking, 1, 0);
        choice.nodes.insert(choice.nodes.end(), choice.spare.begin(), choice.spare.end());
        return names(nodes, choice.nodes);
    };
    EXPECT_EQ(offered_at(kAround.now), "n0 n1 n2 n3");
    EXPECT_EQ(offered_at(kAround.now + kSecond), "n0 n1 n2 n3");
    EXPECT_EQ(ranking.nodes.size(), 3U);
    EXPECT_EQ(offered_at(kAround.now + (kSecond + 1)), "n0 n1 n3") << "too old, by time alone";
    EXPECT_EQ(ranking.nodes.size(), 2U);
    nodes[2].measured.age = 0;
    EXPECT_EQ(offered_at(kAround.now + (kSecond + 1)), "n0 n1 n3") << "nobody has heard of it";
    EXPECT_EQ(offered_at(kAround.now + (kSecond + 1), 2), "n0 n1 n2 n3");
    request.max_staleness = kSecond;
    EXPECT_EQ(offered_at(kAround.now + (kSecond + 1), 2), "n0") << "another request";
}

TEST(RouteRanking, a_server_that_is_not_right_itself_is_looked_at_each_time) {
    auto nodes = cluster(3);
    Request request = reads();
    request.max_rows = 1;
    request.min_lsn = {1001};
    Ranking ranking;
    EXPECT_EQ(choose(scene_of(nodes, kHorizon), request, ranking, 1, 0).nodes.at(0), 0);
    ASSERT_TRUE(nodes[2].is_self);
    nodes[2].replayed = {1001};
    EXPECT_EQ(choose(scene_of(nodes, kHorizon), request, ranking, 1, 0).nodes.at(0), 2);
}

TEST(RouteRanking, those_that_have_become_full_give_way) {
    Herd herd{cluster(5)};
    for (std::size_t i : {1, 2}) {
        copy_short(herd.nodes[i].zone, "eu");
        herd.nodes[i].connections = 80;
    }
    Request request = reads();
    request.zone = "eu";
    auto taken = herd.come(60, request, true);
    EXPECT_NEAR(taken[1] + taken[2], 20, 2);
    EXPECT_EQ(taken[3] + taken[4], 60 - taken[1] - taken[2]);
}

TEST(RouteAssignments, are_forgotten_by_half_and_half) {
    Assignments assignments;
    for (int i = 0; i < 100; ++i) assignments.add(kAround.now);
    EXPECT_NEAR(assignments.count(kAround.now), 100, 1);
    EXPECT_NEAR(assignments.count(kAround.now + kAssignmentHalfLife), 50, 1);
    EXPECT_NEAR(assignments.count(kAround.now + 20 * kAssignmentHalfLife), 0, 0.01);
    EXPECT_NEAR(assignments.count(kAround.now + -kSecond), 100, 1) << "by a clock that was read a little earlier";
    for (int i = 0; i < 100'000; ++i) assignments.add(kAround.now);
    EXPECT_GT(assignments.count(kAround.now), 65'000);
}

// ---- The board -------------------------------------------------------------------------------------------------------

TEST(RouteBoard, readers_see_whole_pages_while_others_are_written) {
    auto board = std::make_unique<Board>();
    std::atomic<bool> is_over{false};
    std::thread writer([&] {
        auto page = std::make_unique<Page>();
        for (int i = 0; i < 3000; ++i) {
            page->count = 1 + i % kMaxNodes;
            page->topology_epoch = static_cast<std::uint64_t>(page->count);
            for (BoardNode& node : page->nodes) node.port = page->count;
            board->publish(*page);
            if (i % 10 == 0) std::this_thread::yield();
        }
        is_over = true;
    });
    auto page = std::make_unique<Page>();
    int torn = 0;
    while (!is_over) {
        board->read(*page);
        torn += page->topology_epoch != static_cast<std::uint64_t>(page->count);
        for (int i = 0; i < page->count; ++i) torn += page->nodes[i].port != page->count;
    }
    writer.join();
    EXPECT_EQ(torn, 0);
    board->read(*page);
    EXPECT_EQ(page->count, 1 + 2999 % kMaxNodes);
}

}  // namespace
}  // namespace steward::route
