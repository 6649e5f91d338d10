// SPDX-License-Identifier: PostgreSQL
//
// Whether jobs run, and what to do where they do not: what steward.doctor() says of this room.
#pragma once

#include <string>
#include <vector>

namespace steward::schedule {

struct Finding {
    const char* verdict;  // ok, warning, critical
    std::string detail;
    std::string remedy;  // to be pasted, where that is possible; may be empty
};

struct Check {
    const char* name;
    std::vector<Finding> (*run)();
};

const std::vector<Check>& health_checks();

}  // namespace steward::schedule
