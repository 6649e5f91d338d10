// SPDX-License-Identifier: PostgreSQL
#include "maintain/score.hpp"

#include <algorithm>
#include <cmath>

namespace steward::maintain {

namespace {

double rows_of(const HeapFacts& heap) { return std::max(heap.rows.value_or(0), 0.0); }

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

double dead_threshold(const HeapFacts& heap) {
    const Thresholds& given = heap.thresholds;
    const double threshold = given.vacuum_base + given.vacuum_scale * rows_of(heap);
    return given.vacuum_max ? std::min(threshold, *given.vacuum_max) : threshold;
}

// Only rows that are not frozen yet count, as from PostgreSQL 18 on.
double insert_threshold(const HeapFacts& heap) {
    const double frozen = heap.pages > 0 ? std::clamp(heap.all_frozen_pages / heap.pages, 0.0, 1.0) : 0;
    return heap.thresholds.insert_base + heap.thresholds.insert_scale * rows_of(heap) * (1 - frozen);
}

double analyze_threshold(const HeapFacts& heap) {
    return heap.thresholds.analyze_base + heap.thresholds.analyze_scale * rows_of(heap);
}

Score score_of(const HeapFacts& heap, const Weights& weights, const Failsafe& failsafe) {
    const Thresholds& given = heap.thresholds;
    Score score;
    score.freeze = weights.freeze * age_score(heap.xid_age, given.freeze_max_age, failsafe.xid_age);
    score.multixact =
        weights.multixact * age_score(heap.multixact_age, given.multixact_freeze_max_age, failsafe.multixact_age);
    score.dead = weights.dead * part(heap.changes.dead, dead_threshold(heap));
    if (given.insert_base >= 0) score.inserted = weights.inserted * part(heap.changes.inserted, insert_threshold(heap));
    score.modified = weights.modified * part(heap.changes.modified, analyze_threshold(heap));
    return score;
}

Score score_of(const TableFacts& table, const Weights& weights, const Failsafe& failsafe) {
    Score score = score_of(static_cast<const HeapFacts&>(table), weights, failsafe);
    // It has no rows of its own, only statistics.
    if (table.kind == TableFacts::Kind::partitioned) {
        Score analyzed;
        analyzed.modified = score.modified;
        return analyzed;
    }
    if (!table.toast) return score;
    const Score toast = score_of(*table.toast, weights, failsafe);
    score.freeze = std::max(score.freeze, toast.freeze);
    score.multixact = std::max(score.multixact, toast.multixact);
    score.dead = std::max(score.dead, toast.dead);
    score.inserted = std::max(score.inserted, toast.inserted);
    return score;
}

}  // namespace steward::maintain
