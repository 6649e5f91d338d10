// SPDX-License-Identifier: PostgreSQL
//
// A query whose rows come in batches: tens of thousands at once take tens of megabytes. A part of spi.hpp for the few who have
// so many.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pg/spi.hpp"

#include "pg/postgres.hpp"

namespace steward::pg {

void for_each_row(const std::string& sql, const std::vector<Parameter>& parameters,
                  const std::function<void(const Row&)>& visit);

}  // namespace steward::pg
