// SPDX-License-Identifier: PostgreSQL
//
// What the caller of steward.maintain() and its worker say to each other.
#pragma once

#include <string>

#include "maintain/plan_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

std::string encode(const Order& order);
Order decode(const std::string& text);

// A message of the worker's begins with one of these.
inline constexpr char kBusy[] = "busy";
inline constexpr char kPlan[] = "plan";    // how many steps run, how many there are
inline constexpr char kStep[] = "step";    // its outcome, and a line for people
inline constexpr char kError[] = "error";  // SQLSTATE, message, detail, hint
inline constexpr char kEnd[] = "end";

}  // namespace steward::maintain
