// SPDX-License-Identifier: PostgreSQL
#include "partition/execute_pg.hpp"

#include <chrono>

#include "base/text.hpp"
#include "partition/catalog_pg.hpp"
#include "partition/history_pg.hpp"
#include "partition/step_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/spi.hpp"
#include "pg/top_level.hpp"

namespace steward::partition {

int lock_timeout_ms = 500;

namespace {

constexpr int kLockAttempts = 6;
constexpr int kBusySteps = 3;  // postponed one after the other: the rest of the run leaves the table alone
constexpr std::size_t kBatchSteps = 50;
// Locks taken in one transaction are held to its end; a batch ends before anybody could notice.
constexpr double kBatchMs = 200;
// Phase one of a concurrent detach is over in a moment; phase two waits for all who use the table, blocking nobody.
constexpr int kDetachPatience = 20;

class Stopwatch {
public:
    double ms() const {
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count();
    }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// Grows from 50 ms to the setting, doubled at each attempt.
int attempt_timeout(int attempt) { return std::min(kMinLockTimeoutMs << attempt, lock_timeout_ms); }

void back_off(int attempt) {
    int pause = attempt_timeout(attempt);
    long jitter = static_cast<long>(pg::random_fraction() * pause * 1000);
    pg::check_interrupts();
    pg_usleep(pause * 500L + jitter);
    pg::check_interrupts();
}

bool is_lock_trouble(int sqlerrcode) {
    return sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

StepResult result_of(const PlanStep& step) {
    return {step.parent, std::string(action_name(step.action)), step.object, "done", step.reason, "", "", ""};
}

Oid owner_of(Oid relation) {
    return pg::call([&] {
        HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
        if (!HeapTupleIsValid(tuple)) return InvalidOid;
        Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
        ReleaseSysCache(tuple);
        return owner;
    });
}

// One step on its way through attempts to an outcome.
class Trial {
public:
    Trial(pg::Bounded bounded, const PlanStep& step, const Policy* policy, Oid acting_role, int attempts)
        : bounded_(bounded),
          step_(step),
          policy_(policy),
          acting_role_(acting_role),
          attempts_(attempts),
          result_(result_of(step)) {}

    StepResult run() {
        if (!step_.refusal.empty())
            refuse(step_.refusal);
        else if (step_.is_top_level)
            run_at_top_level();
        else
            run_with_retries();
        if (result_.outcome != "done") record();
        return result_;
    }

private:
    Oid owner() const {
        Oid target = step_.action == Action::drop || step_.action == Action::strip_foreign_keys ? step_.partition_id
                                                                                                : step_.parent_id;
        Oid role = owner_of(target);
        if (!OidIsValid(role)) throw Refused{fmt::format("{} does not exist any more", step_.object)};
        Oid acting = acting_role_;
        if (!pg::call([&] { return pg::is_owner_of_table(target, acting); }))
            throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "must be owner of table {}",
                              relation_name(target).qualified());
        return role;
    }

    void run_with_retries() {
        for (int attempt = 0;; ++attempt) {
            if (try_once(attempt_timeout(attempt))) return;
            if (result_.outcome != "postponed" || is_old_ || attempt + 1 >= attempts_) return;
            back_off(attempt);
            result_ = result_of(step_);
        }
    }

    // True when there is nothing more to try.
    bool try_once(int timeout) {
        auto error = guarded([&] {
            StepScope(owner(), timeout).run(step_, policy_, acting_role_);
            write_history({{result_, "", watch_.ms(), step_.sql}});
        });
        if (!error) return true;
        if (!is_lock_trouble(error->sqlerrcode)) {
            fail(*error);
            return true;
        }
        postpone(error->message);
        return false;
    }

    // Outcomes that are no errors roll the unit back as well, and are noted behind it.
    std::optional<pg::ErrorReport> guarded(const std::function<void()>& work) {
        std::optional<Refused> refused;
        std::optional<Vetoed> vetoed;
        std::optional<LockBusy> busy;
        auto error = pg::attempt(bounded_, [&] {
            try {
                work();
            } catch (const Refused& outcome) {
                refused = outcome;
                throw;
            } catch (const Vetoed& outcome) {
                vetoed = outcome;
                throw;
            } catch (const LockBusy& outcome) {
                busy = outcome;
                throw;
            }
        });
        if (!error) return error;
        if (refused) {
            refuse(refused->reason);
            return std::nullopt;
        }
        if (vetoed) {
            result_.outcome = "vetoed";
            result_.detail = fmt::format("function {} said no", vetoed->function);
            return std::nullopt;
        }
        if (busy) {
            is_old_ = true;
            error->sqlerrcode = ERRCODE_LOCK_NOT_AVAILABLE;
        }
        return error;
    }

    void run_at_top_level() {
        Oid role = InvalidOid;
        auto error = guarded([&] {
            role = owner();
            // Begun behind an old transaction it would only stand half done.
            if (step_.action == Action::detach) refuse_old_users();
            prepare_top_level(step_, role, policy_, acting_role_);
        });
        if (error && is_lock_trouble(error->sqlerrcode))
            postpone(error->message);
        else if (error)
            fail(*error);
        if (error || result_.outcome != "done") return;
        for (int attempt = 0; attempt < attempts_; ++attempt) {
            pg::set_session("lock_timeout", fmt::format("{}ms", kDetachPatience * lock_timeout_ms));
            error = pg::run_top_level(step_.sql, role);
            pg::set_session("lock_timeout", "0");
            if (!error || !is_lock_trouble(error->sqlerrcode)) break;
            if (step_.action == Action::detach && is_detach_pending()) {
                postpone("the detach has begun; the next run finalises it");
                return;
            }
            back_off(attempt);
        }
        if (error && step_.action == Action::detach)
            pg::attempt(bounded_, [&] { take_out_of_trash(step_.partition_id); });
        if (error && is_lock_trouble(error->sqlerrcode))
            postpone(error->message);
        else if (error)
            fail(*error);
        else
            finish_top_level();
    }

    void refuse_old_users() {
        auto users = pg::blockers(step_.parent_id, AccessExclusiveLock);
        if (!users.empty() && users.front().age_seconds > kOldTransactionSeconds)
            throw LockBusy{step_.parent_id, AccessExclusiveLock};
    }

    void finish_top_level() {
        auto error = pg::attempt(bounded_, [&] {
            if (policy_ != nullptr) start_grace(step_.partition_id, *policy_);
            write_history({{result_, "", watch_.ms(), step_.sql}});
        });
        if (error) fail(*error);
    }

    bool is_detach_pending() {
        bool pending = false;
        pg::attempt(bounded_, [&] {
            pending = !pg::query("SELECT 1 FROM pg_catalog.pg_inherits WHERE inhrelid OPERATOR(pg_catalog.=) $1 AND "
                                 "inhdetachpending",
                                 {pg::Parameter::oid(step_.partition_id)})
                           .empty();
        });
        return pending;
    }

    void fail(const pg::ErrorReport& error) {
        result_.outcome = "failed";
        result_.detail = error.message;
        result_.error_detail = error.detail;
        result_.sqlstate = error.sqlstate();
        result_.hint = error.hint;
    }

    void refuse(const std::string& reason) {
        result_.outcome = "refused";
        result_.detail = reason;
    }

    void postpone(const std::string& reason) {
        result_.outcome = "postponed";
        result_.sqlstate = "55P03";
        result_.detail = reason;
        pg::attempt(bounded_, [&] {
            auto found = pg::blockers(step_.parent_id, parent_lock_mode(step_));
            std::string where = step_.parent;
            if (found.empty()) {
                found = pg::blockers(relation_by_name(step_.locked_relation), AccessExclusiveLock);
                where = step_.locked_relation;
            }
            if (found.empty()) return;
            blocked_by_ = pg::describe(found.front());
            result_.detail = fmt::format("{} is locked by {}", where, blocked_by_);
        });
    }

    static Oid relation_by_name(const std::string& qualified) {
        auto rows = pg::query("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", {qualified});
        return rows.empty() ? InvalidOid : rows[0].oid(0);
    }

    void record() {
        pg::attempt(bounded_, [&] { write_history({{result_, blocked_by_, watch_.ms(), step_.sql}}); });
    }

    pg::Bounded bounded_;
    const PlanStep& step_;
    const Policy* policy_;
    Oid acting_role_;
    int attempts_;
    StepResult result_;
    std::string blocked_by_;
    bool is_old_ = false;
    Stopwatch watch_;
};

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
    for (std::size_t i = 0; i < plan.steps.size();) {
        pg::check_interrupts();
        const PlanStep& step = plan.steps[i];
        if (known != nullptr && known->set.default_id == 0 && step.action == Action::create) {
            std::size_t made = run_batch(*known, plan.steps, i);
            i += made;
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
        StepResult result = Trial(bounded_, step, policy, acting_role_, attempts).run();
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
