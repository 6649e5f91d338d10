// SPDX-License-Identifier: PostgreSQL
//
// A row of what is looked at before something goes wrong: what was checked, what to think of it, and what to do.
#pragma once

#include <string>

namespace steward::route {

struct Finding {
    std::string check;
    std::string verdict;  // ok, warning, critical or unknown
    std::string detail;
    std::string remedy;  // empty: there is nothing to do
};

}  // namespace steward::route
