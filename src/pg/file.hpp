// SPDX-License-Identifier: PostgreSQL
//
// Files of the server's machine, read in pieces.
#pragma once

#include <cstdint>
#include <string>

namespace steward::pg {

struct FileDigest {
    std::int64_t bytes = 0;
    std::int64_t lines = 0;
    std::string sha256;  // hexadecimal
};

// Throws with the server's message for the operating system's error.
FileDigest digest_file(const std::string& path);

bool file_exists(const std::string& path);

// Writes beside and renames, so that a reader sees the old file or the whole new one; flushed to disk; mode 0600.
void write_file(const std::string& path, const std::string& content);

void sync_file(const std::string& path);

// The server counts the files of its processes: one that a library opens, as long as this lives. False when there are too many.
class CountedFile {
public:
    CountedFile();
    ~CountedFile();
    CountedFile(const CountedFile&) = delete;
    CountedFile& operator=(const CountedFile&) = delete;
    explicit operator bool() const noexcept { return is_counted_; }

private:
    bool is_counted_ = false;
};

}  // namespace steward::pg
