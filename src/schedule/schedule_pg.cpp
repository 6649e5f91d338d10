// SPDX-License-Identifier: PostgreSQL
#include "schedule/schedule_pg.hpp"

#include "pg/guc.hpp"
#include "pg/worker.hpp"
#include "schedule/shared_pg.hpp"

namespace steward::schedule {

namespace {

// In seconds; only a launcher that was terminated is waited for.
constexpr int kRestartSeconds = 1;

}  // namespace

void init() {
    pg::define_setting("steward.schedule_max_running", "Sets how many jobs may run at once, over all databases.",
                       &max_running, {1, kMaxWorkersLimit}, PGC_SIGHUP, 0);
    if (!process_shared_preload_libraries_in_progress) return;
    pg::define_setting("steward.schedule_max_jobs", "Sets how many jobs the scheduler can show, over all databases.",
                       &max_jobs, {kMinMaxJobs, kMaxMaxJobs}, PGC_POSTMASTER, 0);
    if (IsBinaryUpgrade) return;
    init_shared();
    pg::register_static_worker("steward_schedule_launcher", "pg_steward launcher", BgWorkerStart_ConsistentState,
                               kRestartSeconds);
    pg::register_static_worker("steward_schedule_promotion", "pg_steward promotion", BgWorkerStart_RecoveryFinished,
                               kRestartSeconds);
}

}  // namespace steward::schedule
