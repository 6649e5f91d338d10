// SPDX-License-Identifier: PostgreSQL
#include "maintain/maintain_pg.hpp"

#include "maintain/plan.hpp"
#include "pg/guc.hpp"

namespace steward::maintain {

namespace {

// As autovacuum_*_score_weight of PostgreSQL 19.
constexpr pg::RealRange kWeights{0, 10};

Weights given;
double given_min_score = kDefaultMinScore;

}  // namespace

Weights weights() { return given; }

double min_score() { return given_min_score; }

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
}

}  // namespace steward::maintain
