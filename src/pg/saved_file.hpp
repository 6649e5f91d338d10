// SPDX-License-Identifier: PostgreSQL
//
// What a room remembers over a restart, in a file below pg_stat. It is worth neither somebody's connection nor the end of the
// server: what fails is a line in the log.
#pragma once

#include <functional>
#include <string>

namespace steward::pg {

// Gives what the file holds to `take`, which says whether it could be read. Not where there is none, and not on a copy of another
// server, which has seen nothing yet.
void load_saved(const char* path, const std::function<bool(const std::string& content)>& take) noexcept;

// Writes beside and renames, so that a reader sees the old file or the whole new one; not flushed to disk; mode 0600.
void save(const char* path, const std::function<std::string()>& content) noexcept;

}  // namespace steward::pg
