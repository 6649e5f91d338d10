// SPDX-License-Identifier: PostgreSQL
#include "maintain/plan.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "maintain/describe.hpp"

namespace steward::maintain {

namespace {

class Planner {
public:
    Planner(const Surroundings& around, const Predictor& predictor, const Wishes& wishes)
        : around_(around), predictor_(predictor), wishes_(wishes) {}

    void consider(const TableFacts& table) {
        const Score score = score_of(table, around_.weights, around_.failsafe);
        consider_vacuum(table, score);
        consider_analyze(table, score);
        for (const IndexFacts& index : table.indexes) consider_reindex(table, index);
    }

    std::vector<Step> finish() {
        std::stable_sort(steps_.begin(), steps_.end(), [](const Step& a, const Step& b) {
            if (a.score != b.score) return a.score > b.score;
            return a.prediction.seconds < b.prediction.seconds;
        });
        Budget budget(wishes_.seconds, wishes_.wal_bytes);
        for (Step& step : steps_) {
            if (step.verdict != Verdict::run) continue;
            step.verdict = budget.admit(step.prediction, step.detail);
            if (step.verdict == Verdict::run) budget.spend(step.prediction.seconds, step.prediction.wal_bytes);
        }
        return std::move(steps_);
    }

private:
    bool is_wanted(Action action) const { return wishes_.actions.empty() || wishes_.actions.count(action) != 0; }

    std::int64_t bytes_of_pages(double pages) const {
        return static_cast<std::int64_t>(pages * static_cast<double>(around_.page_bytes));
    }

    // Each changed row is on a page of its own, until they share pages.
    std::int64_t changed_bytes(const TableFacts& table, double rows) const {
        const double pages = std::max(table.pages, 1.0);
        const double changed = pages * (1 - std::exp(-std::max(rows, 0.0) / pages));
        const double bytes_a_page = around_.writes_full_pages ? static_cast<double>(around_.page_bytes) : 200;
        return static_cast<std::int64_t>(changed * bytes_a_page);
    }

    Step step_for(const TableFacts& table, Action action, double score) const {
        Step step;
        step.action = action;
        step.table = table.id;
        step.owner = table.owner;
        step.object = table.name;
        step.score = score;
        step.lock_mode = "SHARE UPDATE EXCLUSIVE";
        const auto covered = around_.obstacles.covered.find(table.id);
        const auto locked = around_.obstacles.locked.find(table.id);
        if (covered != around_.obstacles.covered.end()) {
            step.verdict = Verdict::covered;
            step.detail = covered->second;
        } else if (locked != around_.obstacles.locked.end()) {
            step.verdict = Verdict::blocked;
            step.detail = locked->second;
        }
        return step;
    }

    std::string target(const TableFacts& table) const {
        return (around_.has_only && table.has_children ? "ONLY " : "") + table.name;
    }

    void consider_vacuum(const TableFacts& table, const Score& score) {
        const double age = std::max(score.freeze, score.multixact);
        const bool is_freeze = age >= wishes_.min_score && is_wanted(Action::freeze);
        const Action action = is_freeze ? Action::freeze : Action::vacuum;
        const double value = is_wanted(Action::freeze) ? score.vacuum() : std::max(score.dead, score.inserted);
        if (!is_wanted(action) || value < wishes_.min_score) return;
        Step step = step_for(table, action, value);
        std::string options = is_freeze ? "FREEZE" : "";
        if (around_.has_standbys) options += options.empty() ? "TRUNCATE false" : ", TRUNCATE false";
        step.sql = fmt::format("VACUUM {}{}", options.empty() ? "" : fmt::format("({}) ", options), target(table));
        step.reason = is_freeze ? freeze_reason(table, score) : vacuum_reason(table, score);
        const double skipped = is_freeze ? table.all_frozen_pages : table.all_visible_pages;
        const std::int64_t heap = std::max<std::int64_t>(table.bytes - bytes_of_pages(skipped), 0);
        step.bytes = heap + (table.changes.dead > 0 ? table.index_bytes : 0);
        const std::int64_t wal = is_freeze ? heap : changed_bytes(table, table.changes.dead + table.changes.inserted);
        step.prediction = predictor_.predict(action, table.id, step.bytes, wal, 0);
        steps_.push_back(std::move(step));
    }

    void consider_analyze(const TableFacts& table, const Score& score) {
        if (!is_wanted(Action::analyze)) return;
        const double value = table.has_statistics ? score.analyze() : std::max(kNeverAnalyzedScore, score.analyze());
        if (value < wishes_.min_score) return;
        Step step = step_for(table, Action::analyze, value);
        step.sql = fmt::format("ANALYZE {}", target(table));
        step.reason = analyze_reason(table);
        // Of a partitioned table without ONLY, every partition is analysed beside it.
        const int tables = around_.has_only ? 1 : 1 + table.partitions;
        step.bytes =
            std::min(tables > 1 ? 2 * table.bytes : table.bytes, tables * around_.analyzed_rows * around_.page_bytes);
        step.prediction = predictor_.predict(Action::analyze, table.id, step.bytes, 64 << 10, 0);
        steps_.push_back(std::move(step));
    }

    // Not known to be ours, it may be of somebody who is about to look at it.
    void consider_leftover(const TableFacts& table, const IndexFacts& index) {
        if (!is_wanted(Action::drop_leftover)) return;
        Step step = step_for(table, Action::drop_leftover, 1);
        step.index = index.id;
        step.object = index.name;
        step.sql = fmt::format("DROP INDEX CONCURRENTLY {}", index.name);
        step.reason = leftover_reason();
        step.prediction = predictor_.predict(Action::drop_leftover, table.id, 0, 0, 0);
        if (around_.own_leftovers.count(index.id) == 0) {
            step.verdict = Verdict::refused;
            step.detail = "no rebuild of ours is known to have left it; look whose it is, and drop it by hand";
        }
        steps_.push_back(std::move(step));
    }

    void consider_reindex(const TableFacts& table, const IndexFacts& index) {
        if (!index.is_valid && index.is_leftover) return consider_leftover(table, index);
        if (!is_wanted(Action::reindex)) return;
        const double freed = index.is_valid ? index.bloat_low.value_or(0) : 1;
        if (index.is_valid && (freed < kReindexBloat || index.bytes < kReindexBytes)) return;
        Step step = step_for(table, Action::reindex, index.is_valid ? freed / std::max(1 - freed, 0.05) : 1);
        step.index = index.id;
        step.object = index.name;
        step.sql = fmt::format("REINDEX INDEX CONCURRENTLY {}", index.name);
        step.reason = reindex_reason(index);
        step.bytes = table.bytes + index.bytes;
        const auto rebuilt =
            static_cast<std::int64_t>(static_cast<double>(index.bytes) * (1 - index.bloat_low.value_or(0)));
        step.prediction = predictor_.predict(Action::reindex, table.id, step.bytes, rebuilt, rebuilt);
        judge_reindex(step, index);
        steps_.push_back(std::move(step));
    }

    void judge_reindex(Step& step, const IndexFacts& index) const {
        if (step.verdict != Verdict::run) return;
        const Obstacles& obstacles = around_.obstacles;
        const auto room = obstacles.room_bytes.find(index.id);
        const auto user = obstacles.old_users.find(step.table);
        if (!index.is_reindexable_concurrently) {
            step.verdict = Verdict::refused;
            step.detail = "it belongs to an exclusion constraint, which cannot be rebuilt concurrently";
        } else if (!obstacles.broken_reindex.empty()) {
            step.verdict = Verdict::refused;
            step.detail = obstacles.broken_reindex;
        } else if (user != obstacles.old_users.end()) {
            step.verdict = Verdict::blocked;
            step.detail = user->second;
        } else if (!obstacles.old_snapshot.empty()) {
            step.verdict = Verdict::blocked;
            step.detail = obstacles.old_snapshot;
        } else if (room != obstacles.room_bytes.end() && room->second < step.prediction.disk_bytes) {
            step.verdict = Verdict::no_disk;
            step.detail = fmt::format("it needs {} beside the old index, its tablespace may lose {}",
                                      pretty_bytes(step.prediction.disk_bytes), pretty_bytes(room->second));
        }
    }

    const Surroundings& around_;
    const Predictor& predictor_;
    const Wishes& wishes_;
    std::vector<Step> steps_;
};

}  // namespace

std::vector<Step> plan_maintenance(const std::vector<TableFacts>& tables, const Surroundings& around,
                                   const Predictor& predictor, const Wishes& wishes) {
    Planner planner(around, predictor, wishes);
    for (const TableFacts& table : tables) planner.consider(table);
    return planner.finish();
}

Verdict Budget::admit(const Prediction& prediction, std::string& detail) const {
    if (seconds_ && prediction.seconds > *seconds_) {
        detail = fmt::format("it is predicted to take {}, and {} are left", pretty_seconds(prediction.seconds),
                             pretty_seconds(std::max(*seconds_, 0.0)));
        return Verdict::no_time;
    }
    if (wal_bytes_ && prediction.wal_bytes > *wal_bytes_) {
        detail = fmt::format("it is predicted to write {} of WAL, and {} are left", pretty_bytes(prediction.wal_bytes),
                             pretty_bytes(std::max<std::int64_t>(*wal_bytes_, 0)));
        return Verdict::no_wal;
    }
    return Verdict::run;
}

void Budget::spend(double seconds, std::int64_t wal_bytes) {
    if (seconds_) *seconds_ -= seconds;
    if (wal_bytes_) *wal_bytes_ -= wal_bytes;
}

}  // namespace steward::maintain
