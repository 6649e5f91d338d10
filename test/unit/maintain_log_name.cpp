// SPDX-License-Identifier: PostgreSQL
#include "maintain/log_name.hpp"

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

constexpr char kDefault[] = "postgresql-%Y-%m-%d_%H%M%S.log";

TEST(LogName, is_what_the_pattern_gives) {
    EXPECT_TRUE(could_be_log(kDefault, "postgresql-2026-11-26_000000.log"));
    EXPECT_TRUE(could_be_log(kDefault, "postgresql-2026-11-26_235960.csv"));
    EXPECT_TRUE(could_be_log(kDefault, "postgresql-2026-11-26_120000.json"));
    EXPECT_TRUE(could_be_log("postgresql-%a.log", "postgresql-Mon.log"));
    EXPECT_TRUE(could_be_log("%A %B%e", "Monday March 1"));
    EXPECT_TRUE(could_be_log("%F_%H", "2026-11-26_07"));
    EXPECT_TRUE(could_be_log("%F_%H", "2026-11-26_07.csv"));
    EXPECT_TRUE(could_be_log("pg.%s", "pg.1790000000"));
    EXPECT_TRUE(could_be_log("%s%j.log", "1790000000365.log"));
    EXPECT_TRUE(could_be_log("%H%p%%%z%Z", "07AM%+0200CEST"));
    EXPECT_TRUE(could_be_log("server.log", "server.log"));
    EXPECT_TRUE(could_be_log("server.log", "server.csv"));
}

TEST(LogName, is_nothing_else) {
    for (const char* name :
         {"postgresql-2026-11-26_000000.log.gz", "postgresql-2026-13-26_000000.log", "postgresql-2026-11-26_000000.lo",
          "postgresql-2026-11-26_0000.log", "postgresql-2026-11-26_240000.log", "postgresql-2026-11-26_000000",
          "xpostgresql-2026-11-26_000000.log", "postgresql-2026-11-26_000000.log.csv", "postgresql.conf", "",
          "postgresql-2026-11-26_ 00000.log", "postgresql-2026-11-2\xC3_000000.log"})
        EXPECT_FALSE(could_be_log(kDefault, name)) << name;
    EXPECT_FALSE(could_be_log("postgresql-%a.log", "postgresql-Mo.log"));
    EXPECT_FALSE(could_be_log("postgresql-%a.log", "postgresql-.log"));
    EXPECT_FALSE(could_be_log("server.log", "server.log.1"));
    EXPECT_FALSE(could_be_log("%e", "01"));
    EXPECT_FALSE(could_be_log("", "a"));
}

TEST(LogName, an_unknown_escape_matches_nothing) {
    EXPECT_FALSE(could_be_log("postgresql-%Q.log", "postgresql-Q.log"));
    EXPECT_FALSE(could_be_log("postgresql-%c", "postgresql-Thu Nov 26 01:03:58 2026"));
    EXPECT_FALSE(could_be_log("postgresql-%", "postgresql-%"));
    EXPECT_FALSE(could_be_log("postgresql-%E", "postgresql-"));
}

}  // namespace
}  // namespace steward::maintain
