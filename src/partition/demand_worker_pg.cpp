// SPDX-License-Identifier: PostgreSQL
//
// Default hits: the trigger that notes them, and the worker that makes the partitions they ask for.
#include <algorithm>
#include <vector>

#include "partition/catalog_pg.hpp"
#include "partition/demand_pg.hpp"
#include "partition/maintain_pg.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/transaction.hpp"
#include "schedule/errands_pg.hpp"
#include "schedule/shared_pg.hpp"

namespace steward::partition {

namespace {

// The default partitions that this transaction has hit. Never destroyed: backends exit without unwinding.
std::vector<Oid>& noted() {
    static auto* const instance = new std::vector<Oid>();
    return *instance;
}
std::uint64_t noted_by = 0;

// The table that it is the default of, or of whose default partition it is a part.
Oid managed_table(Oid partition) {
    return pg::call([&] {
        if (!get_rel_relispartition(partition)) return InvalidOid;
        return llast_oid(get_partition_ancestors(partition));
    });
}

void note(Oid partition) {
    // The row that is about to be inserted needs the number anyway.
    std::uint64_t transaction = pg::call([] { return U64FromFullTransactionId(GetTopFullTransactionId()); });
    if (noted_by != transaction) {
        noted().clear();
        noted_by = transaction;
    }
    std::vector<Oid>& hit = noted();
    if (std::find(hit.begin(), hit.end(), partition) != hit.end()) return;
    Oid table = managed_table(partition);
    if (OidIsValid(table)) schedule::ask_at_commit(table);
    hit.push_back(partition);
}

schedule::ErrandEnd make_partitions(Oid parent) {
    Request request;
    request.kind = Request::Kind::future;
    request.parent = parent;
    request.lock_timeout = lock_timeout_ms;
    request.timezone = "UTC";
    bool is_wanted = false;
    auto failure = pg::attempt(pg::Bounded::transaction, [&] {
        is_wanted = pg::has_extension() && is_on_demand(parent);
        if (is_wanted) request.acting_role = owner_of(parent);
    });
    if (failure) throw pg::PgError(std::move(*failure));
    if (!is_wanted || !OidIsValid(request.acting_role)) return schedule::ErrandEnd::idle;
    bool is_done = false;
    bool is_postponed = false;
    carry_out(request, pg::Bounded::transaction, [&](const StepResult& step) {
        is_done = is_done || step.outcome == "done";
        is_postponed = is_postponed || step.outcome == "postponed";
    });
    if (is_postponed) return schedule::ErrandEnd::blocked;
    return is_done ? schedule::ErrandEnd::useful : schedule::ErrandEnd::idle;
}

void serve(Datum argument) {
    auto errand = schedule::claim_errand(argument);
    if (!errand) return;
    pg::call([&] {
        pqsignal(SIGTERM, die);
        BackgroundWorkerUnblockSignals();
        BackgroundWorkerInitializeConnectionByOid(errand->database, InvalidOid, 0);
        pgstat_report_appname("pg_steward partitions on demand");
    });
    schedule::end_claimed_errand(make_partitions(errand->object));
}

}  // namespace

}  // namespace steward::partition

STEWARD_FUNCTION(steward_note_default_hit) {
    return steward::pg::entry([&]() -> Datum {
        if (!CALLED_AS_TRIGGER(fcinfo))
            throw steward::pg::PgError(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                                       "function \"steward.note_default_hit\" was not called as a trigger");
        auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
        if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event)) steward::partition::note(RelationGetRelid(trigger->tg_relation));
        return PointerGetDatum(trigger->tg_trigtuple);
    });
}

extern "C" PGDLLEXPORT void steward_partition_demand(Datum argument);

extern "C" void steward_partition_demand(Datum argument) {
    if (!steward::schedule::has_shared()) proc_exit(0);
    steward::pg::entry([&] { steward::partition::serve(argument); });
}
