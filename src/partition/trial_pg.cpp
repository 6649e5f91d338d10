// SPDX-License-Identifier: PostgreSQL
#include "partition/trial_pg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/history_pg.hpp"
#include "partition/step_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/spi.hpp"
#include "pg/top_level.hpp"

namespace steward::partition {

namespace {

// Phase one of a concurrent detach is over in a moment; phase two waits for all who use the table, blocking nobody.
constexpr int kDetachPatience = 20;

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

// Done to a table of its own, also where its parent is gone.
bool is_of_partition(Action action) {
    switch (action) {
    case Action::strip_foreign_keys:
    case Action::drop:
    case Action::start_grace:
    case Action::forget: return true;
    default: return false;
    }
}

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
        Oid target = is_of_partition(step_.action) ? step_.partition_id : step_.parent_id;
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
            start_grace(step_.partition_id);
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

int attempt_timeout(int attempt) { return std::min(kMinLockTimeoutMs << attempt, lock_timeout_ms); }

StepResult result_of(const PlanStep& step) {
    return {step.parent, std::string(action_name(step.action)), step.object, "done", step.reason, "", "", ""};
}

StepResult try_step(pg::Bounded bounded, const PlanStep& step, const Policy* policy, Oid acting_role, int attempts) {
    return Trial(bounded, step, policy, acting_role, attempts).run();
}

}  // namespace steward::partition
