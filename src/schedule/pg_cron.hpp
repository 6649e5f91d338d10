// SPDX-License-Identifier: PostgreSQL
//
// Schedules as pg_cron reads them, made into ours. Its parser is Vixie cron's without the errors: it stops reading after
// the fifth field, and skips what it does not know inside of one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace steward::schedule {

struct CronReading {
    std::string schedule;
    std::vector<std::string> notes;  // what is otherwise there than here
};

// `matches_both_days`: its setting cron.match_dom_and_dow. Fails with 22023 where the schedule is none of ours.
base::Result<CronReading> read_pg_cron(std::string_view text, bool matches_both_days, const base::Zone& zone,
                                       base::Instant now);

}  // namespace steward::schedule
