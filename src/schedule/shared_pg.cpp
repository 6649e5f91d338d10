// SPDX-License-Identifier: PostgreSQL
#include <algorithm>
#include <cstddef>

#include "pg/guard.hpp"
#include "schedule/shared_state_pg.hpp"

namespace steward::schedule {

int max_jobs = 10'000;
int max_running = 8;

namespace {

constexpr char kName[] = "pg_steward schedule";
Shared* attached = nullptr;

std::size_t shared_bytes() { return offsetof(Shared, jobs) + static_cast<std::size_t>(max_jobs) * sizeof(JobSlot); }

// The startup process has not touched the control file yet: it says how the server ended.
bool was_shut_down_cleanly() {
    bool is_crc_right = false;
    ControlFileData* control = get_controlfile(DataDir, &is_crc_right);
    bool is_clean = is_crc_right && (control->state == DB_SHUTDOWNED || control->state == DB_SHUTDOWNED_IN_RECOVERY);
    pfree(control);
    return is_clean;
}

void on_startup() {
    bool is_new = false;
    attached = static_cast<Shared*>(pg::shared_memory(kName, shared_bytes(), &is_new));
    if (!is_new) return;
    attached->lock = pg::shared_lock(kName);
    attached->startup_pending = true;
    attached->crash_pending = !was_shut_down_cleanly() && !pg::is_new_copy();
    attached->job_capacity = max_jobs;
}

}  // namespace

void init_shared() {
    if (process_shared_preload_libraries_in_progress) pg::request_shared({shared_bytes, kName, 1, on_startup});
}

bool has_shared() { return attached != nullptr; }

Shared& shared() { return *attached; }

int find_free_run(const Shared& state) noexcept {
    for (int i = 0; i < kMaxRuns; ++i)
        if (state.runs[i].state == RunState::free) return i;
    return -1;
}

RunId next_run_number(Shared& state) noexcept { return state.is_standby ? --state.last_standby_run : ++state.last_run; }

void note_used(const RunNumbers& used) {
    pg::Locked locked(shared().lock);
    shared().last_run = std::max(shared().last_run, used.highest);
    shared().last_standby_run = std::min(shared().last_standby_run, used.lowest);
}

// It did before it showed any job. What it has read on a standby tells not which numbers the old primary gave out since.
bool are_used_noted() {
    const Shared& state = shared();
    pg::Locked locked(state.lock, LW_SHARED);
    return !state.is_standby && std::any_of(state.jobs, state.jobs + state.job_capacity, [](const JobSlot& slot) {
        return slot.is_used && slot.database == MyDatabaseId;
    });
}

void copy_text(char* target, std::size_t bytes, const char* text) noexcept {
    int length = pg_mbcliplen(text, static_cast<int>(strlen(text)), static_cast<int>(bytes) - 1);
    memcpy(target, text, static_cast<std::size_t>(length));
    target[length] = '\0';
}

bool is_launcher_running() {
    pg::Locked locked(shared().lock, LW_SHARED);
    return shared().launcher_latch != nullptr;
}

std::vector<JobSlot> job_slots() {
    std::vector<JobSlot> slots;
    slots.reserve(static_cast<std::size_t>(shared().job_capacity));
    pg::Locked locked(shared().lock, LW_SHARED);
    for (int i = 0; i < shared().job_capacity; ++i)
        if (shared().jobs[i].is_used && shared().jobs[i].database == MyDatabaseId) slots.push_back(shared().jobs[i]);
    return slots;
}

std::vector<RunSlot> run_slots() {
    std::vector<RunSlot> slots;
    slots.reserve(kMaxRuns);
    pg::Locked locked(shared().lock, LW_SHARED);
    for (const RunSlot& run : shared().runs)
        if (run.database == MyDatabaseId && run.state >= RunState::requested) slots.push_back(run);
    return slots;
}

bool stop_run(RunId number, Stop stop) {
    pg::Locked locked(shared().lock);
    for (RunSlot& run : shared().runs) {
        if (run.database != MyDatabaseId || run.run != number) continue;
        if (run.state != RunState::requested && run.state != RunState::starting && run.state != RunState::running)
            continue;
        if (run.stop == Stop::no) run.stop = stop;
        if (run.state == RunState::running) kill(run.pid, SIGINT);
        wake_launcher(shared());
        return true;
    }
    return false;
}

}  // namespace steward::schedule
