// SPDX-License-Identifier: PostgreSQL
#include "partition/maintain_pg.hpp"

#include <algorithm>
#include <set>

#include "base/pack.hpp"
#include "partition/catalog_pg.hpp"
#include "partition/order.hpp"
#include "partition/pace_pg.hpp"
#include "partition/plan_pg.hpp"
#include "partition/stats_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/script.hpp"
#include "pg/spi.hpp"
#include "pg/worker.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

constexpr int kMutexPatienceMs = 2000;
constexpr int kSlotPatienceMs = 5000;
constexpr int kSlotPollMs = 100;
constexpr std::int64_t kLocksOfTable = 3;  // itself, its TOAST table and the index of that

bool owns(Oid role, Oid relation) {
    return pg::call([&] {
        return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)) && pg::is_owner_of_table(relation, role);
    });
}

Ask ask_for(const Request& request, bool in_worker) {
    Ask ask;
    ask.future = request.kind != Request::Kind::retention;
    ask.retention = request.kind != Request::Kind::future;
    (request.kind == Request::Kind::retention ? ask.keep_periods : ask.periods) = request.periods;
    ask.is_automatic = request.kind == Request::Kind::everything;
    ask.in_worker = in_worker;
    ask.now = pg::now();
    return ask;
}

std::vector<Reference> references_between_tables() {
    pg::SafePath path;
    std::vector<Reference> references;
    for (const pg::Row& row :
         pg::query("SELECT DISTINCT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conparentid = 0"))
        references.push_back({row.oid(0), row.oid(1)});
    return references;
}

// Whoever only looks waits for nobody for long: a lock in the way ends the look with 55P03. Until the (sub)transaction ends.
void look_briefly() { pg::set_local("lock_timeout", fmt::format("{}ms", lock_timeout_ms)); }

// One maintenance at a time works on a set; whoever finds it taken for long leaves it to the other.
class SetMutex {
public:
    SetMutex(Oid parent, pg::Bounded bounded) : is_session_(bounded == pg::Bounded::transaction) {
        SET_LOCKTAG_OBJECT(tag_, MyDatabaseId, RelationRelationId, parent, 0);
        // As an advisory lock is: a failed step of ours would let go of the server's own kind.
        tag_.locktag_lockmethodid = USER_LOCKMETHOD;
        is_mine_ = pg::lock_tag_politely(tag_, is_session_, kMutexPatienceMs);
    }
    ~SetMutex() {
        if (is_mine_ && is_session_) LockRelease(&tag_, ExclusiveLock, true);
    }
    SetMutex(const SetMutex&) = delete;
    SetMutex& operator=(const SetMutex&) = delete;
    bool is_mine() const { return is_mine_; }

private:
    LOCKTAG tag_;
    bool is_session_;
    bool is_mine_ = false;
};

// In the caller's transaction every new table, with its indexes and TOAST, stays locked to the end.
void refuse_too_many_locks(const KnownSet& known, const Plan& plan) {
    auto creations = std::count_if(plan.steps.begin(), plan.steps.end(),
                                   [](const PlanStep& step) { return step.action == Action::create; });
    pg::SafePath path;
    auto indexes = pg::query("SELECT count(*) FROM pg_index WHERE indrelid = $1", {pg::Parameter::oid(known.set.id)});
    std::int64_t locks = creations * (kLocksOfTable + indexes.at(0).number(0));
    std::int64_t capacity = lock_capacity();
    if (locks <= capacity / 2) return;
    throw pg::PgError(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "{} partitions of \"{}\" do not fit into one transaction",
                      creations, known.set.qualified())
        .detail("They would hold about {} locks to its end; the server has room for {}.", locks, capacity)
        .hint("Call it outside a transaction block, where it commits batch by batch, or ask for fewer periods.");
}

class Maintenance {
public:
    Maintenance(const Request& request, pg::Bounded bounded, const StepSink& sink)
        : request_(request), bounded_(bounded), sink_(sink), executor_(bounded, request.acting_role, sink) {}

    const std::vector<Oid>& late() const { return late_; }

    void run_late(const std::vector<Oid>& parents) {
        is_caller_waiting_ = false;
        Ask ask = ask_for(request_, true);
        ask.future = false;
        for (Oid parent : parents) run_set(parent, ask);
    }

    void run() {
        if (request_.kind == Request::Kind::empty_trash) {
            run_trash();
            return;
        }
        Ask ask = ask_for(request_, bounded_ == pg::Bounded::transaction);
        if (request_.parent != InvalidOid) {
            run_set(request_.parent, ask);
            return;
        }
        run_all(ask);
        run_trash();
    }

private:
    // All sets get their future before any loses its past: a late retention hurts nobody.
    void run_all(Ask ask) {
        std::vector<RelationId> parents;
        std::vector<Reference> references;
        auto error = pg::attempt(bounded_, [&] {
            for (const RegisteredSet& set : read_policies())
                if (owns(request_.acting_role, set.parent)) parents.push_back(set.parent);
            references = references_between_tables();
        });
        if (error) throw pg::PgError(*error);
        Ask future = ask, retention = ask;
        future.retention = false;
        retention.future = false;
        for (RelationId parent : parents) run_set(parent, future);
        for (RelationId parent : referencing_first(parents, references)) run_set(parent, retention);
    }

    void run_set(Oid parent, const Ask& ask) {
        pg::check_interrupts();
        if (busy_.count(parent) != 0) return;
        std::optional<KnownSet> known;
        Plan plan;
        std::string name;
        SetMutex mutex(parent, bounded_);
        if (!mutex.is_mine()) {
            busy_.insert(parent);
            sink_({named(parent), "plan", "", "postponed", "another maintenance is at work on the table", "55P03", "",
                   ""});
            return;
        }
        auto error = pg::attempt(bounded_, [&] {
            name = relation_name(parent).qualified();
            look_briefly();
            known = known_set(parent, ask.now);
            plan = plan_set(*known, ask);
            if (bounded_ == pg::Bounded::subtransaction) refuse_too_many_locks(*known, plan);
        });
        if (error && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE) {
            busy_.insert(parent);
            executor_.record_busy(parent, name, *error);
            return;
        }
        if (error) {
            // What failed before is not tried a second time in the same run.
            if (ask.future || request_.parent != InvalidOid) executor_.record_failure(name, *error);
            return;
        }
        if (!leave_for_later(parent, plan)) executor_.run(*known, plan);
    }

    // The server allows one unfinished detach a table, so the other detaches wait as well.
    bool leave_for_later(Oid parent, const Plan& plan) {
        if (bounded_ != pg::Bounded::transaction || !is_caller_waiting_) return false;
        bool is_late = false;
        for (const PlanStep& step : plan.steps) {
            if (step.action != Action::finalize_detach) continue;
            is_late = true;
            sink_({step.parent, std::string(action_name(step.action)), step.object, "postponed",
                   "finalised in the background once older transactions have ended; see steward.partition_history",
                   "55P03", "", ""});
        }
        if (is_late) late_.push_back(parent);
        return is_late;
    }

    void run_trash() {
        Plan plan;
        auto error = pg::attempt(bounded_, [&] { plan = plan_trash(request_.parent, pg::now()); });
        if (error) throw pg::PgError(*error);
        Plan mine;
        for (PlanStep& step : plan.steps) {
            bool is_mine = false;
            pg::attempt(bounded_, [&] { is_mine = owns(request_.acting_role, step.partition_id); });
            if (is_mine) mine.steps.push_back(std::move(step));
        }
        executor_.run_trash(mine);
    }

    std::string named(Oid relation) {
        std::string name;
        pg::attempt(bounded_, [&] { name = relation_name(relation).qualified(); });
        return name;
    }

    const Request& request_;
    pg::Bounded bounded_;
    const StepSink& sink_;
    Executor executor_;
    std::set<Oid> busy_;  // found locked: waited for once a run, and told once
    bool is_caller_waiting_ = true;
    std::vector<Oid> late_;
};

// Nothing to do is the usual case, and costs no worker. A set that cannot be planned is something to do.
bool is_idle(const Request& request) {
    Ask ask = ask_for(request, true);
    if (request.parent != InvalidOid) return plan_set(known_set(request.parent, ask.now), ask).steps.empty();
    for (const RegisteredSet& set : read_policies())
        if (owns(request.acting_role, set.parent) && !plan_set(known_set(set.parent, set.policy), ask).steps.empty())
            return false;
    return plan_trash(InvalidOid, ask.now).steps.empty();
}

// The look is rolled back, and with it every lock it took: the worker would wait for them, and the caller for the worker.
bool has_work(const Request& request) {
    if (request.kind == Request::Kind::empty_trash) return true;
    struct Looked {};
    std::optional<bool> idle;
    auto error = pg::attempt(pg::Bounded::subtransaction, [&] {
        look_briefly();
        idle = is_idle(request);
        throw Looked{};
    });
    if (idle) return !*idle;
    // One table named by hand: what is wrong with it is told at once, unless somebody has only locked it.
    bool is_busy = error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
    if (!is_busy && request.parent != InvalidOid) throw pg::PgError(*error);
    return true;
}

// Also when the call stands in a function: what it has locked or written is seen by no worker.
bool may_use_worker(const Request& request) {
    if (IsTransactionBlock() || IsSubTransaction() || TransactionIdIsValid(GetTopTransactionIdIfAny())) return false;
    if (request.parent != InvalidOid) return !pg::is_locked_by_me(request.parent);
    for (const RegisteredSet& set : read_policies())
        if (pg::is_locked_by_me(set.parent)) return false;
    return true;
}

// Nobody waits for a job, and jobs are what takes the slots: its maintenance waits a little for one.
void start_helper(std::optional<pg::Helper>& helper, const Request& request) {
    for (int waited = 0;; waited += kSlotPollMs) {
        helper.emplace("steward_partition_worker", "pg_steward partition maintenance", request.encode());
        if (helper->started() || !pg::is_in_script() || waited >= kSlotPatienceMs) return;
        pg_usleep(kSlotPollMs * 1000L);
        pg::check_interrupts();
    }
}

void warn_of_own_transaction() {
    pg::call([] {
        ereport(WARNING,
                (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                 errmsg("partitions are maintained in the transaction of the job, because no background worker "
                        "is free"),
                 errdetail("Locks last until its end, and no partition is detached concurrently."),
                 errhint("Raise max_worker_processes, or lower steward.schedule_max_running.")));
    });
}

std::optional<std::vector<StepResult>> maintain_in_worker(const Request& request) {
    std::optional<pg::Helper> started;
    start_helper(started, request);
    pg::Helper& helper = *started;
    // No free slot, or no connection for it (a role that may not log in): then the work is done here.
    if (!helper.started() && pg::is_in_script()) warn_of_own_transaction();
    if (!helper.started() || !helper.receive()) return std::nullopt;
    std::vector<StepResult> results;
    while (auto message = helper.receive()) {
        std::vector<std::string> fields = base::unpack(*message);
        if (fields.at(0) == "step") {
            results.push_back({fields.at(1), fields.at(2), fields.at(3), fields.at(4), fields.at(5), fields.at(6),
                               fields.at(7), fields.at(8)});
        } else if (fields.at(0) == "error") {
            helper.let_go();
            throw pg::error_from({fields.at(1), fields.at(2), fields.at(3), fields.at(4)});
        } else {
            helper.let_go();
            return results;
        }
    }
    throw pg::PgError(ERRCODE_CONNECTION_FAILURE, "the maintenance worker ended before its work was done")
        .detail("{} steps were finished before.", results.size())
        .hint("The server log says why. Call again: what is done is not done twice.");
}

}  // namespace

void refuse_on_standby() {
    if (RecoveryInProgress())
        throw pg::PgError(ERRCODE_READ_ONLY_SQL_TRANSACTION, "cannot maintain partitions during recovery")
            .hint("Call it on the primary; its changes arrive here by replication.");
    if (XactReadOnly)
        throw pg::PgError(ERRCODE_READ_ONLY_SQL_TRANSACTION, "cannot maintain partitions in a read-only transaction");
}

std::string Request::encode() const {
    return base::pack({fmt::format("{}", static_cast<int>(kind)), fmt::format("{}", parent),
                       periods ? fmt::format("{}", *periods) : "", fmt::format("{}", acting_role),
                       fmt::format("{}", lock_timeout), timezone});
}

Request Request::decode(const std::string& message) {
    std::vector<std::string> fields = base::unpack(message);
    Request request;
    request.kind = static_cast<Kind>(std::stoi(fields.at(0)));
    request.parent = static_cast<Oid>(std::stoul(fields.at(1)));
    if (!fields.at(2).empty()) request.periods = std::stoi(fields.at(2));
    request.acting_role = static_cast<Oid>(std::stoul(fields.at(3)));
    request.lock_timeout = std::stoi(fields.at(4));
    request.timezone = fields.at(5);
    return request;
}

std::vector<Oid> carry_out(const Request& request, pg::Bounded bounded, const StepSink& sink) {
    Maintenance maintenance(request, bounded, sink);
    maintenance.run();
    if (request.kind == Request::Kind::everything) note_keys(request.acting_role, bounded);
    return maintenance.late();
}

void carry_out_late(const Request& request, const std::vector<Oid>& parents) {
    StepSink unheard = [](const StepResult&) {};
    Maintenance(request, pg::Bounded::transaction, unheard).run_late(parents);
}

Maintained maintain(const Request& request) {
    Maintained done;
    if (!has_work(request)) {
        if (request.kind == Request::Kind::everything) note_keys(request.acting_role, pg::Bounded::subtransaction);
        return done;
    }
    if (may_use_worker(request)) {
        if (auto results = maintain_in_worker(request)) {
            done.steps = std::move(*results);
            done.is_committed = true;
            return done;
        }
    }
    carry_out(request, pg::Bounded::subtransaction, [&](const StepResult& result) { done.steps.push_back(result); });
    return done;
}

}  // namespace steward::partition
