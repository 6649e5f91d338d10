// SPDX-License-Identifier: PostgreSQL
#include "partition/step_pg.hpp"

#include "base/text.hpp"
#include "partition/archive_pg.hpp"
#include "partition/history_pg.hpp"
#include "partition/row_move_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/spi.hpp"

namespace steward::partition {

namespace {

// Polling takes nobody's place in the queue; after that the statement itself queues for lock_timeout.
constexpr int kPoliteMs = 40;

// A hook is the owner's function (parent regclass, partition text, bounds text) returning boolean.
bool ask_hook(const std::string& function, const PlanStep& step) {
    if (function.empty()) return true;
    auto rows = pg::query(fmt::format("SELECT {}($1::oid::regclass, $2, $3)", function),
                          {pg::Parameter::oid(step.parent_id), step.object, step.bounds});
    return rows.empty() || rows[0].is_null(0) || rows[0].truth(0);
}

const std::string& hook_before(const PlanStep& step, const Policy& policy) {
    static const std::string* const none = new std::string();
    if (step.action == Action::create) return policy.before_create;
    if (step.action == Action::detach) return policy.before_drop;
    return *none;
}

const std::string& hook_after(const PlanStep& step, const Policy& policy) {
    static const std::string* const none = new std::string();
    if (step.action == Action::create) return policy.after_create;
    if (step.action == Action::drop || step.action == Action::archive) return policy.after_drop;
    return *none;
}

void refuse_newer_rows(const PlanStep& step) {
    if (step.guard_condition.empty()) return;
    pg::set_local("constraint_exclusion", "on");
    auto rows = pg::query(fmt::format("SELECT 1 FROM {} WHERE {} LIMIT 1", step.object, step.guard_condition));
    if (!rows.empty())
        throw Refused{fmt::format("partition {} holds rows newer than the retention cut ({})", step.object,
                                  step.guard_condition)};
}

// Rows elsewhere that point into the partition: found without a lock, named, and left alone.
void refuse_referenced(const PlanStep& step) {
    auto keys =
        pg::query("SELECT quote_ident(c.conname), c.conrelid::regclass::text, "
                  "(SELECT string_agg(format('r.%I = p.%I', ra.attname, pa.attname), ' AND ' ORDER BY k.n) "
                  " FROM unnest(c.conkey, c.confkey) WITH ORDINALITY k(r, p, n) "
                  " JOIN pg_attribute ra ON ra.attrelid = c.conrelid AND ra.attnum = k.r "
                  " JOIN pg_attribute pa ON pa.attrelid = c.confrelid AND pa.attnum = k.p) "
                  "FROM pg_constraint c WHERE c.confrelid IN ($1, $2) AND c.contype = 'f' AND c.conparentid = 0 "
                  "AND has_table_privilege(c.conrelid, 'SELECT') ORDER BY 2, 1",
                  {pg::Parameter::oid(step.parent_id), pg::Parameter::oid(step.partition_id)});
    for (const pg::Row& key : keys) {
        auto rows = pg::query(fmt::format("SELECT 1 FROM {} p WHERE EXISTS (SELECT FROM {} r WHERE {}) LIMIT 1",
                                          step.object, key.text(1), key.text(2)));
        if (!rows.empty())
            throw Refused{fmt::format("rows of {} still reference partition {} by foreign key {}", key.text(1),
                                      step.object, key.text(0))};
    }
}

// Rows of our own tables, which are not the owner's to write: keep_books() does what the step's SQL says.
bool is_bookkeeping(Action action) { return action == Action::start_grace || action == Action::forget; }

void check_before(const PlanStep& step, const Policy* policy) {
    if (step.action == Action::drop || step.action == Action::archive) {
        auto rows =
            pg::query("SELECT relispartition FROM pg_class WHERE oid = $1", {pg::Parameter::oid(step.partition_id)});
        if (rows.empty() || rows[0].truth(0))
            throw Refused{fmt::format("{} is attached to a table again", step.object)};
    }
    if (step.action == Action::detach) {
        refuse_newer_rows(step);
        refuse_referenced(step);
    }
    if (policy == nullptr) return;
    const std::string& hook = hook_before(step, *policy);
    if (!ask_hook(hook, step)) throw Vetoed{hook};
}

void keep_books(const PlanStep& step, const Policy* policy, Oid acting_role) {
    if (step.action == Action::detach && policy != nullptr) put_in_trash(step, *policy, acting_role);
    if (step.action == Action::finalize_detach && !step.is_top_level) start_grace(step.partition_id);
    if (step.action == Action::start_grace) start_grace(step.partition_id);
    if (step.action == Action::move) note_moved(step.partition_id);
    if (step.action == Action::drop || step.action == Action::archive || step.action == Action::forget)
        take_out_of_trash(step.partition_id);
}

}  // namespace

void lock_table(Oid table, LOCKMODE mode) {
    if (pg::lock_politely(table, mode, kPoliteMs)) return;
    auto in_the_way = pg::blockers(table, mode);
    // Behind an old transaction we would only hold up everybody who comes after us.
    if (!in_the_way.empty() && in_the_way.front().age_seconds > kOldTransactionSeconds) throw LockBusy{table, mode};
    pg::call([&] { LockRelationOid(table, mode); });
}

LOCKMODE parent_lock_mode(const PlanStep& step) {
    switch (step.action) {
    case Action::create:
    case Action::restore: return ShareUpdateExclusiveLock;
    case Action::detach: return step.is_top_level ? ShareUpdateExclusiveLock : AccessExclusiveLock;
    case Action::finalize_detach: return ShareUpdateExclusiveLock;
    // ALTER TABLE on the default takes its lock there only; the parent is held so that others come in the same order.
    case Action::guard_default:
    case Action::validate_default:
    case Action::unguard_default:
    case Action::watch_default:
    case Action::unwatch_default: return ShareUpdateExclusiveLock;
    default: return NoLock;
    }
}

StepScope::StepScope(Oid owner, int lock_timeout) : as_owner_(owner) {
    pg::set_local("lock_timeout", fmt::format("{}ms", lock_timeout));
}

void StepScope::run(const PlanStep& step, const Policy* policy, Oid acting_role) {
    check_before(step, policy);
    if (LOCKMODE mode = parent_lock_mode(step); mode != NoLock) lock_table(step.parent_id, mode);
    if (step.action == Action::archive)
        archive(step);
    else if (step.move)
        move_rows(step);
    else if (!is_bookkeeping(step.action))
        pg::execute(step.sql);
    keep_books(step, policy, acting_role);
    if (policy != nullptr) ask_hook(hook_after(step, *policy), step);
}

void prepare_top_level(const PlanStep& step, Oid owner, const Policy* policy, Oid acting_role) {
    pg::AsOwner as_owner(owner);
    check_before(step, policy);
    keep_books(step, policy, acting_role);
}

}  // namespace steward::partition
