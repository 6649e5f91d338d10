// SPDX-License-Identifier: PostgreSQL
#include "partition/carry_out_pg.hpp"

#include <algorithm>
#include <set>

#include "partition/order.hpp"
#include "partition/pace_pg.hpp"
#include "partition/plan_pg.hpp"
#include "partition/relation_pg.hpp"
#include "partition/stats_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

constexpr int kMutexPatienceMs = 2000;
constexpr std::int64_t kLocksOfTable = 3;  // itself, its TOAST table and the index of that

std::vector<Reference> references_between_tables() {
    pg::SafePath path;
    std::vector<Reference> references;
    for (const pg::Row& row :
         pg::query("SELECT DISTINCT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conparentid = 0"))
        references.push_back({row.oid(0), row.oid(1)});
    return references;
}

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

}  // namespace

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

void look_briefly() { pg::set_local("lock_timeout", fmt::format("{}ms", lock_timeout_ms)); }

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

}  // namespace steward::partition
