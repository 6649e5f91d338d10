// SPDX-License-Identifier: PostgreSQL
#include "route/http.hpp"

#include <gtest/gtest.h>

namespace steward::route {
namespace {

TEST(RouteHttp, reads_addresses) {
    EXPECT_EQ(*read_http_place("http://db1:8008"), (HttpPlace{"db1", 8008, ""}));
    EXPECT_EQ(*read_http_place("db1:8008/"), (HttpPlace{"db1", 8008, ""}));
    EXPECT_EQ(*read_http_place("http://10.0.0.1/a/b/"), (HttpPlace{"10.0.0.1", 80, "/a/b"}));
    EXPECT_EQ(*read_http_place("http://[::1]:8008"), (HttpPlace{"::1", 8008, ""}));
    for (const char* text : {"", "http://", "https://db1:8008", "http://user:secret@db1:8008", "http://db1:0",
                             "http://db1:x", "http://db1:70000", "http://db 1", "http://db1\r\nX: y", "http://[::1"})
        EXPECT_FALSE(read_http_place(text)) << text;
}

TEST(RouteHttp, asks_for_a_path) {
    EXPECT_EQ(http_request({"db1", 8008, "/x"}, "/cluster").substr(0, 26), "GET /x/cluster HTTP/1.0\r\nH");
}

TEST(RouteHttp, reads_an_answer_as_it_comes) {
    const std::string whole = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more";
    for (std::size_t bytes = 0; bytes < whole.find("hello") + 5; ++bytes)
        EXPECT_FALSE(read_http_answer(whole.substr(0, bytes), false)) << bytes;
    auto answer = read_http_answer(whole, false);
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ((*answer)->status, 200);
    EXPECT_EQ((*answer)->body, "hello");
}

TEST(RouteHttp, without_a_length_the_end_is_the_end) {
    const std::string text = "HTTP/1.1 503 No\r\nA: b\r\n\r\n{}";
    EXPECT_FALSE(read_http_answer(text, false));
    auto answer = read_http_answer(text, true);
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ((*answer)->status, 503);
    EXPECT_EQ((*answer)->body, "{}");
}

TEST(RouteHttp, what_is_no_answer_is_refused) {
    for (const char* text : {"", "SSH-2.0-x\r\n\r\n", "HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nshort",
                             "HTTP/1.0\r\n\r\n"}) {
        auto answer = read_http_answer(text, true);
        ASSERT_TRUE(answer) << text;
        EXPECT_FALSE(*answer) << text;
    }
    EXPECT_FALSE(*read_http_answer(std::string(kMaxHttpBytes + 1, 'x'), false));
    EXPECT_FALSE(*read_http_answer("HTTP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n", false));
}

}  // namespace
}  // namespace steward::route
