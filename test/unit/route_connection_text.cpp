// SPDX-License-Identifier: PostgreSQL
#include "route/connection_text.hpp"

#include <gtest/gtest.h>

#include <random>

namespace steward::route {
namespace {

std::string keywords(const Endpoint& endpoint, std::string_view database, Access access) {
    return connection_string(endpoint, DatabaseName(database), access);
}

Endpoints all_of(const std::vector<Endpoint>& endpoints) {
    Endpoints all;
    for (const Endpoint& endpoint : endpoints) all.push_back(&endpoint);
    return all;
}

std::string uri(const std::vector<Endpoint>& endpoints, std::string_view database, Access access) {
    return connection_uri(all_of(endpoints), DatabaseName(database), access);
}

std::optional<std::string> url(const std::vector<Endpoint>& endpoints, std::string_view database, Access access) {
    return jdbc_url(all_of(endpoints), DatabaseName(database), access);
}

TEST(RouteConnectionText, writes_are_for_where_one_can_write) {
    EXPECT_EQ(keywords({"db1", 5432}, "app", Access::write),
              "host=db1 port=5432 dbname=app target_session_attrs=read-write");
    EXPECT_EQ(uri({{"db1", 5432}, {"db2", 5433}}, "app", Access::write),
              "postgresql://db1:5432,db2:5433/app?target_session_attrs=read-write");
    EXPECT_EQ(url({{"db1", 5432}, {"db2", 5433}}, "app", Access::write),
              "jdbc:postgresql://db1:5432,db2:5433/app?targetServerType=primary");
}

TEST(RouteConnectionText, reads_are_for_whoever_answers_first) {
    EXPECT_EQ(keywords({"db1", 5432}, "app", Access::read_standby), "host=db1 port=5432 dbname=app");
    EXPECT_EQ(uri({{"db1", 5432}}, "app", Access::read_standby), "postgresql://db1:5432/app");
    EXPECT_EQ(url({{"db1", 5432}}, "app", Access::read_standby),
              "jdbc:postgresql://db1:5432/app?targetServerType=preferSecondary");
    EXPECT_EQ(url({{"db1", 5432}}, "app", Access::read_primary), "jdbc:postgresql://db1:5432/app?targetServerType=any");
}

TEST(RouteConnectionText, names_of_any_kind_are_quoted) {
    EXPECT_EQ(keywords({"/var/run/pg", 1}, "it's a \\ base", Access::read_standby),
              "host=/var/run/pg port=1 dbname='it\\'s a \\\\ base'");
    EXPECT_EQ(keywords({"::1", 1}, "", Access::read_standby), "host=::1 port=1 dbname=''");
    EXPECT_EQ(uri({{"b\xc3\xbc.example", 1}}, "a/b?c&d=e %", Access::read_standby),
              "postgresql://b%C3%BC.example:1/a%2Fb%3Fc%26d%3De%20%25");
}

TEST(RouteConnectionText, addresses_and_sockets_have_their_own_form) {
    EXPECT_EQ(uri({{"fe80::1%eth0", 1}, {"/tmp", 2}, {"10.0.0.1", 3}}, "d", Access::read_standby),
              "postgresql://[fe80::1%25eth0]:1,%2Ftmp:2,10.0.0.1:3/d");
    EXPECT_EQ(url({{"::1", 1}, {"/tmp", 2}, {"db", 3}}, "d", Access::read_primary),
              "jdbc:postgresql://[::1]:1,db:3/d?targetServerType=any");
    EXPECT_FALSE(url({{"/tmp", 2}, {"db", 3}}, "d", Access::write)) << "no driver of Java connects to a socket";
}

// What libpq makes of it.
std::string unquoted(const std::string& text, const std::string& key) {
    std::size_t at = text.find(key + "=") + key.size() + 1;
    if (text[at] != '\'') return text.substr(at, text.find(' ', at) - at);
    std::string value;
    for (++at; text.at(at) != '\''; ++at) value += text[at] == '\\' ? text.at(++at) : text[at];
    return value;
}

std::string decoded(const std::string& text) {
    std::string value;
    for (std::size_t i = 0; i < text.size(); ++i)
        value += text[i] == '%' ? static_cast<char>(std::stoi(text.substr((i += 2) - 1, 2), nullptr, 16)) : text[i];
    return value;
}

TEST(RouteConnectionText, any_name_of_a_database_comes_back) {
    std::mt19937 random(1);
    for (int i = 0; i < 20'000; ++i) {
        std::string name(1 + random() % 20, ' ');
        for (char& c : name) c = static_cast<char>(1 + random() % 255);
        EXPECT_EQ(unquoted(keywords({"h", 1}, name, Access::read_standby), "dbname"), name);
        const std::string text = uri({{"h", 1}}, name, Access::read_standby);
        ASSERT_EQ(text.find_first_of(" '\"\\?#@&=+"), std::string::npos);
        EXPECT_EQ(decoded(text.substr(std::string("postgresql://h:1/").size())), name);
    }
}

}  // namespace
}  // namespace steward::route
