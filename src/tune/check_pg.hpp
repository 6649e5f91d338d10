// SPDX-License-Identifier: PostgreSQL
//
// What the rules say of this server, as it is and as it would be.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pg/srf.hpp"
#include "tune/check.hpp"

#include "pg/postgres.hpp"

namespace steward::tune {

// Values of ALTER SYSTEM to come; none: its RESET.
using Changes = std::map<std::string, pg::Cell>;

// Whether other nodes are asked, too, and waited for.
enum class Scope { server, cluster };

std::vector<Finding> check_server(Scope scope);

// What would be wrong after the next start that is not without these changes. `machine`: none: the one there is.
std::vector<Finding> errors_of(const Changes& changes, Scope scope, const std::optional<Machine>& machine);

// As an error; nothing when there is nothing.
void refuse(const std::vector<Finding>& errors);

}  // namespace steward::tune
