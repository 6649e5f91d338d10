// SPDX-License-Identifier: PostgreSQL
#include "maintain/why.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "maintain/describe.hpp"

namespace steward::maintain {

namespace {

class Explainer {
public:
    Explainer(const TableFacts& table, const Surroundings& around, const Predictor& predictor, double min_score)
        : table_(table), min_score_(min_score), score_(score_of(table, around.weights, around.failsafe)) {
        Wishes wishes;
        wishes.min_score = min_score;
        steps_ = plan_maintenance({table}, around, predictor, wishes);
    }

    void add_autovacuum(const Autovacuum& autovacuum) {
        Explanation row{"autovacuum", table_.name, "off", std::nullopt, {}, {}};
        if (table_.kind == TableFacts::Kind::partitioned) {
            row.reason = "it never vacuums or analyses a partitioned table, only its partitions";
        } else if (!autovacuum.is_counting) {
            row.reason = "it cannot run: the server counts no changes";
            row.detail = "ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();";
        } else if (!autovacuum.is_on) {
            row.reason = "it is off for the whole server, but for forced vacuums against wraparound";
            row.detail = "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();";
        } else if (!table_.is_autovacuum_enabled) {
            row.reason =
                "a storage parameter switches it off for this table, but for forced vacuums against wraparound";
            row.detail = fmt::format("ALTER {} {} RESET (autovacuum_enabled);", kind(), table_.name);
        } else if (table_.toast && !table_.toast->is_autovacuum_enabled) {
            row.reason =
                "a storage parameter switches it off for the TOAST table, but for forced vacuums against wraparound";
            row.detail = fmt::format("ALTER {} {} RESET (toast.autovacuum_enabled);", kind(), table_.name);
        } else {
            row.verdict = "on";
            row.reason = "it begins at a score of 1";
        }
        rows_.push_back(std::move(row));
    }

    void add_table() {
        if (table_.kind != TableFacts::Kind::partitioned) {
            add(Action::freeze, std::max(score_.freeze, score_.multixact), freeze_reason(table_, score_));
            add(Action::vacuum, std::max(score_.dead, score_.inserted), vacuum_reason(table_, score_));
        }
        const double analyze = table_.has_statistics ? score_.analyze() : kNeverAnalyzedScore;
        add(Action::analyze, analyze,
            table_.has_statistics && table_.bytes == 0 && table_.changes.modified == 0 ? "it is empty"
                                                                                       : analyze_reason(table_));
    }

    void add_index(const IndexFacts& index) {
        for (const Step& step : steps_)
            if (step.index == index.id) return add_step(step);
        Explanation row{std::string(name_of(Action::reindex)), index.name, "not due", std::nullopt, {}, {}};
        if (index.bytes < kReindexBytes)
            row.reason = fmt::format("it has {}, less than {} are not worth a rebuild", pretty_bytes(index.bytes),
                                     pretty_bytes(kReindexBytes));
        else if (!index.bloat_low)
            row.reason =
                fmt::format("nobody has estimated how much of its {} would be freed", pretty_bytes(index.bytes));
        else
            row.reason =
                fmt::format("{}, and {:.0f} % make it worth a rebuild", reindex_reason(index), 100 * kReindexBloat);
        rows_.push_back(std::move(row));
    }

    std::vector<Explanation> finish() { return std::move(rows_); }

private:
    const char* kind() const {
        return table_.kind == TableFacts::Kind::materialized_view ? "MATERIALIZED VIEW" : "TABLE";
    }

    void add_step(const Step& step) {
        rows_.push_back({std::string(name_of(step.action)), step.object, std::string(name_of(step.verdict)), step.score,
                         step.reason, step.verdict == Verdict::run ? step.sql : step.detail});
    }

    void add(Action action, double score, const std::string& reason) {
        for (const Step& step : steps_)
            if (step.action == action) return add_step(step);
        Explanation row{std::string(name_of(action)), table_.name, "not due", score, reason, {}};
        // A freezing vacuum does what a plain one would.
        if (action == Action::vacuum && score >= min_score_) row.detail = "the freeze above does it";
        rows_.push_back(std::move(row));
    }

    const TableFacts& table_;
    double min_score_;
    Score score_;
    std::vector<Step> steps_;
    std::vector<Explanation> rows_;
};

}  // namespace

std::vector<Explanation> explain(const TableFacts& table, const Surroundings& around, const Predictor& predictor,
                                 double min_score, const Autovacuum& autovacuum) {
    Explainer explainer(table, around, predictor, min_score);
    explainer.add_autovacuum(autovacuum);
    explainer.add_table();
    for (const IndexFacts& index : table.indexes) explainer.add_index(index);
    return explainer.finish();
}

}  // namespace steward::maintain
