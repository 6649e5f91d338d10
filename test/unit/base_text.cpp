// SPDX-License-Identifier: PostgreSQL
#include "base/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "base/keywords.hpp"

namespace steward::base {
namespace {

TEST(BaseText, cutting_never_splits_a_character) {
    const std::string text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";  // 1, 2, 3, 4 and 1 bytes
    const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (std::size_t bytes = 0; bytes < std::size(expected); ++bytes) {
        EXPECT_EQ(cut_utf8(text, bytes), std::string_view(text).substr(0, expected[bytes])) << bytes;
    }
    EXPECT_EQ(cut_utf8("", 0), "");
    EXPECT_EQ(cut_utf8("abc", 100), "abc");
}

TEST(BaseText, cutting_a_single_byte_encoding_keeps_every_byte_that_fits) {
    const std::string latin1(100, '\xa4');
    EXPECT_EQ(cut_utf8(latin1, 63).size(), 63U);
    EXPECT_EQ(cut_utf8(latin1, 2).size(), 2U);
}

TEST(BaseText, the_hash_is_fnv_1a_for_ever) {
    EXPECT_EQ(stable_hash(""), 0xcbf29ce484222325U);
    EXPECT_EQ(stable_hash("a"), 0xaf63dc4c8601ec8cU);
    EXPECT_EQ(stable_hash("foobar"), 0x85944171f73967e8U);
    EXPECT_EQ(stable_hash("\xff"),
              (0xcbf29ce484222325U ^ 0xffU) * 0x100000001b3U);  // char is signed here, the hash is not
}

TEST(BaseText, plain_identifiers_stay_unquoted) {
    EXPECT_EQ(quote_identifier("events"), "events");
    EXPECT_EQ(quote_identifier("_events_2025_01"), "_events_2025_01");
    EXPECT_EQ(quote_identifier("name"), "name");  // unreserved key words need no quotes
    EXPECT_EQ(quote_identifier("partition"), "partition");
}

TEST(BaseText, everything_else_is_quoted) {
    EXPECT_EQ(quote_identifier(""), "\"\"");
    EXPECT_EQ(quote_identifier("Events"), "\"Events\"");
    EXPECT_EQ(quote_identifier("2025"), "\"2025\"");
    EXPECT_EQ(quote_identifier("a b"), "\"a b\"");
    EXPECT_EQ(quote_identifier("a$b"), "\"a$b\"");
    EXPECT_EQ(quote_identifier("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
    EXPECT_EQ(quote_identifier("\xc3\xa4"), "\"\xc3\xa4\"");
}

TEST(BaseText, key_words_of_every_category_but_unreserved_are_quoted) {
    for (const char* word :
         {"all", "user", "table", "order", "xmltable", "int", "interval", "timestamp", "values", "between", "left",
          "authorization", "tablesample", "system_user", "json_table", "merge_action"}) {
        EXPECT_EQ(quote_identifier(word), "\"" + std::string(word) + "\"");
    }
}

TEST(BaseText, the_list_of_key_words_is_sorted) {
    EXPECT_TRUE(std::is_sorted(std::begin(kQuotedKeywords), std::end(kQuotedKeywords)));
}

TEST(BaseText, literals_double_their_quotes) {
    EXPECT_EQ(quote_literal(""), "''");
    EXPECT_EQ(quote_literal("it's"), "'it''s'");
}

TEST(BaseText, literals_with_a_backslash_are_read_alike_under_both_string_rules) {
    EXPECT_EQ(quote_literal("\\"), "E'\\\\'");
    EXPECT_EQ(quote_literal("\\' OR true --"), "E'\\\\'' OR true --'");
}

TEST(BaseText, both_parts_of_a_qualified_name_are_quoted) {
    EXPECT_EQ(qualified_name("public", "events"), "public.events");
    EXPECT_EQ(qualified_name("My.Schema", "order"), "\"My.Schema\".\"order\"");
}

}  // namespace
}  // namespace steward::base
