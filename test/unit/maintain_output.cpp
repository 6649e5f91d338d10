// SPDX-License-Identifier: PostgreSQL
#include "maintain/output.hpp"

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

TEST(Output, keeps_the_end_from_the_beginning_of_a_line) {
    EXPECT_EQ(printable_tail("one\ntwo\nthree\n", 100, true), "one\ntwo\nthree");
    EXPECT_EQ(printable_tail("one\ntwo\nthree\n", 9, true), "two\nthree");
    EXPECT_EQ(printable_tail("one\ntwo\nthree\n", 8, true), "three");
    EXPECT_EQ(printable_tail("one long line", 4, true), "line");
    EXPECT_EQ(printable_tail("", 4, true), "");
    EXPECT_EQ(printable_tail("\n\n", 4, true), "");
}

TEST(Output, replaces_what_is_no_text) {
    EXPECT_EQ(printable_tail(std::string_view("a\0b\x1b[31m", 8), 100, true), "a?b?[31m");
    EXPECT_EQ(printable_tail("gr\xC3\xBC\xC3\x9F", 100, true), "gr\xC3\xBC\xC3\x9F");
    EXPECT_EQ(printable_tail("gr\xFC\xDF e", 100, true), "gr?? e");
    EXPECT_EQ(printable_tail("gr\xC3\xBC", 100, false), "gr??");
    EXPECT_EQ(printable_tail("\xC0\x80 \xED\xA0\x80 \xF4\x90\x80\x80 \xE2\x82", 100, true), "?? ??? ???? ??");
    EXPECT_EQ(printable_tail("\xE2\x82\xAC\xF0\x9F\x98\x80", 100, true), "\xE2\x82\xAC\xF0\x9F\x98\x80");
}

TEST(Output, cuts_no_character_in_two) {
    EXPECT_EQ(printable_tail("\xE2\x82\xAC\xE2\x82\xAC", 5, true), "\xE2\x82\xAC");
}

TEST(Output, has_a_line_or_not) {
    EXPECT_TRUE(has_line("stanza: main\n  status: ok \r\n\n", "status: ok"));
    EXPECT_TRUE(has_line("status: ok", "status: ok"));
    EXPECT_FALSE(has_line("backup: x, status: ok\nstatus: ok?\n   \n", "status: ok"));
    EXPECT_FALSE(has_line("", "status: ok"));
}

TEST(Output, shows_the_last_state_of_a_progress_line) {
    EXPECT_EQ(printable_tail("first\n 10%\r 20%\r100%\nlast\r\n", 100, true), "first\n100%\nlast");
    EXPECT_EQ(printable_tail(" 10%\r 20%\r", 100, true), " 20%");
}

}  // namespace
}  // namespace steward::maintain
