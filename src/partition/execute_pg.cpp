// SPDX-License-Identifier: PostgreSQL
#include "partition/execute_pg.hpp"

#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/history_pg.hpp"
#include "partition/step_pg.hpp"
#include "partition/trial_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/memory.hpp"
#include "pg/spi.hpp"

namespace steward::partition {

int lock_timeout_ms = 500;

namespace {

constexpr int kBusySteps = 3;  // postponed one after the other: the rest of the run leaves the table alone
constexpr std::size_t kBatchSteps = 50;
// Locks taken in one transaction are held to its end; a batch ends before anybody could notice.
constexpr double kBatchMs = 200;
// A new partition stays in the worker's caches with 13 kB, though nobody will look at it there.
constexpr std::size_t kKnownAtOnce = 500;

}  // namespace

std::string StepResult::full_detail() const {
    return error_detail.empty() ? detail : fmt::format("{} ({})", detail, error_detail);
}

Executor::Executor(pg::Bounded bounded, Oid acting_role, StepSink sink)
    : bounded_(bounded), acting_role_(acting_role), sink_(std::move(sink)) {}

void Executor::run(const KnownSet& known, const Plan& plan) { run_steps(&known, plan); }

// Creations that nobody can be waiting for share a transaction: a batch of them costs one commit, one switch of the
// user and one row set of history.
std::size_t Executor::run_batch(const KnownSet& known, const std::vector<PlanStep>& steps, std::size_t first) {
    std::vector<HistoryRow> rows;
    auto error = pg::attempt(bounded_, [&] {
        Stopwatch batch;
        StepScope scope(known.set.owner, attempt_timeout(0));
        for (std::size_t i = first; i < steps.size() && i < first + kBatchSteps && batch.ms() < kBatchMs; ++i) {
            if (steps[i].action != Action::create || !steps[i].refusal.empty()) break;
            Stopwatch watch;
            scope.run(steps[i], &known.policy, acting_role_);
            rows.push_back({result_of(steps[i]), "", watch.ms(), steps[i].sql});
        }
        write_history(rows);
    });
    if (error) return 0;
    for (const HistoryRow& row : rows) sink_(row.result);
    return rows.size();
}

const Policy* Executor::policy_of(Oid parent) {
    auto found = policies_.find(parent);
    if (found == policies_.end()) {
        std::optional<Policy> read;
        pg::attempt(bounded_, [&] { read = read_policy(parent); });
        found = policies_.emplace(parent, std::move(read)).first;
    }
    return found->second ? &*found->second : nullptr;
}

void Executor::run_steps(const KnownSet* known, const Plan& plan) {
    // What could not leave its set is not moved, archived or dropped; what the guard was for is not attached without it.
    Oid given_up = InvalidOid;
    bool is_guarded = true;
    // A table found locked through all attempts is not waited for again and again: the next steps look once.
    std::map<std::string, int> busy;
    std::size_t made_since = 0;
    for (std::size_t i = 0; i < plan.steps.size();) {
        pg::check_interrupts();
        const PlanStep& step = plan.steps[i];
        if (known != nullptr && known->set.default_id == 0 && step.action == Action::create) {
            std::size_t made = run_batch(*known, plan.steps, i);
            i += made;
            made_since += made;
            if (bounded_ == pg::Bounded::transaction && made_since >= kKnownAtOnce) {
                pg::attempt(bounded_, [] { pg::forget_catalogs(); });
                made_since = 0;
            }
            if (made > 0) continue;
        }
        ++i;
        if (step.partition_id != 0 && step.partition_id == given_up && step.action != Action::unguard_default) continue;
        if (step.needs_guard && !is_guarded) {
            StepResult skipped = result_of(step);
            skipped.outcome = "postponed";
            skipped.detail = "the default partition could not be guarded";
            sink_(skipped);
            continue;
        }
        auto found = busy.find(step.locked_relation);
        if (found != busy.end() && found->second >= kBusySteps) {
            StepResult skipped = result_of(step);
            skipped.outcome = "postponed";
            skipped.sqlstate = "55P03";
            skipped.detail = fmt::format("{} is locked", step.locked_relation);
            sink_(skipped);
            continue;
        }
        const Policy* policy = known != nullptr ? &known->policy : policy_of(step.parent_id);
        int attempts = found == busy.end() ? kLockAttempts : 1;
        StepResult result = try_step(bounded_, step, policy, acting_role_, attempts);
        // One unfinished detach is all that the server allows a table.
        if (result.outcome == "postponed")
            busy[step.locked_relation] += step.is_top_level ? kBusySteps : 1;
        else
            busy.erase(step.locked_relation);
        if (result.outcome != "done") {
            if (step.partition_id != 0) given_up = step.partition_id;
            if (step.action == Action::guard_default || step.action == Action::validate_default) is_guarded = false;
        }
        sink_(result);
    }
}

void Executor::run_trash(const Plan& plan) { run_steps(nullptr, plan); }

void Executor::record_busy(Oid parent, const std::string& name, const pg::ErrorReport& error) {
    StepResult result{name, "plan", "", "postponed", error.message, error.sqlstate(), "", ""};
    std::string blocked_by;
    pg::attempt(bounded_, [&] {
        // The table itself, or a partition that had to be looked into.
        auto relations = pg::query("SELECT $1 UNION ALL SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent "
                                   "OPERATOR(pg_catalog.=) $1",
                                   {pg::Parameter::oid(parent)});
        for (const pg::Row& row : relations) {
            auto found = pg::blockers(row.oid(0), AccessShareLock);
            if (found.empty()) continue;
            blocked_by = pg::describe(found.front());
            result.detail = fmt::format("{} is locked by {}", relation_name(row.oid(0)).qualified(), blocked_by);
            return;
        }
    });
    pg::attempt(bounded_, [&] { write_history({{result, blocked_by, 0, ""}}); });
    sink_(result);
}

void Executor::record_failure(const std::string& parent, const pg::ErrorReport& error) {
    StepResult result{parent, "plan", "", "failed", error.message, error.sqlstate(), error.hint, error.detail};
    pg::attempt(bounded_, [&] { write_history({{result, "", 0, ""}}); });
    sink_(result);
}

}  // namespace steward::partition
