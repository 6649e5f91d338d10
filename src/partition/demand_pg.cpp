// SPDX-License-Identifier: PostgreSQL
#include "partition/demand_pg.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/demand.hpp"
#include "partition/execute_pg.hpp"
#include "partition/future.hpp"
#include "partition/plan_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace steward::partition {

namespace {

// The rest comes with the next run.
constexpr std::size_t kDemandedPerRun = 50;

bool is_watched(Oid table) {
    return pg::call([&] { return OidIsValid(get_trigger_oid(table, kWatchTrigger, true)); });
}

PlanStep step_on_default(const KnownSet& known, Action action) {
    PlanStep step;
    step.action = action;
    step.parent_id = known.set.id;
    step.parent = known.set.qualified();
    step.object = relation_name(known.set.default_id).qualified();
    step.locked_relation = step.object;
    return step;
}

void leave(const KnownSet& known, std::string why, Plan& plan) {
    PlanStep step = step_on_default(known, Action::leave_in_default);
    step.lock_mode = "NONE";
    step.refusal = std::move(why);
    plan.steps.push_back(std::move(step));
}

std::string shown(const KnownSet& known, Position position) {
    return format_position(known.policy.codec, position, known.zone());
}

}  // namespace

void plan_watch(const KnownSet& known, Plan& plan) {
    if (known.set.default_id == 0) return;
    bool is_wanted = known.policy.on_demand;
    if (is_watched(known.set.default_id) == is_wanted) return;
    PlanStep step = step_on_default(known, is_wanted ? Action::watch_default : Action::unwatch_default);
    step.lock_mode = is_wanted ? "SHARE ROW EXCLUSIVE" : "ACCESS EXCLUSIVE";
    step.reason = is_wanted ? "rows that go to the default partition ask for the partition they belong to"
                            : "partitions are not made on demand any more";
    // Dropping the extension takes the trigger with it.
    step.sql = is_wanted
                   ? fmt::format("CREATE TRIGGER {} AFTER INSERT ON {} FOR EACH ROW WHEN (steward.note_default_hit("
                                 "NEW.tableoid)) EXECUTE FUNCTION steward.default_hit();\n"
                                 "ALTER TRIGGER {} ON {} DEPENDS ON EXTENSION pg_steward",
                                 kWatchTrigger, step.object, kWatchTrigger, step.object)
                   : fmt::format("DROP TRIGGER {} ON {}", kWatchTrigger, step.object);
    plan.steps.push_back(std::move(step));
}

void add_demanded(const KnownSet& known, const DefaultState& state, std::vector<Range> reach,
                  std::vector<Range>& missing) {
    std::sort(reach.begin(), reach.end(), [](const Range& a, const Range& b) { return before(a.lower, b.lower); });
    std::set<Position> wanted;
    for (const Range& range : missing) wanted.insert(range.lower.position);
    auto has_rows = [&](std::size_t first, std::size_t last) {
        return has_rows_of(known, state, {reach[first].lower, reach[last].upper});
    };
    for (std::size_t piece : filled_pieces(reach.size(), has_rows, kDemandedPerRun))
        if (wanted.count(reach[piece].lower.position) == 0) missing.push_back(reach[piece]);
}

void plan_left(const KnownSet& known, const DefaultState& state, Position now, Plan& plan) {
    std::vector<Range> existing;
    existing.reserve(known.set.partitions.size());
    for (const Partition& partition : known.set.partitions) existing.push_back(partition.range);
    Grid grid = known.grid();
    Bound open;
    open.kind = Bound::Kind::minvalue;
    Bound begin;
    begin.position = begin_of_past(existing, grid, known.policy, now);
    if (has_rows_of(known, state, {open, begin}))
        leave(known,
              fmt::format("rows before {} stay in the default partition: no partition reaches so far back (option "
                          "\"start\" covers what lies there)",
                          shown(known, begin.position)),
              plan);
    Bound end;
    std::optional<Position> last = end_of_future(grid, known.policy, now, demand_periods(known.policy));
    if (!last) return;
    end.position = *last;
    open.kind = Bound::Kind::maxvalue;
    bool is_limited = known.policy.max_ahead && grid.axis() != Axis::number;
    if (has_rows_of(known, state, {end, open}))
        leave(known,
              fmt::format("rows from {} on stay in the default partition: farther ahead than {}", shown(known, *last),
                          is_limited ? std::string("\"max_ahead\" allows")
                                     : fmt::format("{} periods", demand_periods(known.policy))),
              plan);
}

std::vector<std::string> demanded_values(const KnownSet& known, const DefaultState& state, Plan& plan) {
    std::set<std::string> have;
    for (const Partition& partition : known.set.partitions)
        for (const auto& value : partition.values)
            if (value) have.insert(*value);
    for (const auto& [label, values] : known.policy.lists) have.insert(values.begin(), values.end());
    std::vector<std::string> values;
    const std::string& key = known.set.key.first;
    for (const pg::Row& row : pg::query(
             fmt::format("SELECT DISTINCT ({})::text FROM {} WHERE {} IS NOT NULL ORDER BY 1", key, state.name, key))) {
        if (have.count(row.text(0)) != 0) continue;
        if (known.set.partitions.size() + values.size() >= kMaxDemandedLists) {
            leave(known,
                  fmt::format(
                      "rows of value {} and others stay in the default partition: more than {} lists are not made "
                      "on demand",
                      base::quote_literal(row.text(0)), kMaxDemandedLists),
                  plan);
            break;
        }
        if (values.size() == kDemandedPerRun) break;
        values.push_back(row.text(0));
    }
    return values;
}

void unwatch(const PartitionSet& set) {
    if (set.default_id == 0 || !is_watched(set.default_id)) return;
    pg::AsOwner as_owner(set.owner);
    pg::set_local("lock_timeout", fmt::format("{}ms", lock_timeout_ms));
    pg::execute(fmt::format("DROP TRIGGER {} ON {}", kWatchTrigger, relation_name(set.default_id).qualified()));
}

bool is_on_demand(Oid parent) {
    auto policy = read_policy(parent);
    return policy && policy->on_demand;
}

}  // namespace steward::partition
