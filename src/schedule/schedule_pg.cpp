// SPDX-License-Identifier: PostgreSQL
#include "schedule/schedule_pg.hpp"

#include <cstring>

#include "pg/guc.hpp"
#include "schedule/shared_pg.hpp"

namespace steward::schedule {

namespace {

// In seconds; only a launcher that was terminated is waited for.
constexpr int kRestartSeconds = 1;

void register_worker(const char* main, const char* title, BgWorkerStartTime start) {
    BackgroundWorker worker;
    std::memset(&worker, 0, sizeof(worker));
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = start;
    worker.bgw_restart_time = kRestartSeconds;
    strlcpy(worker.bgw_library_name, "pg_steward", sizeof(worker.bgw_library_name));
    strlcpy(worker.bgw_function_name, main, sizeof(worker.bgw_function_name));
    strlcpy(worker.bgw_name, title, sizeof(worker.bgw_name));
    strlcpy(worker.bgw_type, title, sizeof(worker.bgw_type));
    RegisterBackgroundWorker(&worker);
}

}  // namespace

void init() {
    pg::define_setting("steward.schedule_max_running", "Sets how many jobs may run at once, over all databases.",
                       &max_running, {1, kMaxWorkersLimit}, PGC_SIGHUP, 0);
    if (!process_shared_preload_libraries_in_progress) return;
    pg::define_setting("steward.schedule_max_jobs", "Sets how many jobs the scheduler can show, over all databases.",
                       &max_jobs, {kMinMaxJobs, kMaxMaxJobs}, PGC_POSTMASTER, 0);
    if (IsBinaryUpgrade) return;
    init_shared();
    register_worker("steward_schedule_launcher", "pg_steward launcher", BgWorkerStart_ConsistentState);
    register_worker("steward_schedule_promotion", "pg_steward promotion", BgWorkerStart_RecoveryFinished);
}

}  // namespace steward::schedule
