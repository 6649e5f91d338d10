// SPDX-License-Identifier: PostgreSQL
//
// Which steps are useful, in which order, and which of them fit into the window and its budgets. Pure: all it must know is
// handed to it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "maintain/predict.hpp"
#include "maintain/score.hpp"
#include "maintain/step.hpp"

namespace steward::maintain {

// From this score on a table is due: half-way to what autovacuum would wait for, so that a window at night saves the day.
inline constexpr double kDefaultMinScore = 0.5;
inline constexpr double kMinMinScore = 0.01;
inline constexpr double kMaxMinScore = 100;
// A rebuild is worth its WAL when at least so much of an index comes back, by the lower end of what has been estimated.
inline constexpr double kReindexBloat = 0.3;
inline constexpr std::int64_t kReindexBytes = 10 << 20;
// REINDEX CONCURRENTLY waits for every older transaction that holds a snapshot: for one that is older than this, it may wait for ever.
inline constexpr double kOldSnapshotSeconds = 60;
// Tables that never had statistics come before all that is merely due; below the failsafe nothing reaches this.
inline constexpr double kNeverAnalyzedScore = 10;

struct Wishes {
    std::set<Action> actions;       // empty: all
    std::optional<double> seconds;  // of the window; none: as long as it takes
    std::optional<std::int64_t> wal_bytes;
    double min_score = kDefaultMinScore;
};

// What stands in the way of a step, whatever the budgets.
struct Obstacles {
    std::map<RelationId, std::string> covered;  // tables that somebody vacuums, analyses or reindexes now: who
    std::map<RelationId, std::string> locked;   // tables that somebody has locked against maintenance: who
    // Tables that an old or a prepared transaction has used: which; REINDEX CONCURRENTLY waits for its end.
    std::map<RelationId, std::string> old_users;
    // Who keeps REINDEX CONCURRENTLY waiting: a sentence; empty: nobody.
    std::string old_snapshot;
    // Why this server must not REINDEX CONCURRENTLY; empty: it may.
    std::string broken_reindex;
    // Bytes that may still be used on the tablespace of an index.
    std::map<RelationId, std::int64_t> room_bytes;
};

struct Surroundings {
    Weights weights;
    Failsafe failsafe;
    bool has_standbys = false;      // truncating a table would cancel their queries
    bool writes_full_pages = true;  // a changed page may cost its whole size in WAL
    bool has_only = false;          // VACUUM ONLY and ANALYZE ONLY, which leave a table's children out
    std::int64_t page_bytes = 8192;
    std::int64_t analyzed_rows = 30'000;  // that ANALYZE samples: 300 x the statistics target
    base::Instant now;
    Obstacles obstacles;
    std::set<RelationId> own_leftovers;  // invalid indexes that a rebuild of ours is known to have left behind
};

// All useful steps, the most useful first, each with its verdict.
std::vector<Step> plan_maintenance(const std::vector<TableFacts>& tables, const Surroundings& around,
                                   const Predictor& predictor, const Wishes& wishes);

// What is left of the budgets while steps run; the same arithmetic decides the plan and, before each step, its start.
class Budget {
public:
    Budget(std::optional<double> seconds, std::optional<std::int64_t> wal_bytes)
        : seconds_(seconds), wal_bytes_(wal_bytes) {}
    // Whether the step fits, and in `detail` why not.
    Verdict admit(const Prediction& prediction, std::string& detail) const;
    void spend(double seconds, std::int64_t wal_bytes);

private:
    std::optional<double> seconds_;
    std::optional<std::int64_t> wal_bytes_;
};

}  // namespace steward::maintain
