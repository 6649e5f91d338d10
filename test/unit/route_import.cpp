// SPDX-License-Identifier: PostgreSQL
#include "route/import.hpp"

#include <gtest/gtest.h>

namespace steward::route {
namespace {

std::string told(const ImportStep& step) {
    return std::string(name_of(step.action)) + " " + step.node.name + " " + step.node.host + " " +
           std::to_string(step.node.port);
}

TEST(RouteImport, what_is_there_is_kept_and_what_has_moved_is_moved) {
    const std::vector<Node> registered = {
        {"a", "10.0.0.1", 5432, {{"user", "w"}}}, {"b", "10.0.0.2", 5432, {}}, {"x", "10.0.0.9", 5432, {}}};
    const std::vector<Foreign> foreign = {{"a", "10.0.0.1", 5432, {}, ""},
                                          {"b", "10.0.0.22", 5432, {}, ""},
                                          {"c", "10.0.0.3", 5432, {}, "replica"},
                                          {"renamed", "10.0.0.9", 5432, {}, ""}};
    const auto steps = plan_import(foreign, registered, {{"user", "string", "watcher"}});
    ASSERT_EQ(steps.size(), 4U);
    EXPECT_EQ(told(steps[0]), "keep a 10.0.0.1 5432");
    EXPECT_EQ(told(steps[1]), "move b 10.0.0.22 5432");
    EXPECT_EQ(told(steps[2]), "register c 10.0.0.3 5432");
    EXPECT_EQ(steps[2].node.options.at("user"), "watcher");
    EXPECT_EQ(told(steps[3]), "keep x 10.0.0.9 5432") << "one server is one node, whatever it is called";
}

TEST(RouteImport, a_second_time_there_is_nothing_to_do) {
    const std::vector<Foreign> foreign = {{"a", "10.0.0.1", 5432, {}, ""}, {"b", "10.0.0.2", 5432, {}, ""}};
    std::vector<Node> registered;
    for (const ImportStep& step : plan_import(foreign, {}, {})) registered.push_back(step.node);
    for (const ImportStep& step : plan_import(foreign, registered, {}))
        EXPECT_EQ(step.action, ImportStep::Action::keep);
}

TEST(RouteImport, what_cannot_be_registered_is_skipped_and_said) {
    const std::vector<Node> registered = {{"a", "10.0.0.1", 5432, {}}, {"b", "10.0.0.2", 5432, {}}};
    const std::vector<Foreign> foreign = {{"", "10.0.0.1", 5432, {}, ""}, {"c", "not a host", 5432, {}, ""},
                                          {"d", "h", 0, {}, ""},          {"a", "10.0.0.2", 5432, {}, ""},
                                          {"e", "h", 1, {}, ""},          {"e", "h", 2, {}, ""}};
    const auto steps = plan_import(foreign, registered, {});
    for (int i : {0, 1, 2, 3, 5}) EXPECT_EQ(steps[i].action, ImportStep::Action::skip) << i;
    EXPECT_EQ(steps[3].detail, "it is registered as \"b\"") << "the two have changed places: nothing is guessed";
    EXPECT_EQ(told(steps.back()), "keep b 10.0.0.2 5432") << told(steps.back());
}

TEST(RouteImport, no_more_nodes_than_there_may_be) {
    std::vector<Foreign> foreign;
    for (int i = 0; i < kMaxNodes + 3; ++i) foreign.push_back({"n" + std::to_string(i), "h", i + 1, {}, ""});
    const auto steps = plan_import(foreign, {}, {});
    EXPECT_EQ(steps[kMaxNodes - 1].action, ImportStep::Action::add);
    EXPECT_EQ(steps[kMaxNodes].action, ImportStep::Action::skip);
}

}  // namespace
}  // namespace steward::route
