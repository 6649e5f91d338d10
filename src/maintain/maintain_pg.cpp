// SPDX-License-Identifier: PostgreSQL
#include "maintain/maintain_pg.hpp"

#include <limits>

#include "maintain/plan.hpp"
#include "pg/guc.hpp"

namespace steward::maintain {

namespace {

// As autovacuum_*_score_weight of PostgreSQL 19.
constexpr pg::RealRange kWeights{0, 10};

Weights given;
double given_min_score = kDefaultMinScore;
int given_max_lag_kilobytes = kDefaultMaxLagKilobytes;
double given_max_load = kDefaultMaxLoad;

// Read by the view steward.backup_health alone. A day, and what a backup takes.
constexpr pg::IntRange kMaxBackupAges{1, 366 * 24 * 60};
int max_backup_age_minutes = 26 * 60;

}  // namespace

Weights weights() { return given; }

double min_score() { return given_min_score; }

Tolerance tolerance() { return {std::int64_t{given_max_lag_kilobytes} * 1024, given_max_load}; }

void init() {
    pg::define_setting("steward.maintain_min_score",
                       "Sets the score from which on a table is maintained; autovacuum waits for 1.", &given_min_score,
                       {kMinMinScore, kMaxMinScore}, PGC_USERSET);
    pg::define_setting("steward.maintain_freeze_score_weight",
                       "Sets the weight of a table's transaction age in its score.", &given.freeze, kWeights,
                       PGC_USERSET);
    pg::define_setting("steward.maintain_multixact_freeze_score_weight",
                       "Sets the weight of a table's multixact age in its score.", &given.multixact, kWeights,
                       PGC_USERSET);
    pg::define_setting("steward.maintain_vacuum_score_weight", "Sets the weight of a table's dead rows in its score.",
                       &given.dead, kWeights, PGC_USERSET);
    pg::define_setting("steward.maintain_vacuum_insert_score_weight",
                       "Sets the weight of the rows inserted into a table in its score.", &given.inserted, kWeights,
                       PGC_USERSET);
    pg::define_setting("steward.maintain_analyze_score_weight",
                       "Sets the weight of a table's changed rows in its score.", &given.modified, kWeights,
                       PGC_USERSET);
    pg::define_setting("steward.maintain_max_lag",
                       "Sets the lag of a replica from which on maintenance waits for it. 0 disables.",
                       &given_max_lag_kilobytes, {0, std::numeric_limits<int>::max()}, PGC_USERSET, GUC_UNIT_KB);
    pg::define_setting("steward.maintain_max_load",
                       "Sets the load of others, per processor, from which on maintenance takes the least. 0 disables.",
                       &given_max_load, {0, kMostMaxLoad}, PGC_USERSET);
    pg::define_setting("steward.backup_max_age",
                       "Sets the age from which on the last good backup is too old; twice that is critical.",
                       &max_backup_age_minutes, kMaxBackupAges, PGC_USERSET, GUC_UNIT_MIN);
}

}  // namespace steward::maintain
