// SPDX-License-Identifier: PostgreSQL
//
// What all that writes steward.nodes shares.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "route/node.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

std::string jsonb_argument(FunctionCallInfo fcinfo, int index);
// Throws 22023 when it is no object.
std::vector<NodeOption> read_options(const std::string& json);
// Throws 25006; `what` is done to nodes.
void refuse_on_standby(const char* what);
// Of a connection string that comes as an argument, where statements are logged and counted; throws 22023.
void refuse_password(const std::map<std::string, std::string>& conninfo);

}  // namespace steward::route
