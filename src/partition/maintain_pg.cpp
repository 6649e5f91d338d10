// SPDX-License-Identifier: PostgreSQL
#include "partition/maintain_pg.hpp"

#include "base/pack.hpp"
#include "partition/carry_out_pg.hpp"
#include "partition/pace_pg.hpp"
#include "partition/plan_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/script.hpp"
#include "pg/spi.hpp"
#include "pg/worker.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

constexpr int kSlotPatienceMs = 5000;
constexpr int kSlotPollMs = 100;

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
