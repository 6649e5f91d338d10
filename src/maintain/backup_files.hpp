// SPDX-License-Identifier: PostgreSQL
//
// Directories of backups on disk. Below them no symbolic link is followed. Failures are std::system_error.
#pragma once

#include <cstdint>
#include <string>

namespace steward::maintain {

bool is_taken(const std::string& path) noexcept;
void make_directory(const std::string& path);  // for the server's user alone
// Of all files in it, flushed or not.
std::int64_t directory_bytes(const std::string& path);
// Renames it, and the new name outlives a crash.
void rename_directory(const std::string& from, const std::string& to);
// False when it was not there.
bool remove_directory(const std::string& path);

}  // namespace steward::maintain
