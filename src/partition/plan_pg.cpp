// SPDX-License-Identifier: PostgreSQL
#include "partition/plan_pg.hpp"

#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/create_pg.hpp"
#include "partition/retire_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

void plan_finalize(const KnownSet& known, const Ask& ask, Plan& plan) {
    if (!known.set.has_pending_detach) return;
    auto rows = pg::query("SELECT inhrelid FROM pg_inherits WHERE inhparent = $1 AND inhdetachpending",
                          {pg::Parameter::oid(known.set.id)});
    for (const pg::Row& row : rows) {
        PlanStep step;
        step.action = Action::finalize_detach;
        step.parent_id = known.set.id;
        step.partition_id = row.oid(0);
        step.parent = known.set.qualified();
        step.object = relation_name(step.partition_id).qualified();
        step.sql = fmt::format("ALTER TABLE {} DETACH PARTITION {} FINALIZE", step.parent, step.object);
        step.lock_mode = "SHARE UPDATE EXCLUSIVE";
        step.locked_relation = step.parent;
        step.reason = "an earlier DETACH CONCURRENTLY was interrupted";
        step.risk = "hides rows, can be restored";
        step.is_top_level = ask.in_worker;
        plan.steps.push_back(step);
    }
}

struct TrashRow {
    Oid partition;
    Oid parent;
    std::string bounds;
    std::string drop_after;
};

std::vector<TrashRow> trash_due(Oid parent, base::Instant now) {
    AsExtensionOwner as_extension;
    std::vector<TrashRow> due;
    for (const pg::Row& row :
         pg::query("SELECT t.partition::oid, t.parent::oid, t.bounds, t.drop_after::text "
                   "FROM steward.partition_trash t JOIN pg_class c ON c.oid = t.partition::oid "
                   "WHERE t.drop_after <= $1 AND NOT c.relispartition "
                   "AND ($2 = 0::oid OR t.parent::oid = $2) ORDER BY t.drop_after, t.partition::oid",
                   {pg::Parameter::timestamptz(pg::to_server(now)), pg::Parameter::oid(parent)}))
        due.push_back({row.oid(0), row.oid(1), row.text(2), row.text(3)});
    return due;
}

// A row is written a moment before its partition leaves; after a day nobody is at that any more.
constexpr char kLeftBehind[] = "t.retired_at < $1 - interval '1 day'";

// What a row of the trash lacks, or has too much, when the worker that wrote it was killed or somebody attached the
// partition by hand. Without this the one would never be dropped, and the other at once, were it detached by hand again.
void plan_books(Oid parent, base::Instant now, Plan& plan) {
    std::vector<PlanStep> steps;
    {
        AsExtensionOwner as_extension;
        std::string sql =
            fmt::format("SELECT t.partition::oid, t.parent::oid, c.relispartition FROM steward.partition_trash t "
                        "JOIN pg_class c ON c.oid = t.partition::oid "
                        "LEFT JOIN pg_inherits i ON i.inhrelid = c.oid "
                        "WHERE t.held_until IS NULL AND ($2 = 0::oid OR t.parent::oid = $2) AND CASE "
                        "WHEN i.inhrelid IS NULL THEN t.drop_after IS NULL AND t.grace IS NOT NULL "
                        "ELSE {} AND {} END ORDER BY t.retired_at, t.partition::oid",
                        pg::has_detach_concurrently() ? "NOT i.inhdetachpending" : "true", kLeftBehind);
        for (const pg::Row& row :
             pg::query(sql, {pg::Parameter::timestamptz(pg::to_server(now)), pg::Parameter::oid(parent)})) {
            PlanStep step;
            step.action = row.truth(2) ? Action::forget : Action::start_grace;
            step.partition_id = row.oid(0);
            step.parent_id = row.oid(1);
            steps.push_back(std::move(step));
        }
    }
    for (PlanStep& step : steps) {
        step.parent = relation_name(step.parent_id).qualified();
        step.object = relation_name(step.partition_id).qualified();
        step.lock_mode = "ROW EXCLUSIVE";
        step.locked_relation = "steward.partition_trash";
        bool is_out = step.action == Action::start_grace;
        step.reason = is_out ? "it has left the table, and nobody noted when it may be dropped"
                             : "it is attached again, and not by steward.restore_partition()";
        step.sql = is_out ? "UPDATE steward.partition_trash SET retired_at = now(), drop_after = now() + grace"
                          : "DELETE FROM steward.partition_trash";
        step.sql += fmt::format(" WHERE partition = {}::regclass", base::quote_literal(step.object));
        plan.steps.push_back(std::move(step));
    }
}

}  // namespace

Plan plan_set(const KnownSet& stored, const Ask& ask) {
    Plan plan;
    pg::AsOwner as_owner(stored.set.owner);
    std::optional<KnownSet> completed;
    if (stored.set.undecoded) read_bounds(completed.emplace(stored));
    const KnownSet& known = completed ? *completed : stored;
    if (ask.retention) plan_finalize(known, ask, plan);
    if (ask.future) plan_creation(known, ask, plan);
    if (ask.retention) plan_retention(known, ask, plan);
    return plan;
}

Plan plan_trash(Oid parent, base::Instant now) {
    Plan plan;
    pg::SafePath path;
    plan_books(parent, now, plan);
    for (const TrashRow& row : trash_due(parent, now)) {
        PlanStep gone;
        gone.parent_id = row.parent;
        gone.partition_id = row.partition;
        gone.parent = relation_name(row.parent).qualified();
        gone.object = relation_name(row.partition).qualified();
        gone.bounds = row.bounds;
        auto size = pg::query("SELECT greatest(reltuples, 0), pg_total_relation_size(oid) FROM pg_class WHERE oid = $1",
                              {pg::Parameter::oid(row.partition)});
        if (!size.empty()) {
            gone.estimated_rows = size[0].real(0);
            gone.estimated_bytes = size[0].number(1);
        }
        add_drop_steps(gone, fmt::format("its time in the trash ended {}", row.drop_after), plan);
    }
    return plan;
}

}  // namespace steward::partition
