// SPDX-License-Identifier: PostgreSQL
//
// What a machine says of itself below /proc and /sys. `root` stands before every path, so that tests have machines of
// their own; it is empty elsewhere. What cannot be read is not known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tune/plan.hpp"

namespace steward::tune {

// The memory there is, or the lowest limit of the control groups this process is in.
struct MemorySeen {
    std::int64_t bytes = 0;
    bool is_limited = false;
};
std::optional<MemorySeen> look_at_memory(const std::string& root);

// Processors by the quota of the control groups, rounded up; at most `available`.
int look_at_processors(const std::string& root, int available);
int available_processors();

// Of the block device with these numbers.
std::optional<Disk> look_at_disk(const std::string& root, unsigned major, unsigned minor);
std::optional<Disk> disk_below(const std::string& root, const std::string& path);
struct FileSystem {
    std::int64_t bytes = 0;
    std::int64_t free_bytes = 0;  // for who is not root
};
std::optional<FileSystem> file_system_of(const std::string& path);

// What the kernel has: "vm.swappiness".
std::optional<std::string> look_at_kernel(const std::string& root, const std::string& parameter);
std::optional<std::int64_t> look_at_huge_page(const std::string& root);

}  // namespace steward::tune
