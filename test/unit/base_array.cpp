// SPDX-License-Identifier: PostgreSQL
#include "base/array.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/json.hpp"

namespace steward::base {
namespace {

using Items = std::vector<std::string>;

TEST(BaseArray, a_literal_is_what_the_server_writes) {
    EXPECT_EQ(array_literal({}), "{}");
    EXPECT_EQ(array_literal({"load", "40001", "a.b-c"}), "{load,40001,a.b-c}");
    EXPECT_EQ(array_literal({"", "NULL", "null", "my job", "a,b", "{", "\"", "\\", "x\ny"}),
              R"({"","NULL","null","my job","a,b","{","\"","\\","x)"
              "\n"
              R"(y"})");
    EXPECT_EQ(array_literal({"nulls", "grüße"}), "{nulls,grüße}");
}

TEST(BaseArray, items_come_back) {
    for (const Items& items : {Items{}, Items{"a"}, Items{"", "NULL", "my job", "a,b", "{}", "\"", "\\", "x\ny", "z"}})
        EXPECT_EQ(array_items(array_literal(items)), items);
    EXPECT_EQ(array_items(R"({"a","b"})"), (Items{"a", "b"}));
}

TEST(BaseArray, what_is_no_array_is_refused) {
    for (const char* text : {"", "{", "a", "{a", "{\"a}", "{\"a\\}", "{a,}", "{NULL}", "{{a}}", "{\"a\"b}", "{a b}"})
        EXPECT_THROW(array_items(text), std::runtime_error) << text;
}

TEST(BaseJson, strings_are_quoted) {
    EXPECT_EQ(json_string("a"), "\"a\"");
    EXPECT_EQ(json_string("say \"hi\"\\\n\r\t\x01 \x7f grüße"), "\"say \\\"hi\\\"\\\\\\n\\r\\t\\u0001 \x7f grüße\"");
    EXPECT_EQ(json_strings({}), "[]");
    EXPECT_EQ(json_strings({"a", "b\""}), "[\"a\", \"b\\\"\"]");
}

}  // namespace
}  // namespace steward::base
