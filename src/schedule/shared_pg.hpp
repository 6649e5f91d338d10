// SPDX-License-Identifier: PostgreSQL
//
// What the launcher, its workers and the sessions share: the state of every job, the runs under way, and which databases
// want to be read anew. Facts of fixed width under one lock; capacity is fixed at server start. The launcher alone writes
// JobSlots. A RunSlot goes round: free -> reserved (run_job(), until its commit) -> requested -> starting -> running ->
// ended -> free; its worker writes it while running, the launcher before and after. With a worker that is made ready
// before the run is due it goes free -> ready -> starting, or back to free.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "schedule/job.hpp"
#include "schedule/scheduler.hpp"
#include "pg/postgres.hpp"

namespace steward::schedule {

inline constexpr int kMaxRuns = 1024;
inline constexpr int kMaxChangedDatabases = 1024;
inline constexpr std::size_t kReasonBytes = 200;

// A command that goes on after it was cancelled loses its process this much later.
inline constexpr int kStopGraceMillis = 10'000;

// Without a free worker slot nothing starts for this long, or until some worker of ours ends.
inline constexpr std::int64_t kNoSlotMicros = base::kMicrosPerSecond / 2;

// Settings.
inline constexpr int kMinMaxJobs = 16;
inline constexpr int kMaxMaxJobs = 1'000'000;
extern int max_jobs;  // steward.schedule_max_jobs
inline constexpr int kMaxWorkersLimit = 1024;
extern int max_running;  // steward.schedule_max_running
// Of max_worker_processes, left to others: the launcher itself, the worker of capture, the prober, a loader, one for parallel
// queries.
inline constexpr int kReservedWorkers = 5;

enum class RunState : std::uint8_t { free, reserved, ready, requested, starting, running, ended };
// Why a running one is stopped.
enum class Stop : std::uint8_t { no, cancelled, replaced };

struct RunSlot {
    RunState state;
    Stop stop;
    bool is_marked;
    bool is_recorded;      // its end is in the history; else the loader writes it
    bool stays;            // ended, and its worker waits for another run
    std::uint8_t outcome;  // Outcome, once ended
    std::uint8_t kind;     // Kind
    std::int32_t attempt;
    std::uint32_t token;  // of this use of the slot: a worker that comes late finds another one
    std::int32_t pid;     // of the worker; of the session while reserved
    Latch* latch;         // of the worker, to be set when a ready one gets its run or is not needed
    Oid database;
    Oid role;
    std::int64_t job;  // 0: a ready worker may get any of this database and role
    RunId run;         // 0: none yet (ready)
    TimestampTz due;
    TimestampTz started_at;
    TimestampTz ended_at;
    TimestampTz
        handled_until;  // of its job, when the launcher last looked: what was skipped meanwhile is behind it; 0: unknown
    char sqlstate[6];
    char message[kReasonBytes];  // of an end that is not recorded, or why the worker could not begin
};

struct JobSlot {
    bool is_used;
    std::uint8_t state;  // JobState
    Oid database;
    std::int64_t job;
    TimestampTz next_run;      // DT_NOEND: none
    TimestampTz queued_since;  // DT_NOBEGIN: not queued
    std::int32_t queued;
    std::int32_t running;
    // The first of the queued runs that nobody asked for by hand; 0: none.
    std::int32_t waiting_attempt;
    std::uint8_t waiting_kind;  // Kind
    TimestampTz waiting_due;
    std::int64_t skipped;
    char waiting_reason[kReasonBytes];
};

// Asks for memory at server start; nothing without shared_preload_libraries.
void init_shared();
// Whether this server was started with the library: the rest may be called only then.
bool has_shared();

// ---- Sessions --------------------------------------------------------------------------------------------------------

bool is_launcher_running();
// The launcher reads the jobs of this database anew when this transaction commits.
void reload_at_commit();
// A run by hand, which begins when this transaction commits. Throws 53400 when too many are waiting.
RunId request_at_commit(std::int64_t job, Oid role);
// Numbers of runs that a database knows already, those on standbys counted downwards.
struct RunNumbers {
    RunId highest = 0;
    RunId lowest = 0;
};
// No run to come gets one of them.
void note_used(const RunNumbers& used);
// Whether the launcher has noted those of this database.
bool are_used_noted();
// The state of the jobs of this database.
std::vector<JobSlot> job_slots();
// Its runs that wait as requested, start or run.
std::vector<RunSlot> run_slots();
// Stops a run of this database: false when none that has this number waits or runs.
bool stop_run(RunId run, Stop stop);

}  // namespace steward::schedule
