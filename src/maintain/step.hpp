// SPDX-License-Identifier: PostgreSQL
//
// A step of maintenance: a row of steward.maintenance_plan(), and the same row is what steward.maintain() runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maintain/table.hpp"

namespace steward::maintain {

enum class Action {
    freeze,         // VACUUM (FREEZE): its age is on the way to a forced one
    vacuum,         // dead or newly inserted rows
    analyze,        // the planner's statistics are old or missing
    reindex,        // REINDEX INDEX CONCURRENTLY: it would become much smaller, or is invalid
    drop_leftover,  // an invalid index that a REINDEX CONCURRENTLY of ours left behind
};

std::string_view name_of(Action action);
std::optional<Action> action_of(std::string_view name);

// What it will take, from what earlier runs on the same table took, else on others, else by rule of thumb.
struct Prediction {
    double seconds = 0;
    std::int64_t wal_bytes = 0;
    std::int64_t disk_bytes = 0;  // needed beside what is there, while it runs
    std::string_view source;      // "this table", "other tables", "rule of thumb"
};

enum class Verdict {
    run,
    no_time,  // would not end within the window
    no_wal,   // would write more than is left of the WAL budget
    no_disk,  // needs more room than the tablespace may lose
    blocked,  // an old snapshot or a lock would keep it waiting, or make it useless
    refused,  // this server version does it wrongly
    covered,  // somebody else is at it
};

std::string_view name_of(Verdict verdict);

struct Step {
    Action action = Action::vacuum;
    RelationId table = 0;
    RelationId index = 0;  // of reindex and drop_leftover
    RelationId owner = 0;  // whom it runs as
    std::string object;    // quoted, schema-qualified
    std::string sql;       // one statement, run at top level
    std::string_view lock_mode;
    double score = 0;        // the most useful first
    std::string reason;      // a sentence: the fact and its threshold
    std::int64_t bytes = 0;  // that it has to read
    Prediction prediction;
    Verdict verdict = Verdict::run;
    std::string detail;  // why it does not run; empty when it does
};

}  // namespace steward::maintain
