// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "partition/blueprint.hpp"
#include "partition/drift.hpp"
#include "partition/publications.hpp"

namespace steward::partition {
namespace {

using Indexes = std::vector<std::size_t>;

Member listed(std::string columns = "", std::string filter = "") {
    return {Listing{std::move(columns), std::move(filter)}, false};
}
const Member unlisted{std::nullopt, false};
const Member exempt{std::nullopt, true};

Indexes differing(Strategy strategy, const std::vector<Member>& members) {
    return expected_listings(strategy, members).differing;
}

TEST(PartitionPublications, ranges_follow_the_newest_and_the_others_all) {
    EXPECT_TRUE(follows_set(Strategy::range, true, false));
    EXPECT_FALSE(follows_set(Strategy::list, true, false));
    EXPECT_FALSE(follows_set(Strategy::hash, true, false));
    EXPECT_TRUE(follows_set(Strategy::hash, true, true));
}

TEST(PartitionPublications, ranges_are_expected_from_the_lowest_listed_on) {
    EXPECT_EQ(differing(Strategy::range, {unlisted, listed(), unlisted, listed(), unlisted}), (Indexes{2, 4}));
    EXPECT_EQ(differing(Strategy::range, {unlisted, unlisted}), Indexes{});
    EXPECT_EQ(differing(Strategy::range, {}), Indexes{});
}

TEST(PartitionPublications, lists_are_expected_once_half_of_them_are_in) {
    EXPECT_EQ(differing(Strategy::list, {unlisted, listed(), unlisted}), Indexes{});
    EXPECT_EQ(differing(Strategy::list, {unlisted, listed(), unlisted, listed()}), (Indexes{0, 2}));
}

TEST(PartitionPublications, what_is_published_otherwise_or_never_is_no_difference) {
    EXPECT_EQ(differing(Strategy::range, {listed(), exempt, unlisted}), (Indexes{2}));
}

TEST(PartitionPublications, the_last_listed_one_is_the_measure) {
    const Expectation expectation =
        expected_listings(Strategy::range, {listed("id"), listed("id", "id > 1"), listed("", "id > 1"), unlisted});
    EXPECT_EQ(expectation.listing.text(), "WHERE (id > 1)");
    EXPECT_EQ(expectation.differing, (Indexes{0, 1, 3}));
}

TEST(PartitionPublications, names_are_quoted_and_listings_whole) {
    EXPECT_EQ(publish_sql("P\"q", {}, "s.c"), "ALTER PUBLICATION \"P\"\"q\" ADD TABLE s.c");
    EXPECT_EQ(publish_sql("p", {"id, \"A\"", "(note > 'x')"}, "s.c"),
              "ALTER PUBLICATION p ADD TABLE s.c (id, \"A\") WHERE ((note > 'x'))");
    EXPECT_EQ(
        publish_new_sql("p", {"", "(note > 'x')"}, "s.c"),
        "DO 'BEGIN ALTER PUBLICATION p ADD TABLE s.c WHERE ((note > ''x'')); EXCEPTION WHEN duplicate_object THEN "
        "NULL; END'");
}

TEST(PartitionPublications, obstacles_are_named) {
    Publication publication{"p", {}, false, "bob", false};
    EXPECT_EQ(obstacle(publication, false, false), "it belongs to bob");
    publication.is_ours = true;
    EXPECT_EQ(obstacle(publication, false, true), "");
    EXPECT_NE(obstacle(publication, true, false), "");
    EXPECT_EQ(obstacle(publication, true, true), "");  // its partitions are unlogged, the table has no rows
    publication.listing.columns = "id";
    EXPECT_EQ(obstacle(publication, false, false), "");
    EXPECT_NE(obstacle(publication, false, true), "");
    publication.is_root = true;
    EXPECT_EQ(obstacle(publication, false, true), "");
}

TEST(PartitionPublications, new_partitions_join_while_they_are_private) {
    Blueprint blueprint;
    blueprint.server_major = 15;
    blueprint.parent = "s.p";
    blueprint.publications = {{"ours", {}, true, "me", false}, {"theirs", {}, false, "bob", false}};
    blueprint.subpartitions = {Subpartitioning::Method::hash, "HASH (id)", 2};
    const std::string sql = create_table_sql(blueprint, "s", "c");
    const std::string last = ";\n" + publish_new_sql("ours", {}, "s.c");
    EXPECT_EQ(sql.substr(sql.size() - last.size()), last);
    EXPECT_EQ(sql.find("PUBLICATION"), sql.rfind("PUBLICATION"));
    EXPECT_EQ(publications_left(blueprint), "not added to publication theirs: it belongs to bob");
}

TEST(PartitionPublications, another_listing_is_changed_in_one_transaction) {
    Difference difference;
    difference.partition = "s.c";
    difference.aspect = Aspect::publication;
    difference.subject = "p";
    difference.listing = {"id", ""};
    EXPECT_EQ(repair(difference).sql, "ALTER PUBLICATION p ADD TABLE s.c (id)");
    difference.actual = "all columns and rows";
    EXPECT_EQ(repair(difference).sql, "BEGIN;\nALTER PUBLICATION p DROP TABLE s.c;\n"
                                      "ALTER PUBLICATION p ADD TABLE s.c (id);\nCOMMIT");
}

}  // namespace
}  // namespace steward::partition
