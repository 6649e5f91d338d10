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

}  // namespace steward::pg
