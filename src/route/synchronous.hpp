// SPDX-License-Identifier: PostgreSQL
//
// synchronous_standby_names: for how many of whom a commit waits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace steward::route {

struct Synchronous {
    std::size_t needed = 0;          // 0: commits wait for nobody
    std::vector<std::string> names;  // lower case where they were not quoted; * stands for all

    bool is_any() const;
    // How many of these standbys count.
    std::size_t count(const std::vector<std::string>& standbys) const;
    std::vector<std::string> missing(const std::vector<std::string>& standbys) const;
};

// Of a value that the server has accepted.
Synchronous read_synchronous(std::string_view setting);

}  // namespace steward::route
