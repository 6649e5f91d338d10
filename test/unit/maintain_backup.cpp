// SPDX-License-Identifier: PostgreSQL
#include "maintain/backup.hpp"
#include "maintain/backup_files.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

constexpr base::Instant kAt{1'795'654'923'000'000};  // 2026-11-26 01:02:03

TEST(Backup, has_a_name_of_its_own) {
    EXPECT_EQ(backup_name("nightly", kAt), "nightly-20261126T010203Z");
    EXPECT_TRUE(is_backup_name("nightly", backup_name("nightly", kAt)));
    EXPECT_TRUE(is_backup_name("nightly", backup_name("nightly", kAt) + std::string(kPartial)));
}

TEST(Backup, nothing_else_has_such_a_name) {
    for (const char* name : {"nightly", "nightly-", "nightly-20261126T010203", "nightly-20261126T010203Z.old",
                             "nightly-20261126T010203Z/..", "nightly-2026112T6010203Z", "weekly-20261126T010203Z",
                             "nightly-precious-20261126T010203Z", "", ".", ".."})
        EXPECT_FALSE(is_backup_name("nightly", name)) << name;
    EXPECT_FALSE(is_backup_name("../x", "../x-20261126T010203Z"));
}

TEST(Backup, names_are_fit_for_files) {
    EXPECT_TRUE(is_fit_for_file("pg_dump-1.x"));
    for (const char* name : {"", ".", "..", "a/b", "-x", "a b", "\xC3\xBC"})
        EXPECT_FALSE(is_fit_for_file(name)) << name;
    EXPECT_FALSE(is_fit_for_file(std::string(101, 'a')));
}

TEST(Backup, the_location_is_put_into_arguments) {
    const std::vector<std::string> argv{"/bin/x", "--file={location}/a:{location}", "{location}", "{locatio}"};
    EXPECT_TRUE(uses_location(argv));
    EXPECT_FALSE(uses_location({"/bin/x"}));
    EXPECT_EQ(
        with_location(argv, "/b/{location}"),
        (std::vector<std::string>{"/bin/x", "--file=/b/{location}/a:/b/{location}", "/b/{location}", "{locatio}"}));
}

TEST(BackupFiles, are_removed_without_following_links) {
    char directory[] = "/tmp/steward_unit.XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    const std::string top = directory;
    make_directory(top + "/outside");
    std::ofstream(top + "/outside/precious") << "precious";
    make_directory(top + "/backup");
    make_directory(top + "/backup/below");
    std::ofstream(top + "/backup/below/file") << "12345";
    std::ofstream(top + "/backup/file") << "123";
    ASSERT_EQ(symlink((top + "/outside").c_str(), (top + "/backup/link").c_str()), 0);
    EXPECT_EQ(directory_bytes(top + "/backup"), 8);
    EXPECT_THROW(make_directory(top + "/backup"), std::system_error);

    rename_directory(top + "/backup", top + "/renamed");
    EXPECT_TRUE(remove_directory(top + "/renamed"));
    EXPECT_FALSE(remove_directory(top + "/renamed"));
    ASSERT_EQ(symlink((top + "/outside").c_str(), (top + "/link").c_str()), 0);
    EXPECT_THROW(remove_directory(top + "/link"), std::system_error);
    EXPECT_EQ(access((top + "/outside/precious").c_str(), F_OK), 0);
    ASSERT_EQ(unlink((top + "/link").c_str()), 0);
    EXPECT_TRUE(remove_directory(top));
}

}  // namespace
}  // namespace steward::maintain
