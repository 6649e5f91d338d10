// SPDX-License-Identifier: PostgreSQL
#include "route/node.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "route/facts.hpp"

namespace steward::route {
namespace {

std::string fault(std::string_view name, std::string_view host, int port, const std::vector<NodeOption>& options = {}) {
    auto result = read_registration(name, host, port, options);
    return result ? "" : result.failure().message;
}

TEST(RouteNode, takes_names_addresses_and_sockets) {
    for (const char* host : {"db1", "db-1.example.org", "10.0.0.1", "fe80::1%eth0", "::1", "/var/run/postgresql",
                             "b\xc3\xbc"
                             "cher.example"})
        EXPECT_EQ(fault("a", host, 5432), "") << host;
    EXPECT_TRUE(read_registration("a", "/tmp", 5432, {})->node.is_socket());
}

TEST(RouteNode, refuses_what_is_no_host) {
    EXPECT_EQ(fault("a", "", 5432), "host must not be empty");
    for (const char* host : {"a b", "a,b", "host=a", "postgresql://a/b", "a@b", "a/b", "a\nb", "/tmp,/var"})
        EXPECT_NE(fault("a", host, 5432), "") << host;
    EXPECT_EQ(fault("a", std::string(256, 'a'), 5432), "host is longer than 255 bytes");
}

TEST(RouteNode, refuses_names_and_ports_out_of_range) {
    EXPECT_EQ(fault("", "a", 5432), "name of a node must not be empty");
    EXPECT_EQ(fault(std::string(64, 'n'), "a", 5432), "invalid name of a node");
    EXPECT_EQ(fault("a", "a", 0), "port 0 is out of range");
    EXPECT_EQ(fault("a", "a", 65536), "port 65536 is out of range");
}

TEST(RouteNode, keeps_no_password) {
    for (const char* key : {"password", "sslpassword", "passwd"})
        EXPECT_EQ(fault("a", "a", 1, {{key, "string", "secret"}}), fmt::format("option \"{}\" is not allowed", key));
    EXPECT_EQ(fault("a", "a", 1, {{"passfile", "string", "/etc/pass"}}), "");
}

TEST(RouteNode, refuses_options_that_are_none) {
    EXPECT_EQ(fault("a", "a", 1, {{"hostaddr", "string", "1.2.3.4"}}), "unknown option \"hostaddr\"");
    EXPECT_EQ(fault("a", "a", 1, {{"user", "number", "1"}}), "invalid value for option \"user\"");
    EXPECT_EQ(fault("a", "a", 1, {{"user", "string", ""}}), "invalid value for option \"user\"");
    EXPECT_EQ(fault("a", "a", 1, {{"user", "string", "a\nb"}}), "invalid value for option \"user\"");
    EXPECT_EQ(fault("a", "a", 1, {{"check", "string", "true"}}), "invalid value for option \"check\"");
    auto unchecked = read_registration("a", "a", 1, {{"check", "boolean", "false"}});
    EXPECT_FALSE(unchecked->is_checked);
    EXPECT_TRUE(unchecked->node.options.empty());
}

TEST(RouteNode, knows_where_it_stands_and_how_much_it_takes) {
    auto placed = read_registration("a", "a", 1,
                                    {{"zone", "string", "eu-1"},
                                     {"weight", "number", "50"},
                                     {"maintenance", "boolean", "true"},
                                     {"user", "string", "u"}});
    ASSERT_TRUE(placed);
    EXPECT_EQ(placed->node.placement, (Placement{"eu-1", 50, true}));
    EXPECT_EQ(placed->node.options, (std::map<std::string, std::string>{{"user", "u"}})) << "no parameter of libpq";
    for (const char* weight : {"0", "-1", "1001", "1.5", "1e2"})
        EXPECT_EQ(fault("a", "a", 1, {{"weight", "number", weight}}), "invalid value for option \"weight\"") << weight;
    EXPECT_EQ(fault("a", "a", 1, {{"weight", "string", "50"}}), "invalid value for option \"weight\"");
    EXPECT_EQ(fault("a", "a", 1, {{"maintenance", "string", "true"}}), "invalid value for option \"maintenance\"");
    EXPECT_EQ(fault("a", "a", 1, {{"zone", "string", ""}}), "invalid value for option \"zone\"");
    EXPECT_EQ(fault("a", "a", 1, {{"zone", "string", std::string(64, 'z')}}), "invalid value for option \"zone\"");
}

TEST(RouteNode, an_option_written_by_hand_that_makes_no_sense_is_not_given) {
    Node node{"a", "a", 1, {}};
    for (const auto& [key, text] :
         {std::pair("weight", "much"), std::pair("zone", ""), std::pair("maintenance", "soon")})
        set_option(node, key, text);
    EXPECT_EQ(node, (Node{"a", "a", 1, {}}));
}

TEST(RouteNode, is_asked_alike_wherever_it_stands) {
    const Node node{"a", "a", 1, {{"user", "u"}}};
    Node moved = node;
    moved.placement = {"eu", 1, true};
    EXPECT_FALSE(node == moved);
    EXPECT_TRUE(node.is_asked_like(moved));
    moved.options["user"] = "v";
    EXPECT_FALSE(node.is_asked_like(moved));
}

std::string value_of(const std::vector<std::pair<std::string, std::string>>& parameters, const std::string& key) {
    for (const auto& [name, value] : parameters)
        if (name == key) return value;
    return "-";
}

TEST(RouteNode, connects_to_each_address_of_a_name) {
    const Node node{"a", "db", 5433, {{"user", "u"}, {"dbname", "other"}}};
    auto parameters = connection_parameters(node, {"10.0.0.1", "::1"}, "here", {});
    EXPECT_EQ(value_of(parameters, "host"), "db,db");
    EXPECT_EQ(value_of(parameters, "hostaddr"), "10.0.0.1,::1");
    EXPECT_EQ(value_of(parameters, "port"), "5433");
    EXPECT_EQ(value_of(parameters, "dbname"), "other");
    EXPECT_EQ(value_of(parameters, "user"), "u");
    auto socket = connection_parameters({"a", "/tmp", 1, {}}, {}, "here", {});
    EXPECT_EQ(value_of(socket, "host"), "/tmp");
    EXPECT_EQ(value_of(socket, "hostaddr"), "-");
    EXPECT_EQ(value_of(socket, "dbname"), "here");
}

TEST(RouteNode, what_others_say_is_one_line_of_ascii) {
    EXPECT_EQ(plain_line("FATAL:  no\n\tway\n", 100), "FATAL:  no way");
    EXPECT_EQ(plain_line("\xc3\xa4\x01x", 100), "?? x");
    EXPECT_EQ(plain_line("abcdef", 3), "abc");
}

TEST(RouteFacts, reads_positions) {
    EXPECT_EQ(parse_lsn("16/B374D848"), (Lsn{0x16B374D848}));
    EXPECT_EQ(format_lsn({0x16B374D848}), "16/B374D848");
    for (const char* text : {"", "16", "16/", "/1", "x/1", "1/100000000", "-1/1"})
        EXPECT_FALSE(parse_lsn(text)) << text;
}

std::vector<std::optional<std::string>> answer_of_standby() {
    return {"-5",         "7",  "t", "f",   "3", "0/20", "0/10", "streaming", "up", "5432",    "slot",     "9",
            std::nullopt, "-6", "3", "250", "4", "12",   "100",  "snapshot",  "42", "1500000", "SELECT\n1"};
}

TEST(RouteFacts, reads_an_answer) {
    auto answer = read_answer(answer_of_standby());
    ASSERT_TRUE(answer);
    EXPECT_EQ(static_cast<std::int64_t>(answer->facts.instance), -5);
    EXPECT_TRUE(answer->facts.is_standby);
    EXPECT_EQ(answer->facts.flushed, Lsn{0x20});
    EXPECT_EQ(answer->facts.replayed, Lsn{0x10});
    EXPECT_STREQ(answer->facts.receiver_state, "streaming");
    EXPECT_TRUE(answer->ages.empty());
    EXPECT_TRUE(answer->view.is_known);
    EXPECT_EQ(static_cast<std::int64_t>(answer->view.instance), -6);
    EXPECT_EQ(answer->view.timeline, 3U);
    EXPECT_EQ(answer->view.newest_timeline, 4U);
    EXPECT_EQ(answer->view_age, 250);
    EXPECT_EQ(answer->facts.connections, 12);
    EXPECT_EQ(answer->facts.max_connections, 100);
    EXPECT_STREQ(answer->facts.blocker.reason, "snapshot");
    EXPECT_EQ(answer->facts.blocker.pid, 42);
    EXPECT_EQ(answer->facts.blocker.age, 1'500'000);
    EXPECT_STREQ(answer->facts.blocker.query, "SELECT 1");
    auto primary = answer_of_standby();
    primary[2] = "f";
    primary[12] = "{0,-1,1500000}";
    answer = read_answer(primary);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->ages, (std::vector<std::optional<std::int64_t>>{0, std::nullopt, 1'500'000}));
}

TEST(RouteFacts, without_a_prober_a_server_has_seen_nobody) {
    auto columns = answer_of_standby();
    columns[13] = columns[14] = columns[15] = std::nullopt;
    EXPECT_FALSE(read_answer(columns)->view.is_known);
    columns[15] = "0";
    EXPECT_TRUE(read_answer(columns)->view.is_known) << "one that sees no primary says so";
    EXPECT_EQ(read_answer(columns)->view.instance, 0U);
}

TEST(RouteFacts, an_answer_that_cannot_be_read_is_a_failure) {
    EXPECT_FALSE(read_answer({}));
    for (std::size_t column : {0, 1, 4, 5, 6, 9, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21}) {
        auto columns = answer_of_standby();
        columns[column] = "nonsense";
        EXPECT_FALSE(read_answer(columns)) << column;
    }
    auto longer = answer_of_standby();
    longer[8] = std::string(1000, 'h');
    EXPECT_EQ(std::string(read_answer(longer)->facts.upstream_host).size(), kShortBytes - 1);
}

}  // namespace
}  // namespace steward::route
