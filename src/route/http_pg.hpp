// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "route/http.hpp"
#include "route/remote_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

// Throws RemoteError.
HttpAnswer http_get(const HttpPlace& place, const std::string& path, const Patience& patience);

}  // namespace steward::route
