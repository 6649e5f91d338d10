// SPDX-License-Identifier: PostgreSQL
#include "maintain/score.hpp"

#include <algorithm>
#include <cmath>

namespace steward::maintain {

namespace {

double rows_of(const TableFacts& table) { return std::max(table.rows.value_or(0), 0.0); }

// Past the failsafe the score grows so steeply that nothing else comes first.
double age_score(std::int64_t age, std::int64_t max_age, std::int64_t failsafe_age) {
    const double score = static_cast<double>(age) / static_cast<double>(std::max<std::int64_t>(max_age, 1));
    const double failsafe = std::max(static_cast<double>(failsafe_age), static_cast<double>(max_age) * 1.05);
    if (static_cast<double>(age) < failsafe) return score;
    return std::pow(score, std::max(1.0, static_cast<double>(age) / 100'000'000));
}

double part(double count, double threshold) { return std::max(count, 0.0) / std::max(threshold, 1.0); }

}  // namespace

double Score::vacuum() const { return std::max({freeze, multixact, dead, inserted}); }

double Score::analyze() const { return modified; }

double Score::total() const { return std::max(vacuum(), analyze()); }

double dead_threshold(const TableFacts& table) {
    const Thresholds& given = table.thresholds;
    const double threshold = given.vacuum_base + given.vacuum_scale * rows_of(table);
    return given.vacuum_max ? std::min(threshold, *given.vacuum_max) : threshold;
}

// Only rows that are not frozen yet count, as from PostgreSQL 18 on.
double insert_threshold(const TableFacts& table) {
    const double frozen = table.pages > 0 ? std::clamp(table.all_frozen_pages / table.pages, 0.0, 1.0) : 0;
    return table.thresholds.insert_base + table.thresholds.insert_scale * rows_of(table) * (1 - frozen);
}

double analyze_threshold(const TableFacts& table) {
    return table.thresholds.analyze_base + table.thresholds.analyze_scale * rows_of(table);
}

Score score_of(const TableFacts& table, const Weights& weights, const Failsafe& failsafe) {
    const Thresholds& given = table.thresholds;
    Score score;
    if (table.kind != TableFacts::Kind::partitioned) {
        score.freeze = weights.freeze * age_score(table.xid_age, given.freeze_max_age, failsafe.xid_age);
        score.multixact =
            weights.multixact * age_score(table.multixact_age, given.multixact_freeze_max_age, failsafe.multixact_age);
        score.dead = weights.dead * part(table.changes.dead, dead_threshold(table));
        if (given.insert_base >= 0)
            score.inserted = weights.inserted * part(table.changes.inserted, insert_threshold(table));
    }
    score.modified = weights.modified * part(table.changes.modified, analyze_threshold(table));
    return score;
}

}  // namespace steward::maintain
