// SPDX-License-Identifier: PostgreSQL
#include "partition/create_pg.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "partition/blueprint_pg.hpp"
#include "partition/demand.hpp"
#include "partition/demand_pg.hpp"
#include "partition/relation_pg.hpp"
#include "partition/row_move_pg.hpp"
#include "partition/wanted_pg.hpp"
#include "pg/guard.hpp"

namespace steward::partition {

namespace {

std::string child_schema(const KnownSet& known) {
    return known.policy.partition_schema.empty() ? known.set.schema : known.policy.partition_schema;
}

// Gives out names that no relation of the schema and no other step of the plan has.
class Names {
public:
    explicit Names(const KnownSet& known) : schema_(child_schema(known)), naming_(naming_of(known)) {}

    std::string next(const NewPartition& wanted) {
        std::string name = partition_name(naming_, wanted.period);
        const std::string plain = name;
        for (int attempt = 0; is_taken(name); ++attempt)
            name = alternative_name(plain, attempt == 0 ? wanted.bounds : fmt::format("{} {}", wanted.bounds, attempt));
        given_.insert(name);
        return name;
    }
    const std::string& schema() const { return schema_; }

private:
    bool is_taken(const std::string& name) const {
        return given_.count(name) != 0 || OidIsValid(relation_id(schema_, name));
    }

    std::string schema_;
    Naming naming_;
    std::set<std::string> given_;
};

std::string attaching_sql(const Blueprint& blueprint, const std::string& schema, const std::string& name,
                          const std::string& bounds) {
    std::string attach = attach_sql(blueprint, schema, name, bounds);
    std::string after = after_attach_sql(blueprint, schema, name);
    return after.empty() ? attach : attach + ";\n" + after;
}

void count_moved(PlanStep& step, std::int64_t rows) {
    step.estimated_rows = static_cast<double>(rows);
    step.reason += rows == 1 ? std::string("; 1 row of the default partition moves into it")
                             : fmt::format("; {} rows of the default partition move into it", rows);
}

PlanStep creation_step(const KnownSet& known, const Blueprint& blueprint, const NewPartition& wanted, Names& names,
                       const DefaultState& state) {
    std::string name = names.next(wanted);
    PlanStep step;
    step.action = Action::create;
    step.parent_id = known.set.id;
    step.parent = known.set.qualified();
    step.object = base::qualified_name(names.schema(), name);
    step.lock_mode = state.exists ? "ACCESS EXCLUSIVE" : "SHARE UPDATE EXCLUSIVE";
    step.locked_relation = state.exists ? state.name : known.set.qualified();
    step.reason = wanted.reason;
    step.refusal = wanted.refusal.reason;
    std::string create = create_table_sql(blueprint, names.schema(), name);
    std::string attach = attaching_sql(blueprint, names.schema(), name, wanted.bounds);
    const std::string& rows = wanted.refusal.rows_in_the_way;
    if (rows.empty()) {
        step.sql = create + ";\n" + attach;
    } else if (step.refusal.empty()) {
        plan_move(step, known, state, rows, create, attach);
        count_moved(step, wanted.moved);
    } else {
        MoveByHand move = move_by_hand(known, state, rows, step.object, create, attach);
        step.sql = std::move(move.sql);
        if (move.needs_superuser)
            step.refusal += "; the SQL is for a superuser: triggers and foreign keys must not see the rows leave";
    }
    std::string left = publications_left(blueprint);
    if (!left.empty()) step.reason += "; " + left;
    step.bounds = wanted.bounds;
    return step;
}

void add_creations(const KnownSet& known, const Ask& ask, const DefaultState& state,
                   const std::vector<NewPartition>& wanted, const std::vector<Range>& ahead, Plan& plan) {
    Names names(known);
    Blueprint blueprint = read_blueprint(known.set, known.policy);
    GuardSteps guard;
    if (ask.in_worker) guard = guard_default(known, state, ahead);
    auto add = [&](bool is_ahead) {
        for (const NewPartition& partition : wanted) {
            if (partition.is_ahead != is_ahead) continue;
            plan.steps.push_back(creation_step(known, blueprint, partition, names, state));
            plan.steps.back().needs_guard = is_ahead && !guard.before.empty();
        }
    };
    // What is written to now is attached before the guard refuses anything.
    add(false);
    plan.steps.insert(plan.steps.end(), guard.before.begin(), guard.before.end());
    add(true);
    plan.steps.insert(plan.steps.end(), guard.after.begin(), guard.after.end());
}

// In the last of them, where whoever reads the plan arrives.
void say_cut_short(Plan& plan) {
    auto last = std::find_if(plan.steps.rbegin(), plan.steps.rend(),
                             [](const PlanStep& step) { return step.action == Action::create; });
    if (last != plan.steps.rend())
        last->reason += fmt::format("; the nearest {} are made, the next run goes on", kMaxCreatedPerRun);
}

void plan_ranges(const KnownSet& known, const Ask& ask, Plan& plan) {
    std::optional<Position> now = current_position(known, ask.now);
    if (!now) return;
    Missing missing = find_missing(known, periods_of(known, ask), kMaxCreatedPerRun, *now);
    DefaultState state;
    if (known.policy.on_demand) {
        state = look_at_default(known.set);
        if (state.has_rows) {
            add_demanded(known, state, find_missing(known, demand_periods(known.policy), kMaxPeriods, *now).ranges,
                         missing.ranges);
            plan_left(known, state, *now, plan);
        }
    }
    // The usual run finds nothing to do, and is not to pay for more than this.
    if (missing.ranges.empty() && !has_leftover_guard(known.set)) return;
    if (!known.policy.on_demand) state = look_at_default(known.set);
    if (state.has_leftover_guard) plan.steps.push_back(unguard_step(known, state, "left behind by an interrupted run"));
    if (missing.ranges.empty()) return;
    Naming naming = naming_of(known);
    Grid grid = known.grid();
    std::vector<NewPartition> wanted;
    std::vector<Range> ahead;
    for (const Range& range : missing.ranges) {
        wanted.push_back(wanted_range(known, grid, naming, state, range, *now));
        if (wanted.back().is_ahead && wanted.back().refusal.reason.empty()) ahead.push_back(range);
    }
    add_creations(known, ask, state, wanted, ahead, plan);
    if (missing.is_cut_short) say_cut_short(plan);
}

}  // namespace

void plan_creation(const KnownSet& known, const Ask& ask, Plan& plan) {
    plan_watch(known, plan);
    if (known.set.strategy == Strategy::range) return plan_ranges(known, ask, plan);
    std::vector<NewPartition> wanted;
    if (known.set.strategy == Strategy::hash)
        wanted = wanted_remainders(known);
    else if (known.policy.step)
        wanted = wanted_steps_of_list(known, ask, naming_of(known));
    else
        wanted = wanted_lists(known);
    DefaultState state;
    if (known.policy.on_demand || !wanted.empty()) state = look_at_default(known.set);
    if (known.policy.on_demand && state.has_rows)
        add_demanded_lists(known, state, wanted, plan);
    else
        for (NewPartition& partition : wanted) partition.refusal.rows_in_the_way.clear();
    if (!wanted.empty()) add_creations(known, ask, state, wanted, {}, plan);
}

}  // namespace steward::partition
