// SPDX-License-Identifier: PostgreSQL
#include "partition/retire_pg.hpp"

#include <set>

#include "base/text.hpp"
#include "partition/archive_pg.hpp"
#include "partition/relation_pg.hpp"
#include "partition/future.hpp"
#include "partition/move_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

struct RelationSize {
    double rows = 0;
    std::int64_t bytes = 0;
};

// By the catalogs: pg_partition_tree() would lock the whole tree to the end of the transaction.
RelationSize size_of(Oid relation) {
    auto rows = pg::query(
        "WITH RECURSIVE tree(id) AS (SELECT $1::oid UNION ALL SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent "
        "= id) "
        "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0), coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint "
        "FROM tree t JOIN pg_class c ON c.oid = t.id WHERE c.relkind <> 'p'",
        {pg::Parameter::oid(relation)});
    if (rows.empty()) return {};
    return {rows[0].real(0), rows[0].number(1)};
}

std::int64_t total_bytes(const PartitionSet& set) { return size_of(set.id).bytes; }

std::string bounds_of(Oid partition) {
    auto rows = pg::query("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = $1",
                          {pg::Parameter::oid(partition)});
    return rows.empty() ? std::string() : rows[0].text(0);
}

std::string retire_phrase(const Policy& policy) {
    switch (policy.retire) {
    case Retire::keep: return "it is kept as a table of its own";
    case Retire::schema: return fmt::format("it moves to schema {}", policy.retire_to);
    case Retire::tablespace: return fmt::format("it moves to tablespace {}", policy.retire_to);
    case Retire::archive:
        return fmt::format("it is archived to {} and dropped when the file is verified", policy.retire_to);
    case Retire::trash: break;
    }
    if (policy.grace == base::Interval{}) return "it is dropped at once";
    return fmt::format("it lies {} in the trash", base::format_interval(policy.grace));
}

std::string_view retire_risk(const Policy& policy) {
    switch (policy.retire) {
    case Retire::trash: return policy.grace == base::Interval{} ? "destroys data" : "hides rows, can be restored";
    case Retire::archive: return "moves rows to a file";
    default: return "hides rows, can be restored";
    }
}

bool can_detach_concurrently(const KnownSet& known, const Ask& ask) {
    return ask.in_worker && pg::has_detach_concurrently() && known.set.default_id == 0;
}

PlanStep retired_step(const KnownSet& known, Oid partition, Action action) {
    PlanStep step;
    step.action = action;
    step.parent_id = known.set.id;
    step.partition_id = partition;
    step.parent = known.set.qualified();
    step.object = relation_name(partition).qualified();
    return step;
}

PlanStep detach_step(const KnownSet& known, const Ask& ask, const Partition& partition, Position cut) {
    const Codec& codec = known.policy.codec;
    PlanStep step = retired_step(known, partition.id, Action::detach);
    bool concurrently = can_detach_concurrently(known, ask);
    step.sql = fmt::format("ALTER TABLE {} DETACH PARTITION {}{}", step.parent, step.object,
                           concurrently ? " CONCURRENTLY" : "");
    step.is_top_level = concurrently;
    step.lock_mode = concurrently ? "SHARE UPDATE EXCLUSIVE" : "ACCESS EXCLUSIVE";
    step.locked_relation = step.parent;
    RelationSize size = size_of(partition.id);
    step.estimated_rows = size.rows;
    step.estimated_bytes = size.bytes;
    step.bounds = bounds_of(partition.id);
    std::string end = format_position(codec, partition.range.upper.position, known.zone());
    if (known.set.strategy == Strategy::range) {
        if (partition.range.lower.kind == Bound::Kind::value)
            step.range_start = format_position(codec, partition.range.lower.position, known.zone());
        step.range_end = end;
    }
    step.reason = fmt::format("ends {}, not after the cut {}; {}", end, format_position(codec, cut, known.zone()),
                              retire_phrase(known.policy));
    step.risk = retire_risk(known.policy);
    step.guard_condition = newer_rows_condition(known, cut);
    return step;
}

PlanStep move_step(const KnownSet& known, const PlanStep& detach) {
    PlanStep step = retired_step(known, detach.partition_id, Action::move);
    step.sql = move_sql(known.policy, detach.partition_id);
    step.lock_mode = "ACCESS EXCLUSIVE";
    step.locked_relation = step.object;
    step.estimated_bytes = detach.estimated_bytes;
    step.reason = retire_phrase(known.policy);
    step.refusal = detach.refusal;
    return step;
}

// Its foreign keys go first, then the rows; the table is dropped in the transaction that verified the file.
void add_archive_steps(const KnownSet& known, const PlanStep& detach, Plan& plan) {
    add_drop_steps(detach, retire_phrase(known.policy), plan);
    PlanStep& step = plan.steps.back();
    RelationName name = relation_name(detach.partition_id);
    step.action = Action::archive;
    step.archive_path = fmt::format("{}/{}.{}.copy", known.policy.retire_to, name.schema, name.name);
    step.sql = archive_sql(step.object, step.archive_path);
    step.risk = "moves rows to a file";
}

struct Waiting {
    Oid partition;
    std::string bounds;
};

std::vector<Waiting> waiting_partitions(Oid parent, bool is_to_move) {
    AsExtensionOwner as_extension;
    std::vector<Waiting> waiting;
    for (const pg::Row& row : pg::query("SELECT t.partition::oid, t.bounds FROM steward.partition_trash t JOIN "
                                        "pg_class c ON c.oid = t.partition::oid "
                                        "WHERE t.parent::oid = $1 AND t.held_until IS NULL AND NOT c.relispartition "
                                        "AND (t.is_to_move OR NOT $2) ORDER BY t.retired_at, t.partition::oid",
                                        {pg::Parameter::oid(parent), is_to_move}))
        waiting.push_back({row.oid(0), row.text(1)});
    return waiting;
}

// Detached by a run that was killed, or hindered, before it could archive or move them.
void resume(const KnownSet& known, const std::string& refusal, Plan& plan) {
    const bool archives = known.policy.retire == Retire::archive;
    const bool moves = known.policy.retire == Retire::schema || known.policy.retire == Retire::tablespace;
    if (!archives && !moves) return;
    for (const Waiting& waiting : waiting_partitions(known.set.id, moves)) {
        PlanStep step = retired_step(known, waiting.partition, Action::archive);
        step.bounds = waiting.bounds;
        if (archives) {
            add_archive_steps(known, step, plan);
            continue;
        }
        step.estimated_bytes = size_of(waiting.partition).bytes;
        step.refusal = refusal;
        step = move_step(known, step);
        step.reason += ", which an earlier run could not finish";
        plan.steps.push_back(std::move(step));
    }
}

void add_retired(const KnownSet& known, const PlanStep& detach, Plan& plan) {
    plan.steps.push_back(detach);
    switch (known.policy.retire) {
    case Retire::schema:
    case Retire::tablespace: plan.steps.push_back(move_step(known, detach)); break;
    case Retire::archive: add_archive_steps(known, detach, plan); break;
    case Retire::trash:
        if (known.policy.grace == base::Interval{}) add_drop_steps(detach, "no time in the trash is asked for", plan);
        break;
    case Retire::keep: break;
    }
}

std::optional<Position> cut_of(const KnownSet& known, const Ask& ask, Position now) {
    if (ask.keep_periods) return retention_cut(known.grid(), now, *ask.keep_periods);
    return retention_cut(known.grid(), known.policy, now);
}

std::optional<Position> last_value(const Codec& codec, const Partition& partition) {
    std::optional<Position> last;
    for (const auto& value : partition.values) {
        if (!value) return std::nullopt;
        base::Result<Decoded> decoded = decode(codec, *value);
        if (!decoded) return std::nullopt;
        if (!last || decoded->position > *last) last = decoded->position;
    }
    return last;
}

// A list partition on a stepped key is past when the period of its last value is.
std::vector<Partition> as_ranges(const KnownSet& known, const Grid& grid) {
    std::vector<Partition> partitions = known.set.partitions;
    for (Partition& partition : partitions) {
        // What has no age stays: NULL, and a value that cannot be read.
        partition.range.upper.kind = Bound::Kind::maxvalue;
        std::optional<Position> last = last_value(known.policy.codec, partition);
        auto index = last ? grid.index_of(*last) : std::nullopt;
        if (auto end = index ? grid.begin(*index + 1) : std::nullopt) {
            partition.range.upper = Bound{};
            partition.range.upper.position = *end;
        }
    }
    return partitions;
}

// Restored by hand, and not to be taken away again at once.
std::set<Oid> held_partitions(const KnownSet& known, base::Instant now) {
    AsExtensionOwner as_extension;
    std::set<Oid> held;
    for (const pg::Row& row :
         pg::query("SELECT partition::oid FROM steward.partition_trash WHERE parent::oid = $1 AND held_until > $2",
                   {pg::Parameter::oid(known.set.id), pg::Parameter::timestamptz(pg::to_server(now))}))
        held.insert(row.oid(0));
    return held;
}

void limit_by_share(const KnownSet& known, Plan& plan, std::size_t first) {
    std::int64_t bytes = 0;
    for (std::size_t i = first; i < plan.steps.size(); ++i)
        if (plan.steps[i].action == Action::detach) bytes += plan.steps[i].estimated_bytes.value_or(0);
    std::int64_t total = total_bytes(known.set);
    if (total <= 0) return;
    double percent = 100.0 * static_cast<double>(bytes) / static_cast<double>(total);
    if (percent <= known.policy.max_drop_percent) return;
    for (std::size_t i = first; i < plan.steps.size(); ++i)
        plan.steps[i].refusal =
            fmt::format("retention would retire {:.0f} % of the table's bytes at once, more than max_drop_percent = "
                        "{:g}; if that is meant, "
                        "call drop_old_partitions({}) by hand",
                        percent, known.policy.max_drop_percent, base::quote_literal(plan.steps[i].parent));
}

}  // namespace

// Rows that must not be there if the cut is right. The partition's own bounds prove it for keys in their natural order,
// and the planner then answers without reading a page.
std::string newer_rows_condition(const KnownSet& known, Position cut) {
    const Key& key = known.set.key;
    if (known.policy.codec.kind == CodecKind::functions) {
        base::Instant at{static_cast<std::int64_t>(cut)};
        return fmt::format("{}({}) >= {}::timestamptz", known.policy.decode_function, key.first,
                           base::quote_literal(base::format_instant(at, base::utc())));
    }
    return fmt::format("{} >= {}::{}", key.first, key_literal(known, cut), key.type);
}

void add_drop_steps(const PlanStep& gone, const std::string& reason, Plan& plan) {
    PlanStep step = gone;
    step.is_top_level = false;
    step.guard_condition.clear();
    step.lock_mode = "ACCESS EXCLUSIVE";
    step.risk = "none";
    step.reason = reason;
    for (const pg::Row& row :
         pg::query("SELECT quote_ident(c.conname), n.nspname, r.relname FROM pg_constraint c "
                   "JOIN pg_class r ON r.oid = c.confrelid JOIN pg_namespace n ON n.oid = r.relnamespace "
                   "WHERE c.conrelid = $1 AND c.contype = 'f' ORDER BY c.conname",
                   {pg::Parameter::oid(gone.partition_id)})) {
        step.action = Action::strip_foreign_keys;
        step.sql = fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", gone.object, row.text(0));
        step.locked_relation = base::qualified_name(row.text(1), row.text(2));
        plan.steps.push_back(step);
    }
    step.action = Action::drop;
    step.sql = fmt::format("DROP TABLE {}", gone.object);
    step.locked_relation = gone.object;
    step.risk = "destroys data";
    plan.steps.push_back(step);
}

// Asked for by hand: that nothing can be old is an answer, not nothing to do.
void refuse_without_retention(const KnownSet& known, const Ask& ask) {
    if (!known.policy.step || known.set.strategy == Strategy::hash)
        throw pg::PgError(ERRCODE_FEATURE_NOT_SUPPORTED, "\"{}\" has no order in which partitions could be old",
                          known.set.qualified())
            .detail("Retention works on range partitions, and on list partitions over a stepped key.");
    if (!ask.keep_periods && !known.policy.keep && !known.policy.keep_width)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "no retention is set for \"{}\"", known.set.qualified())
            .hint("Say how many periods to keep, or set a policy: SELECT steward.manage_partitions({}, keep => '12 "
                  "months').",
                  base::quote_literal(known.set.qualified()));
}

void plan_retention(const KnownSet& known, const Ask& ask, Plan& plan) {
    if (!ask.is_automatic) refuse_without_retention(known, ask);
    if (!known.policy.step || known.set.strategy == Strategy::hash) return;
    const std::string refusal = move_refusal(known);
    resume(known, refusal, plan);
    if (!ask.keep_periods && !known.policy.keep && !known.policy.keep_width) return;
    std::optional<Position> now = current_position(known, ask.now);
    std::optional<Position> cut = now ? cut_of(known, ask, *now) : std::nullopt;
    if (!cut) return;
    std::vector<Partition> ranges;
    if (known.set.strategy == Strategy::list) ranges = as_ranges(known, known.grid());
    const std::vector<Partition>& partitions = known.set.strategy == Strategy::list ? ranges : known.set.partitions;
    std::vector<std::size_t> past = past_partitions(partitions, *cut);
    if (past.empty()) return;
    std::set<Oid> held;
    if (ask.is_automatic) held = held_partitions(known, ask.now);
    std::size_t first = plan.steps.size();
    for (std::size_t index : past) {
        if (held.count(partitions[index].id) != 0) continue;
        PlanStep detach = detach_step(known, ask, partitions[index], *cut);
        detach.refusal = refusal;
        add_retired(known, detach, plan);
    }
    if (ask.is_automatic) limit_by_share(known, plan, first);
}

}  // namespace steward::partition
