// SPDX-License-Identifier: PostgreSQL
//
// What becomes of runs, written into their database: a mark when one starts, one history row when it ends. All of it needs
// a transaction and works as the extension's owner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/script.hpp"
#include "schedule/shared_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

// What a worker needs to run a job.
struct Command {
    std::string name;
    std::string text;
    pg::ScriptRules rules;
    std::optional<std::int64_t> timeout_ms;
    std::optional<std::int64_t> lock_timeout_ms;
    TimestampTz paused_until =
        0;  // no run but by hand begins before then; 0: it is not paused, DT_NOEND: it is without an end
};
// Nothing when the job is gone or belongs to another role now.
std::optional<Command> read_command(std::int64_t job, Oid role);

struct RunRecord {
    RunId run = 0;
    std::int64_t job = 0;
    std::string name;  // of the job, where its worker could tell: it may be gone by now
    Oid role = InvalidOid;
    Kind kind = Kind::scheduled;
    int attempt = 1;
    TimestampTz due = 0;
    TimestampTz started_at = 0;  // 0: it was cancelled before it began
    TimestampTz ended_at = 0;
    TimestampTz handled_until = 0;  // of its job, with what was skipped because of it; 0: unknown
    Outcome outcome = Outcome::succeeded;
    int pid = 0;
    bool is_marked = false;
    // Of a run whose worker lived to tell.
    std::optional<pg::ScriptEnd> end;
    std::string sqlstate;
    std::string message;
    std::string notices;
};

RunRecord record_of(const RunSlot& run);

// Of the runs of this database.
RunNumbers used_run_numbers();

void mark_start(const RunRecord& record);
void unmark_start(const RunRecord& record);  // it has not begun after all
// The history row and the job's progress; old rows of the same job go now and then.
void record_end(const RunRecord& record);
// After the clock was set back far: what is remembered of later than now is void.
void forget_future();
// Runs whose start was marked and that nobody runs any more, `under_way` left out, are recorded as interrupted.
void record_interrupted(const std::vector<RunId>& under_way);

}  // namespace steward::schedule
