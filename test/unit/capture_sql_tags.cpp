// SPDX-License-Identifier: PostgreSQL
#include "capture/sql_tags.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace steward::capture;

std::string tags(std::string_view statement, std::size_t room = 200) {
    std::string bytes(room, '\0');
    TextBuffer to(bytes.data(), room);
    return write_tags(statement, to) ? std::string(to.text()) : "none, " + std::to_string(to.length());
}

TEST(CaptureTags, stand_behind_a_statement_or_before_it) {
    const char* both = R"({"action": "/orders", "route": "a b"})";
    EXPECT_EQ(tags("SELECT 1 /*action='%2Forders',route='a%20b'*/"), both);
    EXPECT_EQ(tags("/*action='%2Forders', route='a%20b' */ SELECT 1"), both);
    EXPECT_EQ(tags("SELECT 1 /*action='%2Forders',route='a%20b'*/ ; "), both);
}

TEST(CaptureTags, are_nothing_else) {
    EXPECT_EQ(tags("SELECT 1"), "none, 0");
    EXPECT_EQ(tags("SELECT 1 /* fast = 'yes' or no */"), "none, 0");
    EXPECT_EQ(tags("SELECT 1 /*a='b'*/ + 1"), "none, 0");
    EXPECT_EQ(tags("SELECT 1 /*a='b',*/"), "none, 0");
    EXPECT_EQ(tags("SELECT 1 /*a=b*/"), "none, 0");
    EXPECT_EQ(tags("SELECT 1 /*='b'*/"), "none, 0");
    EXPECT_EQ(tags("SELECT 1 /*a='b*/"), "none, 0");
    EXPECT_EQ(tags("*/"), "none, 0");
    EXPECT_EQ(tags("/*/"), "none, 0");
    EXPECT_EQ(tags(""), "none, 0");
}

TEST(CaptureTags, are_json_whatever_is_in_them) {
    EXPECT_EQ(tags("SELECT 1 /*a='%22%5C%0A',b%27='it\\'s %zz%4'*/"), R"({"a": "\"\\\u000a", "b'": "it's %zz%4"})");
    EXPECT_EQ(tags("SELECT 1 /*a='x%00y'*/"), "none, 0") << "no text holds it";
}

TEST(CaptureTags, are_left_out_where_there_is_no_room) {
    EXPECT_EQ(tags("SELECT 1 /*a='1',b='22222222222222',c='3'*/", 24), R"({"a": "1", "c": "3"})");
    EXPECT_EQ(tags("SELECT 1 /*a='11111111111111'*/", 10), "none, 0");
}

}  // namespace
