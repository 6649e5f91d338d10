// SPDX-License-Identifier: PostgreSQL
#include "capture/durations_pg.hpp"

#include "capture/saved_pg.hpp"

namespace steward::capture {

std::vector<Durations> query_durations() {
    require_shared();
    std::vector<Durations> found;
    each_shard(Locking::shared, Collector::What::all, [&](const Snapshot& part) {
        for (const Statistic& one : part.statistics)
            if (one.key.queryid != 0 && one.key.is_toplevel) found.push_back({one.key, one.histogram});
    });
    return found;
}

}  // namespace steward::capture
