// SPDX-License-Identifier: PostgreSQL
//
// The server's time zones and clock behind the pure time types.
#pragma once

#include <string>

#include "base/time.hpp"
#include "pg/postgres.hpp"

namespace steward::pg {

// A zone of the server's tables; lives as long as the process. Throws 22023 for an unknown name.
const base::Zone& zone(const std::string& name);
const base::Zone& session_zone();
// The zone under the name the server's tables have it by: "Europe/Berlin" for "europe/berlin". Throws as zone().
std::string canonical_zone_name(const std::string& name);
// What a new session of this database begins with, whatever the client of this one has set.
std::string database_zone_name();

base::Instant now();
base::Instant from_server(TimestampTz at);  // of Timestamp too: both count microseconds from 2000-01-01
TimestampTz to_server(base::Instant at);

// interval_in: '1 month', 'P1M', '01:30'. Throws what the server says (22007).
base::Interval parse_interval(const std::string& text);

}  // namespace steward::pg
