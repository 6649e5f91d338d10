// SPDX-License-Identifier: PostgreSQL
#include "capture/statement_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace steward::capture;

std::string normal(std::string_view text, ScanRules rules = {}) {
    std::string to(text.size() * 4 + 64, ' ');
    Normalized made = normalize(text, rules, to.data(), to.size());
    EXPECT_FALSE(made.is_cut);
    to.resize(made.length);
    return to;
}

TEST(CaptureText, constants_become_parameters) {
    EXPECT_EQ(normal("SELECT * FROM t WHERE a = 5 AND b = 'x''y'"), "SELECT * FROM t WHERE a = $1 AND b = $2");
    EXPECT_EQ(normal("select 1.5e-3, .5, 1e5, 0x1F, 1_000"), "select $1, $2, $3, $4, $5");
    EXPECT_EQ(normal("select t1.c2, a-1 from t1"), "select t1.c2, a-$1 from t1");
    EXPECT_EQ(normal("select e'a\\'b', b'01', x'1f', n'x', u&'\\0041'"), "select $1, $2, $3, $4, $5");
    EXPECT_EQ(normal("select $x$it's $$ here$x$, $$a$$"), "select $1, $2");
    EXPECT_EQ(normal("select a[1:2]"), "select a[$1:$2]");
}

TEST(CaptureText, numbers_go_on_behind_the_parameters_there_are) {
    EXPECT_EQ(normal("select $2, 'x', $1, 7"), "select $2, $3, $1, $4");
}

TEST(CaptureText, names_and_comments_stay) {
    EXPECT_EQ(normal("select \"it's 5\", \"a\"\"b\" /* 5 /* 6 */ '7' */ -- 'x'\n, 5"),
              "select \"it's 5\", \"a\"\"b\" /* 5 /* 6 */ '7' */ -- 'x'\n, $1");
    EXPECT_EQ(normal("select größe5 from t$1"), "select größe5 from t$1");
}

TEST(CaptureText, no_secret_of_a_utility_statement_is_left) {
    EXPECT_EQ(normal("ALTER ROLE joe PASSWORD 'secret' VALID UNTIL 'infinity'"),
              "ALTER ROLE joe PASSWORD $1 VALID UNTIL $2");
    EXPECT_EQ(normal("alter role joe password 'se\\'cret'", {.has_backslashes = true}), "alter role joe password $1");
    EXPECT_EQ(normal("alter role joe password 'secret"), "alter role joe password $1");
    EXPECT_EQ(normal("alter role joe password $$secret"), "alter role joe password $1");
    EXPECT_EQ(normal("alter role joe password e'sec\\"), "alter role joe password $1");
}

TEST(CaptureText, lists_of_constants_become_one) {
    EXPECT_EQ(normal("a in (1, 2, 3) and b = 4"), "a in ($1 /*, ... */) and b = $2");
    EXPECT_EQ(normal("a IN (-1, +2)"), "a IN (-$1 /*, ... */)");
    EXPECT_EQ(normal("a in (1)"), "a in ($1)");
    EXPECT_EQ(normal("array[1,2,3]"), "array[$1 /*, ... */]");
    EXPECT_EQ(normal("a in (1, b, 3)"), "a in ($1, b, $2)");
    EXPECT_EQ(normal("a in ($1, $2, $3)"), "a in ($1 /*, ... */)");
    EXPECT_EQ(normal("f(1, 2)"), "f($1, $2)");
    EXPECT_EQ(normal("a in (select 1, 2)"), "a in (select $1, $2)");
}

TEST(CaptureText, what_does_not_fit_is_cut) {
    char to[12];
    Normalized made = normalize("select abcdefghijkl", {}, to, sizeof(to));
    EXPECT_TRUE(made.is_cut);
    EXPECT_EQ(std::string(to, made.length), "select abcde");
    EXPECT_TRUE(normalize("x", {}, to, 0).is_cut);
    EXPECT_FALSE(normalize("", {}, to, 0).is_cut);
}

TEST(CaptureText, a_fingerprint_is_of_what_a_text_means) {
    auto same = [](std::string_view a, std::string_view b) { return fingerprint(a, {}) == fingerprint(b, {}); };
    EXPECT_TRUE(same("SET work_mem = '4MB'", "set  work_mem='64MB' -- more"));
    EXPECT_TRUE(same("a in (1,2)", "a IN (1, 2, 3)"));
    EXPECT_TRUE(same("commit", "COMMIT;"));
    EXPECT_FALSE(same("commit", "rollback"));
    EXPECT_FALSE(same("select \"A\"", "select \"a\""));
    EXPECT_FALSE(same("ab c", "a bc"));
    EXPECT_NE(fingerprint("", {}), 0U);
    EXPECT_EQ(trimmed(" ; select 1;\n "), "select 1");
    EXPECT_EQ(trimmed(" ; "), "");
}

}  // namespace
