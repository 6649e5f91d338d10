// SPDX-License-Identifier: PostgreSQL
#include "partition/default_pg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/plan_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace steward::partition {

namespace {

// Rows of the default in [lower, upper) of the first key column.
std::string range_condition(const KnownSet& known, const Range& range) {
    const Key& key = known.set.key;
    std::string condition = fmt::format("{} IS NOT NULL", key.first);
    auto compare = [&](const char* op, const Bound& bound) {
        if (bound.kind == Bound::Kind::value)
            condition += fmt::format(" AND {} {} {}::{}", key.first, op,
                                     key.columns == 1 && !bound.literal.empty() ? bound.literal
                                                                                : key_literal(known, bound.position),
                                     key.type);
    };
    compare(">=", range.lower);
    compare("<", range.upper);
    return condition;
}

bool has_row(const DefaultState& state, const std::string& condition) {
    return !pg::query(fmt::format("SELECT 1 FROM {} WHERE {} LIMIT 1", state.name, condition)).empty();
}

PlanStep default_step(const KnownSet& known, const DefaultState& state, Action action) {
    PlanStep step;
    step.action = action;
    step.parent_id = known.set.id;
    step.partition_id = known.set.default_id;
    step.parent = known.set.qualified();
    step.object = state.name;
    step.locked_relation = state.name;
    step.lock_mode = "ACCESS EXCLUSIVE";
    return step;
}

}  // namespace

bool has_leftover_guard(const PartitionSet& set) {
    if (set.default_id == 0) return false;
    return pg::call([&] { return OidIsValid(get_relation_constraint_oid(set.default_id, kGuardConstraint, true)); });
}

DefaultState look_at_default(const PartitionSet& set) {
    DefaultState state;
    if (set.default_id == 0) return state;
    state.exists = true;
    state.name = relation_name(set.default_id).qualified();
    state.has_rows = !pg::query(fmt::format("SELECT 1 FROM {} LIMIT 1", state.name)).empty();
    state.has_leftover_guard = has_leftover_guard(set);
    auto rows =
        pg::query("WITH RECURSIVE tree(id) AS (SELECT $1::oid UNION ALL SELECT inhrelid FROM pg_inherits JOIN tree ON "
                  "inhparent = id) "
                  "SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::bigint / current_setting('block_size')::int "
                  "FROM tree t JOIN pg_class c ON c.oid = t.id WHERE c.relkind <> 'p'",
                  {pg::Parameter::oid(set.default_id)});
    state.pages = rows[0].number(0);
    return state;
}

bool has_rows_of(const KnownSet& known, const DefaultState& state, const Range& range) {
    return has_row(state, range_condition(known, range));
}

DefaultRefusal refusal_by_default(const KnownSet& known, const DefaultState& state, const Range& range, Position now) {
    if (!state.has_rows) return {};
    std::string condition = range_condition(known, range);
    if (has_row(state, condition))
        return {
            fmt::format("default partition {} holds rows of this range, which stop its attachment; the step's SQL in "
                        "steward.partition_plan() moves them in one transaction",
                        state.name),
            condition};
    bool is_ahead = range.lower.kind == Bound::Kind::value && range.lower.position > now;
    if (!is_ahead && state.pages > kSmallDefaultPages)
        return {
            fmt::format(
                "default partition {} has {} pages, and attaching a range that may be written to now would scan them "
                "under ACCESS EXCLUSIVE; run the step's SQL from steward.partition_plan() in a quiet hour",
                state.name, state.pages),
            ""};
    return {};
}

namespace {

// Rows in none of the ranges; ranges that touch make one condition.
std::string outside_condition(const KnownSet& known, std::vector<Range> ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return before(a.lower, b.lower); });
    const Key& key = known.set.key;
    std::string condition;
    for (std::size_t i = 0; i < ranges.size();) {
        std::size_t last = i;
        while (last + 1 < ranges.size() && ranges[last].upper.position == ranges[last + 1].lower.position) ++last;
        condition += fmt::format("{}({} IS NULL OR {} < {}::{} OR {} >= {}::{})", condition.empty() ? "" : " AND ",
                                 key.first, key.first, key_literal(known, ranges[i].lower.position), key.type,
                                 key.first, key_literal(known, ranges[last].upper.position), key.type);
        i = last + 1;
    }
    return condition;
}

}  // namespace

GuardSteps guard_default(const KnownSet& known, const DefaultState& state, const std::vector<Range>& ranges) {
    GuardSteps steps;
    if (!state.has_rows || state.pages <= kSmallDefaultPages || ranges.empty()) return steps;
    PlanStep guard = default_step(known, state, Action::guard_default);
    guard.sql = fmt::format("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({}) NOT VALID", state.name, kGuardConstraint,
                            outside_condition(known, ranges));
    guard.reason =
        fmt::format("lets ATTACH skip the scan of {} pages; until the partitions are attached, rows of these "
                    "future ranges are refused",
                    state.pages);
    guard.risk = "refuses rows";
    PlanStep validate = default_step(known, state, Action::validate_default);
    validate.sql = fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT {}", state.name, kGuardConstraint);
    validate.lock_mode = "SHARE UPDATE EXCLUSIVE";
    validate.reason = "scans the default partition without blocking readers or writers";
    steps.before = {guard, validate};
    steps.after = {unguard_step(known, state, "the partitions are attached")};
    return steps;
}

PlanStep unguard_step(const KnownSet& known, const DefaultState& state, std::string reason) {
    PlanStep step = default_step(known, state, Action::unguard_default);
    step.sql = fmt::format("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}", state.name, kGuardConstraint);
    step.reason = std::move(reason);
    return step;
}

}  // namespace steward::partition
