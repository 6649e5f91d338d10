// SPDX-License-Identifier: PostgreSQL
//
// A plan is rows: what steward.partition_plan() shows is what maintenance runs, step by step, and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "partition/set.hpp"

namespace steward::partition {

enum class Action {
    finalize_detach,     // an interrupted DETACH CONCURRENTLY
    unguard_default,     // drop the CHECK that kept ATTACH from scanning the default partition
    guard_default,       // add it, NOT VALID
    validate_default,    // validate it, blocking nobody
    watch_default,       // its trigger tells the launcher of rows that need a partition (on_demand)
    unwatch_default,     // ... no more
    leave_in_default,    // rows that no partition is made for: shown, never run
    create,              // build the child apart and attach it
    detach,              // a partition past its retention leaves the set
    move,                // ... to another schema or tablespace
    archive,             // ... to a verified file, and is dropped with it
    strip_foreign_keys,  // so that the drop does not lock the tables they point to
    drop,                // ... for good
    restore,             // back into the set, from the trash
    start_grace,         // a detach whose worker died before it could say when the partition may be dropped
    forget,              // a row of the trash whose partition somebody attached again
};

std::string_view action_name(Action action);

// Rows that leave the default partition while theirs is made; `sql` is these statements and the locks between them.
struct RowMove {
    RelationId from = 0;
    std::string prepare;  // makes the partition, apart
    std::string take;     // deletes the rows and returns them as one array
    std::string attach;
    std::string put;  // inserts what was taken, as $1
};

struct PlanStep {
    Action action = Action::create;
    RelationId parent_id = 0;
    RelationId partition_id = 0;  // 0: to be made
    std::string parent;           // quoted, schema-qualified
    std::string object;           // the partition, quoted and schema-qualified
    std::string sql;
    std::string_view lock_mode;
    std::string locked_relation;
    std::optional<double> estimated_rows;
    std::optional<std::int64_t> estimated_bytes;
    std::string reason;
    std::string_view risk = "none";
    std::string refusal;        // not empty: a safety rule forbids the step; it is shown and recorded, never run
    bool needs_guard = false;   // without the guard its ATTACH would scan the default under the lock
    bool is_top_level = false;  // commits inside (DETACH CONCURRENTLY): only at top level in a worker

    std::optional<RowMove> move;

    // What a retired partition needs to come back.
    std::string bounds;  // FOR VALUES ...
    std::string range_start;
    std::string range_end;
    std::string guard_condition;  // no row of the partition may meet it
    std::string archive_path;
};

struct Plan {
    std::vector<PlanStep> steps;
};

}  // namespace steward::partition
