// SPDX-License-Identifier: PostgreSQL
#include "maintain/backup_files.hpp"

#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace steward::maintain {

namespace {

[[noreturn]] void fail(const std::string& path) { throw std::system_error(errno, std::generic_category(), path); }

class OpenDirectory {
public:
    OpenDirectory(int parent, const std::string& name, const std::string& path) : path_(path) {
        const int fd = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) fail(path_);
        stream_ = fdopendir(fd);
        if (stream_ == nullptr) {
            close(fd);
            fail(path_);
        }
    }
    ~OpenDirectory() { closedir(stream_); }
    OpenDirectory(const OpenDirectory&) = delete;
    OpenDirectory& operator=(const OpenDirectory&) = delete;

    int fd() const { return dirfd(stream_); }
    const std::string& path() const { return path_; }

    std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (;;) {
            errno = 0;
            const dirent* entry = readdir(stream_);
            if (entry == nullptr && errno != 0) fail(path_);
            if (entry == nullptr) return names;
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") names.emplace_back(name);
        }
    }

private:
    std::string path_;
    DIR* stream_ = nullptr;
};

bool is_directory(const OpenDirectory& parent, const std::string& name, struct stat& state) {
    if (fstatat(parent.fd(), name.c_str(), &state, AT_SYMLINK_NOFOLLOW) != 0) fail(parent.path() + "/" + name);
    return S_ISDIR(state.st_mode);
}

std::int64_t bytes_in(const OpenDirectory& directory) {
    std::int64_t bytes = 0;
    for (const std::string& name : directory.names()) {
        struct stat state {};
        if (is_directory(directory, name, state))
            bytes += bytes_in(OpenDirectory(directory.fd(), name, directory.path() + "/" + name));
        else if (S_ISREG(state.st_mode))
            bytes += state.st_size;
    }
    return bytes;
}

void empty(const OpenDirectory& directory) {
    for (const std::string& name : directory.names()) {
        const std::string path = directory.path() + "/" + name;
        struct stat state {};
        const bool is_below = is_directory(directory, name, state);
        if (is_below) empty(OpenDirectory(directory.fd(), name, path));
        if (unlinkat(directory.fd(), name.c_str(), is_below ? AT_REMOVEDIR : 0) != 0) fail(path);
    }
}

}  // namespace

bool is_taken(const std::string& path) noexcept {
    struct stat state {};
    return lstat(path.c_str(), &state) == 0;
}

void make_directory(const std::string& path) {
    if (mkdir(path.c_str(), S_IRWXU) != 0) fail(path);
}

std::int64_t directory_bytes(const std::string& path) { return bytes_in(OpenDirectory(AT_FDCWD, path, path)); }

void rename_directory(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0) fail(to);
    const std::string path = to.substr(0, to.rfind('/') + 1);
    const OpenDirectory parent(AT_FDCWD, path + ".", path);
    if (fsync(parent.fd()) != 0 && errno != EINVAL) fail(path);
}

bool remove_directory(const std::string& path) {
    struct stat state {};
    if (lstat(path.c_str(), &state) != 0) {
        if (errno == ENOENT) return false;
        fail(path);
    }
    empty(OpenDirectory(AT_FDCWD, path, path));
    if (rmdir(path.c_str()) != 0) fail(path);
    return true;
}

}  // namespace steward::maintain
