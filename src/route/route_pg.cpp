// SPDX-License-Identifier: PostgreSQL
#include "route/route_pg.hpp"

#include "pg/guc.hpp"
#include "pg/worker.hpp"
#include "route/commit_lsn_pg.hpp"
#include "route/fence_pg.hpp"
#include "route/shared_pg.hpp"

namespace steward::route {

namespace {

constexpr int kRestartSeconds = 1;
constexpr pg::IntRange kMillis = {100, 60'000};

}  // namespace

void init() {
    pg::define_setting("steward.route_probe_interval", "Sets how often each registered node is asked how it is.",
                       &probe_interval, kMillis, PGC_SIGHUP, GUC_UNIT_MS);
    pg::define_setting("steward.route_probe_timeout", "Sets how long a registered node has to connect, and to answer.",
                       &probe_timeout, kMillis, PGC_SIGHUP, GUC_UNIT_MS);
    init_commit_lsn();
    init_fence();
    if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade) return;
    init_shared();
    pg::register_static_worker("steward_route_prober", "pg_steward prober", BgWorkerStart_ConsistentState,
                               kRestartSeconds);
}

}  // namespace steward::route
