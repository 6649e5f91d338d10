// SPDX-License-Identifier: PostgreSQL
#include "pg/saved_file.hpp"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

#include "pg/file.hpp"
#include "pg/shmem.hpp"

#include "pg/postgres.hpp"

namespace steward::pg {

namespace {

std::string content_of(const char* path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// 0, or the errno of what failed.
int write_beside(const char* path, const std::string& content) {
    const std::string beside = std::string(path) + ".tmp";
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    chmod(beside.c_str(), S_IRUSR | S_IWUSR);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    return !file || std::rename(beside.c_str(), path) != 0 ? errno : 0;
}

}  // namespace

void load_saved(const char* path, const std::function<bool(const std::string& content)>& take) noexcept {
    bool is_damaged = false;
    try {
        if (!is_new_copy() && file_exists(path)) is_damaged = !take(content_of(path));
    } catch (const std::exception&) {
        is_damaged = true;
    }
    if (is_damaged)
        ereport(LOG, (errmsg("ignoring file \"%s\", which is damaged or of another version of pg_steward", path)));
}

void save(const char* path, const std::function<std::string()>& content) noexcept {
    int failed = ENOMEM;
    try {
        failed = write_beside(path, content());
    } catch (const std::exception&) {
    }
    if (failed == 0) return;
    errno = failed;
    ereport(LOG, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", path)));
}

}  // namespace steward::pg
