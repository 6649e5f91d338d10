// SPDX-License-Identifier: PostgreSQL
//
// Default hits: the condition of a trigger, which notes them, and the worker that makes the partitions they ask for. It is the
// condition that does it because one that is false costs a fraction of a trigger that fires, and, after the row, leaves COPY
// its many rows at once.
#include <algorithm>
#include <set>
#include <vector>

#include "partition/catalog_pg.hpp"
#include "partition/relation_pg.hpp"
#include "partition/default_pg.hpp"
#include "partition/demand_pg.hpp"
#include "partition/carry_out_pg.hpp"
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

// Of the row that is there already, so that the transaction has one. 0 on foreign tables.
std::uint64_t transaction() noexcept { return U64FromFullTransactionId(GetTopFullTransactionIdIfAny()); }

// For each row: all but the first of a transaction go no farther, and into no guard.
bool is_noted(Oid partition) noexcept {
    if (noted_by != transaction()) return false;
    const std::vector<Oid>& hit = noted();
    return std::find(hit.begin(), hit.end(), partition) != hit.end();
}

// Its tables, up to the topmost. Which of them is managed, the worker will see.
std::vector<Oid> ancestors_of(Oid partition) {
    std::vector<Oid> tables;
    List* list = pg::call([&] { return get_rel_relispartition(partition) ? get_partition_ancestors(partition) : NIL; });
    tables.reserve(static_cast<std::size_t>(list_length(list)));
    for (int i = 0; i < list_length(list); ++i) tables.push_back(list_nth_oid(list, i));
    return tables;
}

void note(Oid partition) {
    if (transaction() == 0) return;
    if (noted_by != transaction()) noted().clear();
    noted_by = transaction();
    for (Oid table : ancestors_of(partition)) schedule::ask_at_commit(table);
    noted().push_back(partition);
}

// Rows of a large one are not moved, and looking for them takes long: that is left to maintenance.
bool is_within_reach(Oid parent) {
    PartitionSet set = read_set(parent);
    pg::AsOwner as_owner(set.owner);
    return look_at_default(set).pages <= kSmallDefaultPages;
}

schedule::ErrandEnd make_partitions(Oid parent) {
    Request request;
    request.kind = Request::Kind::future;
    request.parent = parent;
    request.lock_timeout = lock_timeout_ms;
    request.timezone = "UTC";
    bool is_wanted = false;
    auto failure = pg::attempt(pg::Bounded::transaction, [&] {
        is_wanted = pg::has_extension() && is_on_demand(parent) && is_within_reach(parent);
        if (is_wanted) request.acting_role = owner_of(parent);
    });
    if (failure) throw pg::PgError(std::move(*failure));
    if (!is_wanted || !OidIsValid(request.acting_role)) return schedule::ErrandEnd::idle;
    std::set<std::string> outcomes;
    carry_out(request, pg::Bounded::transaction, [&](const StepResult& step) { outcomes.insert(step.outcome); });
    if (outcomes.count("postponed") != 0) return schedule::ErrandEnd::blocked;
    if (outcomes.count("failed") != 0) return schedule::ErrandEnd::failed;
    return outcomes.count("done") != 0 ? schedule::ErrandEnd::useful : schedule::ErrandEnd::idle;
}

void serve_demand(Datum argument) {
    auto errand = schedule::claim_errand(argument, "pg_steward partitions on demand");
    if (!errand) return;
    schedule::end_claimed_errand(make_partitions(errand->object));
}

}  // namespace

}  // namespace steward::partition

STEWARD_FUNCTION(steward_note_default_hit) {
    return steward::pg::entry([&]() -> Datum {
        Oid partition = PG_GETARG_OID(0);
        if (!steward::partition::is_noted(partition)) steward::partition::note(partition);
        return BoolGetDatum(false);
    });
}

// Its condition is never true.
STEWARD_FUNCTION(steward_default_hit) { return PointerGetDatum(nullptr); }

extern "C" PGDLLEXPORT void steward_partition_demand(Datum argument);

extern "C" void steward_partition_demand(Datum argument) {
    if (!steward::schedule::has_shared()) proc_exit(0);
    steward::pg::worker_entry([&] { steward::partition::serve_demand(argument); });
}
