// SPDX-License-Identifier: PostgreSQL
//
// What is said of a program that has ended.
#pragma once

#include <string>

#include "base/result.hpp"
#include "maintain/supervisor.hpp"

namespace steward::maintain {

// Of a program that was let run to its end.
bool has_succeeded(const Ending& ending);
// `what` is the program as messages name it: "program \"nightly\"". Its path is the first of argv.
base::Failure failure_of(const std::string& what, const std::string& path, const Ending& ending);
// Of one that was ended because it took longer.
base::Failure took_too_long(const std::string& what, const std::string& timeout);

}  // namespace steward::maintain
