// SPDX-License-Identifier: PostgreSQL
#include "partition/create_pg.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "partition/blueprint_pg.hpp"
#include "partition/relation_pg.hpp"
#include "partition/default_pg.hpp"
#include "partition/demand.hpp"
#include "partition/demand_pg.hpp"
#include "partition/future.hpp"
#include "partition/naming.hpp"
#include "partition/period.hpp"
#include "partition/row_move_pg.hpp"
#include "partition/trash_pg.hpp"
#include "pg/guard.hpp"

namespace steward::partition {

namespace {

constexpr std::size_t kNamesLookedAt = 7;

struct NewPartition {
    std::string period;  // the part of the name behind the prefix
    std::string bounds;  // FROM ... TO, IN, WITH
    std::string reason;
    DefaultRefusal refusal;
    bool is_ahead = false;
    std::int64_t moved = 0;  // rows of the default partition that come with it
};

std::string child_schema(const KnownSet& known) {
    return known.policy.partition_schema.empty() ? known.set.schema : known.policy.partition_schema;
}

Naming naming_of(const KnownSet& known) {
    Naming naming;
    if (known.set.strategy == Strategy::range && known.policy.step) {
        std::vector<NamedRange> named;
        const auto& partitions = known.set.partitions;
        std::size_t first = partitions.size() > kNamesLookedAt ? partitions.size() - kNamesLookedAt : 0;
        for (std::size_t i = first; i < partitions.size(); ++i)
            if (partitions[i].range.lower.kind == Bound::Kind::value)
                named.push_back({relation_name(partitions[i].id).name, partitions[i].range.lower.position});
        if (auto inferred = infer_naming(known.policy.codec, known.grid(), named)) naming = *inferred;
    }
    if (!known.policy.name_prefix.empty()) naming.prefix = known.policy.name_prefix;
    if (naming.prefix.empty()) naming.prefix = known.set.name + "_";
    return naming;
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
    const Naming& naming() const { return naming_; }
    const std::string& schema() const { return schema_; }

private:
    bool is_taken(const std::string& name) const {
        return given_.count(name) != 0 || OidIsValid(relation_id(schema_, name));
    }

    std::string schema_;
    Naming naming_;
    std::set<std::string> given_;
};

int periods_of(const KnownSet& known, const Ask& ask) { return ask.periods.value_or(known.policy.future); }

// A number type ends somewhere: the last period before its end is open, what would begin behind it is none.
void end_with_type(const Codec& codec, std::vector<Range>& ranges, const base::Zone& zone) {
    if (codec.axis() != Axis::number && !has_whole_numbers(codec.kind)) return;
    std::vector<Range> kept;
    for (Range& range : ranges) {
        if (range.lower.literal.empty() && !encode(codec, range.lower.position, zone)) continue;
        if (range.upper.literal.empty() && range.upper.kind == Bound::Kind::value &&
            !encode(codec, range.upper.position, zone))
            range.upper.kind = Bound::Kind::maxvalue;
        kept.push_back(std::move(range));
    }
    ranges = std::move(kept);
}

Missing find_missing(const KnownSet& known, int periods, int limit, Position now) {
    std::vector<Range> existing;
    existing.reserve(known.set.partitions.size());
    for (const Partition& partition : known.set.partitions) existing.push_back(partition.range);
    auto find = [&](const std::vector<Range>& in_trash) {
        return missing_ranges(existing, in_trash, known.grid(), known.policy, now, periods,
                              static_cast<std::size_t>(limit));
    };
    Missing missing = find({});
    if (!missing.ranges.empty()) {
        std::vector<Range> in_trash = ranges_in_trash(known.set.id, known.policy.codec);
        if (!in_trash.empty()) missing = find(in_trash);
    }
    end_with_type(known.policy.codec, missing.ranges, known.zone());
    return missing;
}

// Rows in the way are why it is made, then.
void move_if_on_demand(const KnownSet& known, const DefaultState& state, NewPartition& partition) {
    std::string& condition = partition.refusal.rows_in_the_way;
    if (!known.policy.on_demand || condition.empty()) return;
    partition.refusal.reason = move_refusal(known, state, condition, partition.moved);
    if (partition.refusal.reason.empty() && partition.moved == 0) condition.clear();
}

NewPartition wanted_range(const KnownSet& known, const Grid& grid, const Naming& naming, const DefaultState& state,
                          const Range& range, Position now) {
    NewPartition partition;
    partition.period = period_text(known.policy.codec, grid, range.lower.position, naming);
    partition.bounds = "FOR VALUES " + range_clause(known, range);
    partition.refusal = refusal_by_default(known, state, range, now);
    bool is_past = range.upper.kind == Bound::Kind::value && range.upper.position <= now;
    bool is_ahead = range.lower.kind == Bound::Kind::value && range.lower.position > now;
    // Rows wait for it: it is made before the others are guarded.
    partition.is_ahead = is_ahead && !(known.policy.on_demand && !partition.refusal.rows_in_the_way.empty());
    move_if_on_demand(known, state, partition);
    partition.reason = is_ahead ? "a future period" : is_past ? "fills a gap" : "the current period";
    return partition;
}

std::vector<NewPartition> wanted_steps_of_list(const KnownSet& known, const Ask& ask, const Naming& naming) {
    std::vector<NewPartition> wanted;
    std::optional<Position> now = current_position(known, ask.now);
    if (!now) return wanted;
    Grid grid = known.grid();
    std::set<Position> have;
    for (const Partition& partition : known.set.partitions)
        for (const auto& value : partition.values)
            if (value)
                if (auto decoded = decode(known.policy.codec, *value)) have.insert(decoded->position);
    std::optional<std::int64_t> current = grid.index_of(*now);
    if (!current) return wanted;
    for (std::int64_t n = *current; n <= *current + periods_of(known, ask); ++n) {
        std::optional<Position> at = grid.begin(n);
        if (!at) break;
        if (have.count(*at) != 0) continue;
        wanted.push_back({period_text(known.policy.codec, grid, *at, naming),
                          fmt::format("FOR VALUES IN ({})", key_literal(known, *at)),
                          n == *current ? "the current value" : "a future value",
                          {},
                          n != *current});
    }
    return wanted;
}

std::string value_condition(const KnownSet& known, const std::string& list) {
    return fmt::format("{} IS NOT NULL AND {} IN ({})", known.set.key.first, known.set.key.first, list);
}

// One for each value that rows of the default partition have and no list of the policy.
void add_demanded_lists(const KnownSet& known, const DefaultState& state, std::vector<NewPartition>& wanted,
                        Plan& plan) {
    for (NewPartition& partition : wanted) move_if_on_demand(known, state, partition);
    for (const std::string& value : demanded_values(known, state, plan)) {
        std::string literal = base::quote_literal(value);
        NewPartition& partition = wanted.emplace_back();
        partition.period = value;
        partition.bounds = fmt::format("FOR VALUES IN ({})", literal);
        partition.reason = "a new value";
        partition.refusal.rows_in_the_way = value_condition(known, literal);
        move_if_on_demand(known, state, partition);
    }
}

std::vector<NewPartition> wanted_lists(const KnownSet& known) {
    std::set<std::string> have;
    for (const Partition& partition : known.set.partitions)
        for (const auto& value : partition.values)
            if (value) have.insert(*value);
    std::vector<NewPartition> wanted;
    for (const auto& [label, values] : known.policy.lists) {
        std::string list;
        for (const std::string& value : values)
            if (have.count(value) == 0) list += (list.empty() ? "" : ", ") + base::quote_literal(value);
        if (list.empty()) continue;
        wanted.push_back({label, fmt::format("FOR VALUES IN ({})", list), "a list without a partition", {}, false});
        if (known.policy.on_demand) wanted.back().refusal.rows_in_the_way = value_condition(known, list);
    }
    return wanted;
}

std::vector<NewPartition> wanted_remainders(const KnownSet& known) {
    std::vector<NewPartition> wanted;
    // Beside partitions of a larger modulus a missing remainder is told apart only by that.
    int modulus = known.policy.modulus;
    for (const Partition& have : known.set.partitions) modulus = std::max(modulus, have.modulus);
    for (int remainder = 0; remainder < modulus; ++remainder) {
        bool is_covered =
            std::any_of(known.set.partitions.begin(), known.set.partitions.end(), [&](const Partition& have) {
                return have.modulus > 0 && remainder % have.modulus == have.remainder;
            });
        if (!is_covered)
            wanted.push_back({fmt::format("{}", remainder),
                              fmt::format("FOR VALUES WITH (MODULUS {}, REMAINDER {})", modulus, remainder),
                              "rows of this remainder have no partition",
                              {},
                              false});
    }
    return wanted;
}

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

}  // namespace

namespace {

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
